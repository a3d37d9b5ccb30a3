// Backends that we do not run: those in the file, and those that register themselves while the app is served.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { ask } from '../harness/http-client.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A server of somebody else that answers with its name; returns its address. */
async function backend(t: TestContext, name: string): Promise<string> {
  const server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Listed {
  readonly backends: {
    readonly address: string;
    readonly source: string;
    readonly state: string | null;
    readonly weight: number;
    readonly ttlMs: number | null;
    readonly leftMs: number | null;
  }[];
}

async function list(emperor: EmperorProcess): Promise<Listed['backends']> {
  const { code, stdout, stderr } = await emperor.command('upstream', 'list', 'legacy', '--json');
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as Listed).backends;
}

/** The names that answer, asked until each of `wanted` did and nobody else does any more. */
async function answeredBy(emperor: EmperorProcess, wanted: readonly string[]): Promise<void> {
  await waitFor(
    async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => emperor.ask({ host: 'legacy.localhost', path: '/' })),
      );
      const names = new Set(answers.map(({ body }) => body));
      return names.size === wanted.length && wanted.every((name) => names.has(name));
    },
    { what: `answers of ${wanted.join(', ')}`, timeoutMs: 20_000 },
  );
}

describe('an app with backends that we do not run', () => {
  it('is served by those of its file, and by those that register until they withdraw', async (t) => {
    const [own, added] = [await backend(t, 'own'), await backend(t, 'added')];
    const emperor = await startEmperor(t, { vassals: { 'legacy.yaml': `upstream: http://${own}\n` } });
    await emperor.appIs('legacy', 'running');
    await answeredBy(emperor, ['own']);
    const add = await emperor.command('upstream', 'add', 'legacy', `http://${added}/`, '--ttl', '1h');
    assert.deepEqual([add.code, add.stdout], [0, `legacy: ${added} registered with weight 1 for 1 h\n`], add.stderr);
    await answeredBy(emperor, ['own', 'added']);
    const again = await emperor.command('upstream', 'add', 'legacy', added, '--ttl', '1h');
    assert.match(again.stdout, /renewed with weight 1/);
    assert.deepEqual(
      (await list(emperor)).map(({ address, source, state }) => [address, source, state]),
      [
        [own, 'file', 'ready'],
        [added, 'registered', 'ready'],
      ],
    );
    const table = await emperor.command('upstream', 'list', 'legacy');
    assert.match(table.stdout, /^ADDRESS +STATE +WEIGHT +FROM +LEFT/);
    const remove = await emperor.command('upstream', 'remove', 'legacy', added);
    assert.deepEqual([remove.code, remove.stdout], [0, `legacy: ${added} withdrawn\n`]);
    await answeredBy(emperor, ['own']);
    const status = (await emperor.status()).vassals[0] as unknown as { runtime: string; processes: null };
    assert.deepEqual([status.runtime, status.processes], ['upstream', null]);
  });

  it('with none in its file waits for those that register, and a request waits with it', async (t) => {
    const address = await backend(t, 'first');
    const emperor = await startEmperor(t, { vassals: { 'legacy.yaml': 'upstream: []\n' } });
    await emperor.appIs('legacy', 'running');
    assert.match(
      (await emperor.command('upstream', 'list', 'legacy')).stdout,
      /has no backends: `emperor upstream add/,
    );
    const held = emperor.ask({ host: 'legacy.localhost', path: '/' });
    assert.equal((await emperor.command('upstream', 'add', 'legacy', address, '--weight', '3')).code, 0);
    const answer = await held;
    assert.deepEqual([answer.status, answer.body], [200, 'first']);
    const [only] = await list(emperor);
    assert.deepEqual([only?.weight, only?.ttlMs], [3, 30_000]);
    assert.ok((only?.leftMs ?? 0) > 0 && (only?.leftMs ?? 0) <= 30_000);
  });

  it('lets one go that is not renewed in time', async (t) => {
    const address = await backend(t, 'short');
    const emperor = await startEmperor(t, { vassals: { 'legacy.yaml': 'upstream: []\nqueue: 0\n' } });
    await emperor.appIs('legacy', 'running');
    assert.equal((await emperor.command('upstream', 'add', 'legacy', address, '--ttl', '1s')).code, 0);
    await waitFor(async () => (await list(emperor)).length === 0, { what: 'its time to be up' });
    await waitFor(async () => (await emperor.ask({ host: 'legacy.localhost', path: '/' })).status === 503, {
      what: 'nobody to be left',
    });
  });

  it('keeps what is registered when the emperor dies', async (t) => {
    const address = await backend(t, 'kept');
    const emperor = await startEmperor(t, { vassals: { 'legacy.yaml': 'upstream: []\n' } });
    await emperor.appIs('legacy', 'running');
    assert.equal((await emperor.command('upstream', 'add', 'legacy', address, '--ttl', '1h', '--weight', '2')).code, 0);
    await answeredBy(emperor, ['kept']);
    emperor.process.kill('SIGKILL');
    await emperor.process.exit();
    const { directory, runDir } = emperor;
    const second = await startEmperor(t, { in: { directory, runDir } });
    await second.appIs('legacy', 'running');
    const [only, ...others] = await list(second);
    assert.deepEqual([others.length, only?.address, only?.weight, only?.ttlMs], [0, address, 2, 3_600_000]);
    await answeredBy(second, ['kept']);
    assert.equal((await second.command('upstream', 'remove', 'legacy', address)).code, 0);
  });

  it('another app of the same name later begins with none', async (t) => {
    const address = await backend(t, 'old');
    const emperor = await startEmperor(t, { vassals: { 'legacy.yaml': 'upstream: []\n' } });
    await emperor.appIs('legacy', 'running');
    assert.equal((await emperor.command('upstream', 'add', 'legacy', address, '--ttl', '1h')).code, 0);
    emperor.remove('legacy.yaml');
    await emperor.event('the app to be gone', (event) => event['type'] === 'app' && event['state'] === 'gone');
    emperor.write('legacy.yaml', 'upstream: []\n');
    await emperor.appIs('legacy', 'running');
    assert.deepEqual(await list(emperor), []);
  });

  it('what cannot be is refused with what to do', async (t) => {
    const vassals = {
      'legacy.yaml': 'upstream: http://127.0.0.1:9\n',
      'own.yaml': 'app: ./own.cjs\n',
      'own.cjs': 'module.exports = (request, response) => response.end();',
    };
    const emperor = await startEmperor(t, { vassals });
    for (const [args, code, message] of [
      [['add', 'own', '127.0.0.1:9'], 1, /own has no upstream.*\(EMP_NOT_APPLICABLE\)\n.*`upstream: \[\]`/],
      [['add', 'legacy', 'https://a:1'], 1, /address: expected unix:\/path .*clear text \(EMP_VALUE_INVALID\)/],
      [['add', 'legacy', 'a:1', '--weight', '0'], 1, /weight: expected a whole number from 1 to 1000, got 0/],
      [['add', 'legacy', 'a:1', '--weight', 'x'], 1, /weight: .*got "x"/],
      [['add', 'legacy', 'a:1', '--ttl', '2d'], 1, /ttl: expected a duration from 1 s to 1 d, such as 30s, got "2d"/],
      [['add', 'legacy', 'a:1', '--ttl', '0'], 1, /ttl: expected/],
      [['add', 'legacy'], 2, /missing required argument 'address'/],
      [['remove', 'legacy', 'a:1'], 1, /a:1 is not registered with legacy \(EMP_NOT_REGISTERED\)/],
      [['remove', 'legacy', '127.0.0.1:9'], 1, /stands in the file of legacy and is not registered/],
      [['list', 'lecagy'], 1, /EMP_UNKNOWN_APP[^]*did you mean legacy\?/],
    ] as const) {
      const result = await emperor.command('upstream', ...args);
      assert.equal(result.code, code, args.join(' '));
      assert.match(result.stderr, message);
    }
    const scale = await emperor.command('scale', 'legacy', '2');
    assert.equal(scale.code, 1);
    assert.match(scale.stderr, /legacy has no workers to scale.*\(EMP_NOT_APPLICABLE\)\n.*emperor upstream add legacy/);
    const path = '/apps/legacy/upstreams';
    const stray = await ask(emperor.controlSocket, { path, method: 'PUT', body: '{"address": "a:1", "wieght": 2}' });
    assert.equal(stray.status, 400);
    assert.match(stray.body, /wieght\\" is no value of this request/);
  });
});
