// A generation that took over and then proves bad: the one before it serves again, without a request lost, and status
// says why. Everything through the command line and the public port.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startEmperor, type EmperorProcess, type VassalJson } from '../harness/emperor-process.ts';
import type { Scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Answers with its greeting and generation; `/die` ends the worker after the answer, `/tell` writes to its log. */
const server = `
module.exports = (request, response) => {
  if (request.url === '/tell') console.log('the last words of ' + process.env.GREETING);
  if (request.url === '/die') response.once('close', () => process.exit(3));
  response.end(process.env.GREETING + ' ' + process.env.EMPEROR_GENERATION);
};
if (process.env.FAILS === 'true') throw new Error('no database');
`;

function shop(greeting: string, keys = ''): string {
  return `app: ./server.cjs\nsettle: 60s\ndrain-timeout: 5s\nenv: {GREETING: ${greeting}}\n${keys}`;
}

async function serve(t: Scope, keys = ''): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals: { 'server.cjs': server, 'shop.yaml': shop('one', keys) } });
  await emperor.appIs('shop', 'running');
  return emperor;
}

async function asked(emperor: EmperorProcess, path = '/'): Promise<string> {
  const { status, body } = await emperor.ask({ host: 'shop.localhost', path });
  assert.equal(status, 200, body);
  return body;
}

/** Waits until a turned-back deploy is on record. */
async function turnedBack(emperor: EmperorProcess): Promise<VassalJson> {
  await emperor.event('the deploy to be told as failed', ({ result }) => result === 'failed');
  return emperor.appIs('shop', 'degraded');
}

describe('a generation on probation', () => {
  it('whose primary is killed gives way to the one before it, the very same processes', async (t) => {
    const emperor = await serve(t);
    const [before] = (await emperor.appIs('shop', 'running')).instances;
    emperor.write('shop.yaml', shop('two'));
    const { instances } = await emperor.generationIs('shop', 2);
    process.kill(instances.find(({ generation }) => generation === 2)?.pid ?? 0, 'SIGKILL');
    const { generation, lastDeploy, instances: after } = await turnedBack(emperor);
    assert.equal(generation, 1);
    assert.equal(after.find((one) => one.generation === 1)?.pid, before?.pid);
    assert.equal(lastDeploy?.generation, 2);
    assert.equal(lastDeploy.result, 'failed');
    assert.equal(lastDeploy.reason, 'the primary was killed by SIGKILL');
    assert.equal(await asked(emperor), 'one 1');
  });

  it('whose workers crash twice gives way; once does not', async (t) => {
    const emperor = await serve(t);
    emperor.write('shop.yaml', shop('two'));
    await emperor.generationIs('shop', 2);
    assert.equal(await asked(emperor, '/tell'), 'two 2');
    assert.equal(await asked(emperor, '/die'), 'two 2');
    await waitFor(
      async () => {
        const { instances } = await emperor.appIs('shop', 'running');
        const [worker] = instances.find(({ generation }) => generation === 2)?.workers ?? [];
        return JSON.stringify(worker).includes('"restarts":1') && worker?.state === 'ready';
      },
      { what: 'the worker to be back' },
    );
    assert.equal(await asked(emperor, '/die'), 'two 2');
    const { generation, lastDeploy } = await turnedBack(emperor);
    assert.equal(generation, 1);
    assert.equal(lastDeploy?.reason, 'its workers crashed 2 times within settle');
    assert.match(lastDeploy.log.join('\n'), /the last words of two/);
    assert.equal(await asked(emperor), 'one 1');
  });

  it('that is turned back is tried again by a touch or a reload, and is good once it stands', async (t) => {
    const emperor = await serve(t);
    emperor.write('shop.yaml', shop('two', 'env-file: []\n').replace('env-file: []\n', ''));
    const { instances } = await emperor.generationIs('shop', 2);
    process.kill(instances.find(({ generation }) => generation === 2)?.pid ?? 0, 'SIGKILL');
    await turnedBack(emperor);
    const { code, stdout, stderr } = await emperor.command('reload', 'shop', '--wait');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /generation 3 is live/);
    assert.equal(await asked(emperor), 'two 3');
  });

  it('keeps its predecessor no longer than settle', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': server, 'shop.yaml': shop('one').replace('settle: 60s', 'settle: 300ms') },
    });
    await emperor.appIs('shop', 'running');
    emperor.write('shop.yaml', shop('two').replace('settle: 60s', 'settle: 300ms'));
    await emperor.generationIs('shop', 2);
    await waitFor(async () => (await emperor.appIs('shop', 'running')).instances.length === 1, {
      what: 'the old generation to be gone',
    });
  });
});

describe('a new generation that never becomes good', () => {
  it('is tried again when the file is edited back to what failed', async (t) => {
    const emperor = await serve(t);
    const failing = shop('two').replace('GREETING: two', 'GREETING: two, FAILS: "true"');
    for (const text of [failing, shop('one'), failing]) {
      const from = emperor.events.length;
      emperor.write('shop.yaml', text);
      if (text === failing) await emperor.event('a failed deploy', ({ result }) => result === 'failed', 15_000, from);
      else await emperor.appIs('shop', 'running');
    }
    assert.equal(await asked(emperor), 'one 1');
  });

  for (const [what, keys, reason] of [
    ['fails while it loads', 'env: {GREETING: two, FAILS: true}', /exit code|no database/],
    [
      'fails its health-check',
      'env: {GREETING: two}\nhealth-check: {path: /up, timeout: 200ms}',
      /not ready after 1 s/,
    ],
  ] as const) {
    it(`because it ${what} leaves the old one serving; reload --wait exits 1 and says why`, async (t) => {
      const healthy = server.replace(
        'response.end(process',
        "if (request.url === '/up' && process.env.GREETING === 'two') response.statusCode = 500;\n  response.end(process",
      );
      const emperor = await startEmperor(t, { vassals: { 'server.cjs': healthy, 'shop.yaml': shop('one') } });
      await emperor.appIs('shop', 'running');
      emperor.write('shop.yaml', `app: ./server.cjs\nready-timeout: 1s\n${keys}\n`);
      const { lastDeploy } = await emperor.appIs('shop', 'degraded');
      assert.equal(lastDeploy?.result, 'failed');
      assert.match(`${lastDeploy.reason ?? ''} ${lastDeploy.log.join(' ')}`, reason);
      assert.equal(await asked(emperor), 'one 1');
      const { code, stderr } = await emperor.command('reload', 'shop', '--wait');
      assert.equal(code, 1);
      assert.match(stderr, /shop: generation \d+ failed: /);
      assert.equal(await asked(emperor), 'one 1');
    });
  }
});
