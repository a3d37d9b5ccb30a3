// The plain handler: what node:http calls for each request. Emperor listens on its behalf.
import { page } from '../page.js';

const greeting = process.env.GREETING ?? 'Hello';

export default function hello(request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(
    page(
      greeting,
      `<p>This text is <code>GREETING</code> in <code>configs/vassals/hello.yaml</code>.
       Change it there, save the file, and reload this page.</p>`,
    ),
  );
}
