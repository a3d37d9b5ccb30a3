// Fastify as its users write it, through the router: schemas, hooks, streams, and a graceful close.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import { startEmperor } from '../harness/emperor-process.ts';
import { startProgram } from '../harness/processes.ts';
import { checkApps, thirdPartyApp, type Checks } from '../harness/third-party.ts';

const order = { method: 'POST', headers: { 'content-type': 'application/json' } } as const;

const checks: Checks = {
  'answers JSON through its hooks': async (site) => {
    const { headers, bytes } = await site.ask('/', { headers: { 'x-user': 'ada' } });
    assert.equal(bytes.toString(), '{"hello":"world"}');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(headers['x-hooked'], 'ada');
  },
  'lets a hook answer instead of the handler': async (site) => {
    assert.equal((await site.ask('/private')).status, 401);
    assert.deepEqual(await site.json('/private', { headers: { 'x-user': 'ada' } }), { user: 'ada' });
  },
  'takes what fits the schema, and refuses the rest': async (site) => {
    const created = await site.ask('/order', { ...order, body: '{"item":"tea","amount":2}' });
    assert.equal(created.status, 201);
    assert.equal(created.bytes.toString(), '{"item":"tea","amount":2}');
    const refused = await site.ask('/order', { ...order, body: '{"item":"tea","amount":0}' });
    assert.equal(refused.status, 400);
    assert.match(refused.bytes.toString(), /body\/amount must be >= 1/);
    assert.equal((await site.ask('/order', { ...order, body: '' })).status, 400);
    const typeless = await site.ask('/order', { method: 'POST', headers: { 'content-type': 'a/b' }, body: 'x' });
    assert.equal(typeless.status, 415);
  },
  'streams 1 MB': async (site) => {
    const { bytes } = await site.ask('/stream');
    const expected = Buffer.concat(Array.from({ length: 64 }, (_, index) => Buffer.alloc(16384, index)));
    assert.ok(bytes.equals(expected), `${bytes.length} bytes`);
  },
  'answers HEAD, 404 and a broken handler': async (site) => {
    const head = await site.ask('/', { method: 'HEAD' });
    assert.equal(head.headers['content-length'], '17');
    assert.equal(head.bytes.length, 0);
    assert.equal((await site.ask('/nowhere')).status, 404);
    assert.deepEqual(await site.json('/broken'), {
      statusCode: 500,
      error: 'Internal Server Error',
      message: 'a broken handler',
    });
  },
};

test('Fastify, by fastify.listen and as an exported instance', async (t) => {
  const emperor = await startEmperor(t, {
    vassals: {
      'listens.yaml': `app: ${thirdPartyApp('fastify/listen.js')}\nprocesses: 2\n`,
      'exported.yaml': `app: ${thirdPartyApp('fastify/exported.mjs')}\n`,
    },
  });
  await checkApps(t, emperor, ['listens', 'exported'], checks);
  for (const name of ['listens', 'exported']) {
    await t.test(`${name}: a deploy closes the old instance gracefully, onClose hooks and all`, async (t) => {
      const env = { EMPEROR_RUN_DIR: emperor.runDir };
      const log = startProgram(t, entryPoints.emperor, ['logs', '-f', name], { env });
      await log.printed('Server listening');
      const reloaded = await emperor.command('reload', '--wait', name);
      assert.equal(reloaded.code, 0, reloaded.stderr);
      await log.printed('fastify closed', 20_000);
    });
  }
});
