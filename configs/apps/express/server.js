// An Express app as its own documentation writes one, down to app.listen. It shows a request as the app receives it.
import express from 'express';
import { escapeHtml, page } from '../page.js';

const app = express();
app.disable('x-powered-by');
// Only the router can reach this app, and it writes the X-Forwarded fields itself: what they say is true.
app.set('trust proxy', true);

app.get('/', (request, response) => {
  const rows = Object.entries({ 'your address': request.ip, 'you asked for': request.originalUrl, ...request.headers });
  response.set('cache-control', 'no-store').send(
    page(
      'Express',
      `<p>Your request, as it arrived here. Two workers share the visitors: reload to meet the other one.</p>
       <table>${rows.map(([name, value]) => `<tr><td>${escapeHtml(name)}<td>${escapeHtml(value)}`).join('')}</table>`,
    ),
  );
});

app.post('/echo', express.json({ limit: '100kb' }), (request, response) => {
  response.json({ pid: process.pid, youSent: request.body ?? null });
});

app.listen(process.env.PORT ?? 3000);
