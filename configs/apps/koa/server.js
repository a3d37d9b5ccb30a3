// Koa: middleware around a handler, and a signed cookie that counts your visits without anything kept on the server.
import Koa from 'koa';
import { page } from '../page.js';

const key = process.env.COOKIE_KEY;
if (key === undefined) throw new Error('COOKIE_KEY is not set: name an env-file with it in koa.yaml');

const app = new Koa({ keys: [key], proxy: true });

app.use(async (context, next) => {
  const start = performance.now();
  await next();
  context.set('server-timing', `app;dur=${(performance.now() - start).toFixed(2)}`);
});

app.use((context) => {
  if (context.path !== '/') return;
  const visits = Number(context.cookies.get('visits', { signed: true }) ?? 0) + 1;
  context.cookies.set('visits', String(visits), { signed: true, sameSite: 'lax', maxAge: 30 * 24 * 3600 * 1000 });
  context.set('cache-control', 'no-store');
  context.type = 'html';
  context.body = page(
    'Koa',
    `<p class="big">${visits}</p><p>${visits === 1 ? 'Your first visit. Reload!' : 'visits, says a cookie that you cannot forge.'}</p>`,
  );
});

export default app;
