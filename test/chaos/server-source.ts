// The code of the apps under chaos, written into a temporary directory. It says in every answer who gives it, and
// keeps a durable list of what it executed, so that a request that ran twice is found.

/** `CHAOS_LIST`: the file to which `begin <id> <pid> <generation>` and `died <pid> <time>` are appended. */
export const serverSource = `
'use strict';
const { appendFileSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');
const { CHAOS_LIST, CHAOS_VERSION, CHAOS_MODE = 'good', EMPEROR_APP, EMPEROR_GENERATION } = process.env;

const who = { 'X-Chaos-Generation': EMPEROR_GENERATION, 'X-Chaos-Pid': String(process.pid), 'X-Chaos-Version': CHAOS_VERSION };
const list = (line) => appendFileSync(CHAOS_LIST, line + '\\n');

/** Bytes that whoever knows the seed can check: a sequence of 32-bit numbers. */
function fill(seed, from, length) {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 4) bytes.writeUInt32LE(Math.imul(seed + from + index, 2654435761) >>> 0, index);
  return bytes;
}

const handlers = {
  '/': (request, response) => {
    response.writeHead(200, who);
    response.end(JSON.stringify({ app: EMPEROR_APP, version: CHAOS_VERSION }));
  },
  '/echo': (request, response, query) => {
    list('begin ' + query.get('id') + ' ' + process.pid + ' ' + EMPEROR_GENERATION);
    const digest = createHash('sha256');
    let length = 0;
    request.on('data', (bytes) => { digest.update(bytes); length += bytes.length; });
    request.on('end', () => {
      setTimeout(() => {
        response.writeHead(200, who);
        response.end(length + ' ' + digest.digest('hex'));
      }, Number(query.get('ms') ?? 0));
    });
  },
  '/download': (request, response, query) => {
    const [seed, size, ms] = ['seed', 'size', 'ms'].map((name) => Number(query.get(name)));
    const parts = Math.max(1, Math.floor(ms / 50));
    const part = Math.ceil(size / parts / 4) * 4;
    response.writeHead(200, { ...who, 'Content-Length': size });
    let sent = 0;
    const timer = setInterval(() => {
      const length = Math.min(part, size - sent);
      response.write(fill(seed, sent, length));
      sent += length;
      if (sent < size) return;
      clearInterval(timer);
      response.end();
    }, 50);
    response.on('close', () => clearInterval(timer));
  },
  '/events': (request, response) => {
    response.writeHead(200, { ...who, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    let count = 0;
    const tick = () => response.write('data: ' + count++ + '\\n\\n');
    tick();
    const timer = setInterval(tick, 200);
    response.on('close', () => clearInterval(timer));
  },
};

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://app');
  const handler = handlers[url.pathname];
  if (handler !== undefined) return handler(request, response, url.searchParams);
  response.writeHead(404, who);
  response.end();
});

server.on('upgrade', (request, socket, head) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  const fields = Object.entries(who).map(([name, value]) => name + ': ' + value);
  socket.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: ' + accept, ...fields, '', ''].join('\\r\\n'));
  let pending = head;
  // Small masked frames only: text is echoed, a close frame is answered.
  const read = () => {
    while (pending.length >= 6) {
      const length = pending[1] & 127;
      if (pending.length < 6 + length) return;
      const mask = pending.subarray(2, 6);
      const payload = Buffer.from(pending.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index & 3]));
      const opcode = pending[0] & 15;
      pending = pending.subarray(6 + length);
      socket.write(Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]));
      if (opcode === 8) { socket.end(); return; }
    }
  };
  socket.on('data', (bytes) => { pending = Buffer.concat([pending, bytes]); read(); });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  read();
});

if (CHAOS_MODE === 'crashes') throw new Error('this version crashes as it starts');
if (CHAOS_MODE === 'hangs') setInterval(() => undefined, 1000);
else server.listen(0);
if (CHAOS_MODE === 'dies') setTimeout(() => { list('died ' + process.pid + ' ' + Date.now()); process.exit(9); }, 500 + 300 * Math.random());
`;

/** What '/download' sends, computed by the client. */
export function expectedBytes(seed: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) {
    const at = from + index;
    const word = Math.imul(seed + (at - (at % 4)), 2_654_435_761) >>> 0;
    bytes[index] = (word >>> (8 * (at % 4))) & 255;
  }
  return bytes;
}
