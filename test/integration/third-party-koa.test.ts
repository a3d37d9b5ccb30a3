// Koa as its users write it, through the router.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { startEmperor } from '../harness/emperor-process.ts';
import { checkApps, thirdPartyApp, type Checks } from '../harness/third-party.ts';

const checks: Checks = {
  'answers through its middleware': async (site) => {
    const { headers, bytes } = await site.ask('/');
    assert.equal(bytes.toString(), 'Hello World');
    assert.match(String(headers['x-response-time']), /^\d+ms$/);
    assert.deepEqual(await site.json('/json?a=1&a=2', { method: 'DELETE' }), {
      method: 'DELETE',
      query: { a: ['1', '2'] },
    });
  },
  'streams an answer, and takes a body of unknown length': async (site) => {
    assert.equal(await site.text('/stream'), 'one\ntwo\nthree\n');
    const body = Buffer.alloc(3_000_000, 'x');
    const chunked = await site.ask('/upload', { method: 'PUT', body: Readable.from(pieces(body)) });
    assert.equal(chunked.bytes.toString(), String(body.length));
  },
  'signs its cookies': async (site) => {
    const first = await site.ask('/session');
    assert.equal(first.bytes.toString(), 'unknown');
    const cookie = [first.headers['set-cookie'] ?? []]
      .flat()
      .map((line) => line.split(';')[0])
      .join('; ');
    assert.equal(await site.text('/session', { headers: { cookie } }), 'tobi');
  },
  'answers 404, 403 and 500 itself': async (site) => {
    assert.equal((await site.ask('/nowhere')).status, 404);
    const forbidden = await site.ask('/forbidden');
    assert.equal(forbidden.status, 403);
    assert.equal(forbidden.bytes.toString(), 'not for you');
    assert.equal((await site.ask('/broken')).status, 500);
  },
};

function* pieces(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += 70_000) yield body.subarray(start, start + 70_000);
}

test('Koa, by app.listen and as an exported app', async (t) => {
  const emperor = await startEmperor(t, {
    vassals: {
      'listens.yaml': `app: ${thirdPartyApp('koa/listen.js')}\nprocesses: 2\n`,
      'exported.yaml': `app: ${thirdPartyApp('koa/app.js')}\n`,
    },
  });
  await checkApps(t, emperor, ['listens', 'exported'], checks);
});
