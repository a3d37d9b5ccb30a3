// A small JSON API. The schema does the work: it turns query text into numbers and refuses what is none.
import Fastify from 'fastify';
import { page } from '../page.js';

const app = Fastify();

const schema = {
  querystring: {
    type: 'object',
    required: ['a', 'b'],
    properties: { a: { type: 'number' }, b: { type: 'number' } },
  },
  response: { 200: { type: 'object', properties: { sum: { type: 'number' }, pid: { type: 'integer' } } } },
};

app.get('/', async (_request, reply) => {
  return reply.type('text/html; charset=utf-8').send(
    page(
      'Fastify',
      `<form action="/sum"><input name="a" value="20" size="6" aria-label="first number"> +
       <input name="b" value="22" size="6" aria-label="second number"> <button>Add them up</button></form>
       <p><small>Write a word instead of a number, and the schema answers 400.</small></p>`,
    ),
  );
});

app.get('/sum', { schema }, async ({ query }) => ({ sum: query.a + query.b, pid: process.pid }));

// What `health-check: /up` in fastify.yaml asks; an app with a database would look for it here.
app.get('/up', async () => ({ up: true }));

export default app;
