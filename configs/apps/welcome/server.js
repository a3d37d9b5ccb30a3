// The first page: a link to every app beside this one, read from the directory of vassals at each visit, so that a file
// that was just dropped there is in the list.
import { readdir } from 'node:fs/promises';
import { escapeHtml, page } from '../page.js';

const vassals = new URL('../../vassals/', import.meta.url);

export default async function welcome(request, response) {
  if (request.url !== '/') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  const port = /:\d+$/.exec(request.headers.host ?? '')?.[0] ?? '';
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(
    page('Emperor', `<p>Each file of <code>configs/vassals</code> is an app:</p>${list(await names(), port)}`),
  );
}

/** Vassals whose host follows from the file's name. */
async function names() {
  const files = await readdir(vassals);
  const found = files.map((file) => /^([a-z0-9-]+)\.(?:ya?ml|json)$/.exec(file)?.[1]);
  return found.filter((name) => name !== undefined && name !== 'welcome').sort();
}

function list(names, port) {
  const items = names.map((name) => `<li><a href="http://${name}.localhost${escapeHtml(port)}/">${name}</a></li>`);
  return `<ul>${items.join('')}</ul><p>Drop in a file, and reload this page.</p>`;
}
