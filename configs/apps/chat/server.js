// A chat room over WebSockets with the ws package: what one visitor says, every visitor gets.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { WebSocketServer } from 'ws';
import { page } from '../page.js';

const body = readFileSync(new URL('room.html', import.meta.url), 'utf8');
const maxLength = 500;

const server = createServer((request, response) => {
  if (request.url !== '/') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(page('Chat', body));
});

const sockets = new WebSocketServer({ server, path: '/room', maxPayload: 16 * 1024 });

sockets.on('connection', (socket) => {
  socket.isAlive = true;
  socket.on('pong', () => (socket.isAlive = true));
  // ws closes the connection itself after an error; without a listener the error would end the process.
  socket.on('error', (error) => console.error(`a visitor's connection failed: ${error.message}`));
  socket.on('close', tellNumber);
  socket.on('message', (data) => {
    const said = parse(data);
    if (said !== undefined) tellAll(said);
  });
  tellNumber();
});

// A peer that vanished without a word (a closed laptop) is found by its silence.
const pinging = setInterval(() => {
  for (const socket of sockets.clients) {
    if (!socket.isAlive) socket.terminate();
    socket.isAlive = false;
    socket.ping();
  }
}, 30_000);

process.once('SIGTERM', () => {
  clearInterval(pinging);
  // 1012 is "service restart" in the registry of close codes: the page connects again at once.
  for (const socket of sockets.clients) socket.close(1012, 'restarting');
  server.close();
});

server.listen(process.env.PORT ?? 3000);

/** What a visitor said, cut to size, or undefined for what no page of ours sends. */
function parse(data) {
  try {
    const { from, text } = JSON.parse(data);
    if (typeof from !== 'string' || typeof text !== 'string' || text.trim() === '') return undefined;
    return { from: from.slice(0, 30), text: text.slice(0, maxLength) };
  } catch {
    return undefined;
  }
}

function tellNumber() {
  tellAll({ present: sockets.clients.size, pid: process.pid });
}

function tellAll(message) {
  const line = JSON.stringify(message);
  for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.send(line);
}
