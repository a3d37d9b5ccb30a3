// A clock over server-sent events: one answer per visitor that never ends, with one line a second.
import { page } from '../page.js';

const streams = new Set();

const ticking = setInterval(() => {
  for (const response of streams) sendTime(response);
}, 1000);

// An open stream would hold the worker until it is killed: it is for the app to say that it is over.
process.once('SIGTERM', () => {
  clearInterval(ticking);
  for (const response of streams) response.end();
});

export default function events(request, response) {
  if (request.url === '/clock') return openStream(request, response);
  if (request.url !== '/') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(
    page(
      'The time is',
      `<output class="big" id="time">&nbsp;</output>
       <p>This page was loaded once; the seconds come one by one. <code>touch configs/vassals/events.yaml</code>,
       and a new process takes the clock over: <span id="by"></span></p>
       <script>
         const source = new EventSource('/clock');
         source.onmessage = ({ data }) => {
           const { time, pid } = JSON.parse(data);
           document.getElementById('time').textContent = new Date(time).toLocaleTimeString();
           document.getElementById('by').textContent = 'told by process ' + pid;
         };
         source.onerror = () => { document.getElementById('by').textContent = 'connecting again …'; };
       </script>`,
    ),
  );
}

function openStream(request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  // How many milliseconds the browser waits before it connects again.
  response.write('retry: 500\n\n');
  sendTime(response);
  streams.add(response);
  response.once('close', () => streams.delete(response));
}

function sendTime(response) {
  response.write(`data: ${JSON.stringify({ time: Date.now(), pid: process.pid })}\n\n`);
}
