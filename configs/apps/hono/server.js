// Hono speaks the web's own Request and Response. It is served below two prefixes (see hono.yaml), and the path arrives whole.
import { Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { page } from '../page.js';

const lines = [
  'Drop a file, an app will stand;',
  'change the file, and close at hand',
  'another stands, and takes its place,',
  'and not a guest has lost the race.',
];

const routes = new Hono();

routes.get('/', (context) =>
  context.html(page('Hono', '<p>A poem, sent <a href="poem">line by line</a> as it is written.</p>')),
);

routes.get('/poem', (context) =>
  streamText(context, async (stream) => {
    for (const line of lines) {
      await stream.writeln(line);
      await stream.sleep(300);
    }
  }),
);

const app = new Hono();
app.route('/', routes);
app.get('/hono', (context) => context.redirect('/hono/'));
app.route('/hono/', routes);

export default app;
