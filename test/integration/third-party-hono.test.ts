// Hono as its users write it, through the router: the exported `fetch`, and its own Node server.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startEmperor } from '../harness/emperor-process.ts';
import { checkApps, thirdPartyApp, type Checks } from '../harness/third-party.ts';

const checks: Checks = {
  'answers text and JSON, with parameters': async (site) => {
    assert.equal(await site.text('/'), 'Hono!');
    assert.deepEqual(await site.json('/hello/J%C3%BCrgen?q=1&q=2'), { name: 'Jürgen', q: ['1', '2'] });
    const created = await site.ask('/json', { method: 'POST', body: '{"a":[1]}' });
    assert.equal(created.status, 201);
    assert.deepEqual(JSON.parse(created.bytes.toString()), { a: [1] });
  },
  'takes a multipart form with a file': async (site) => {
    const form = new Response(formWithFile());
    const headers = { 'content-type': form.headers.get('content-type') ?? '' };
    const body = Buffer.from(await form.arrayBuffer());
    assert.deepEqual(await site.json('/form', { method: 'POST', headers, body }), {
      title: 'a title',
      file: { name: 'notes.txt', text: 'the file' },
    });
  },
  'echoes a body of 4 MB while it arrives': async (site) => {
    const body = randomBytes(4 * 1024 * 1024);
    const { bytes } = await site.ask('/echo', { method: 'POST', body });
    assert.equal(hash(bytes), hash(body));
  },
  'streams bytes and server-sent events': async (site) => {
    const { bytes } = await site.ask('/stream');
    const expected = Buffer.concat(Array.from({ length: 64 }, (_, index) => Buffer.alloc(16384, index)));
    assert.ok(bytes.equals(expected), `${bytes.length} bytes`);
    const events = await site.ask('/sse');
    assert.equal(events.headers['content-type'], 'text/event-stream');
    assert.deepEqual(events.bytes.toString().match(/^data: .*$/gm), [
      'data: event 0',
      'data: event 1',
      'data: event 2',
    ]);
  },
  'validates, shares across origins, and asks for a password': async (site) => {
    const tag = String((await site.ask('/etag')).headers['etag']);
    assert.equal((await site.ask('/etag', { headers: { 'if-none-match': tag } })).status, 304);
    const asked = { origin: 'https://example.com', 'access-control-request-method': 'GET' };
    const preflight = await site.ask('/cors', { method: 'OPTIONS', headers: asked });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], 'https://example.com');
    const closed = await site.ask('/auth');
    assert.equal(closed.status, 401);
    assert.match(String(closed.headers['www-authenticate']), /^Basic/);
    const authorization = `Basic ${Buffer.from('hono:flame').toString('base64')}`;
    assert.equal(await site.text('/auth', { headers: { authorization } }), 'you are in');
  },
  'sees the host that the visitor asked for': async (site) => {
    assert.equal(await site.text('/url?a=b%20c'), `http://${site.host}/url?a=b%20c`);
  },
  'answers HEAD, 404 and a broken handler': async (site) => {
    const head = await site.ask('/', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
    assert.equal((await site.ask('/nowhere')).status, 404);
    assert.equal((await site.ask('/broken')).status, 500);
  },
};

function formWithFile(): FormData {
  const form = new FormData();
  form.set('title', 'a title');
  form.set('file', new Blob(['the file']), 'notes.txt');
  return form;
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('Hono, by its Node server and as an exported fetch', async (t) => {
  const emperor = await startEmperor(t, {
    vassals: {
      'listens.yaml': `app: ${thirdPartyApp('hono/listen.mjs')}\nprocesses: 2\n`,
      'exported.yaml': `app: ${thirdPartyApp('hono/app.mjs')}\n`,
    },
  });
  await checkApps(t, emperor, ['listens', 'exported'], checks);
});
