// How the routers move bytes is the operator's choice: told at the start, changed while clients are served, carried
// over to adopted routers, and never something else than was asked for.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { noNativeVariable } from '../../native/index.ts';
import {
  launchEmperor,
  startEmperor,
  type EmperorOptions,
  type EmperorProcess,
  type StatusJson,
} from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { Traffic } from '../harness/traffic.ts';
import { withoutReactor } from '../harness/transport.ts';
import { waitFor } from '../harness/wait-for.ts';

const vassals = {
  'who.cjs': `module.exports = (request, response) => response.end('served');`,
  'who.yaml': 'app: ./who.cjs\n',
};
const host = 'who.localhost';
const configOf = (transport: string): string => `router: {transport: ${transport}}\n`;
const bare = { [noNativeVariable]: '1' };

/** An emperor to which nobody but the test says what its transport is. */
async function start(t: TestContext, options: EmperorOptions): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals, transport: null, ...options });
  await emperor.appIs('who', 'running');
  return emperor;
}

/** emperor.yaml of an emperor that was started in directories of its own. */
function configure(emperor: EmperorProcess, content: string): void {
  writeFileSync(join(emperor.runDir, '../emperor.yaml'), content);
  emperor.process.kill('SIGHUP');
}

/** Waits until the routers that accept, `count` at least, all run this transport. */
async function movesBytesBy(emperor: EmperorProcess, transport: string, count = 1): Promise<StatusJson['router']> {
  return waitFor(
    async () => {
      const { router } = await emperor.status();
      const accepting = router.processes.filter(({ isEnding }) => !isEnding);
      return accepting.length >= count && accepting.every((one) => one.transport === transport) && router;
    },
    { what: () => `routers that run ${transport}; log ${emperor.process.stderr.slice(-2000)}`, timeoutMs: 20_000 },
  );
}

describe('the transport of the routers', () => {
  it('is by default portable where the addon is missing, and status says why', async (t) => {
    const emperor = await start(t, { env: bare });
    const { router } = await emperor.status();
    assert.equal(router.transport, 'portable');
    assert.match(router.transportReason ?? '', new RegExp(`^the reactor cannot run: .*${noNativeVariable}`));
    const { stdout } = await emperor.command('status');
    assert.match(stdout, new RegExp(`\nrouter portable .*\n +because the reactor cannot run: .*${noNativeVariable}`));
  });

  it('is by default the reactor where it runs', { skip: withoutReactor }, async (t) => {
    const emperor = await start(t, {});
    const { router } = await emperor.status();
    assert.deepEqual([router.transport, router.transportReason], ['reactor', 'the addon has it']);
  });

  it('is what emperor.yaml says, and the flag wins over it', async (t) => {
    const byFile = await start(t, { config: configOf('portable') });
    const { router } = await byFile.status();
    assert.deepEqual([router.transport, router.transportReason], ['portable', 'it was asked for']);
    const byFlag = await start(t, { config: configOf('reactor'), flags: ['--transport', 'portable'] });
    assert.equal((await byFlag.status()).router.transport, 'portable');
  });

  it('is the reactor in every router that is asked for it', { skip: withoutReactor }, async (t) => {
    const emperor = await start(t, { config: 'router: {transport: reactor, processes: 2}\n' });
    const { transportReason, pids } = await movesBytesBy(emperor, 'reactor', 2);
    assert.equal(pids.length, 2);
    assert.equal(transportReason, 'it was asked for');
    assert.equal((await emperor.ask({ host })).body, 'served');
  });

  it('is asked for in vain where the reactor cannot run: the emperor says what, where and why, and ends', async (t) => {
    const asked: readonly [where: RegExp, options: EmperorOptions][] = [
      [/--transport asks for/, { flags: ['--transport', 'reactor'] }],
      [/router\.transport in \/.*emperor\.yaml asks for/, { config: configOf('reactor') }],
    ];
    for (const [where, options] of asked) {
      const emperor = launchEmperor(t, { vassals, transport: null, env: bare, endsItself: true, ...options });
      assert.equal((await emperor.process.exit()).code, 1);
      const { stderr } = emperor.process;
      assert.match(stderr, where);
      assert.match(stderr, new RegExp(`the reactor cannot run: .*${noNativeVariable}.*EMP_TRANSPORT_UNAVAILABLE`));
      assert.match(stderr, /say `auto`/);
    }
  });
});

describe('a change of the transport', () => {
  it('to one that cannot be had is told, and changes nothing', async (t) => {
    const emperor = await start(t, { env: bare });
    const before = await emperor.status();
    configure(emperor, `${configOf('reactor')}log: {level: debug}\n`);
    await waitFor(() => /EMP_TRANSPORT_UNAVAILABLE/.test(emperor.process.stderr), { what: 'the log to tell it' });
    assert.match(emperor.process.stderr, /router\.transport in .* asks for the transport reactor/);
    assert.doesNotMatch(emperor.process.stderr, /emperor\.yaml was read again/);
    assert.deepEqual((await emperor.status()).router.pids, before.router.pids);
    assert.equal((await emperor.ask({ host })).body, 'served');
  });

  it('that comes to the same renews no router', async (t) => {
    const emperor = await start(t, { env: bare, config: configOf('auto') });
    const { pids } = (await emperor.status()).router;
    configure(emperor, configOf('portable'));
    await waitFor(() => emperor.process.stderr.includes('emperor.yaml was read again'), {
      what: 'the file to be read',
    });
    await emperor.ask({ host });
    assert.deepEqual((await emperor.status()).router.pids, pids);
  });

  for (const [from, to] of [
    ['portable', 'reactor'],
    ['reactor', 'portable'],
    ['portable', 'auto'],
  ] as const) {
    it(`from ${from} to ${to} costs no client anything`, { skip: withoutReactor }, async (t) => {
      const emperor = await start(t, { config: configOf(from) });
      const before = (await movesBytesBy(emperor, from)).pids;
      const traffic = Traffic.start(t, emperor.port, host);
      const idle = new RawConnection(emperor.port);
      t.after(() => {
        idle.destroy();
      });
      idle.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await idle.until('an answer', (text) => text.endsWith('served'));
      await traffic.goesOn();

      configure(emperor, configOf(to));
      const { pids } = await movesBytesBy(emperor, to === 'auto' ? 'reactor' : to);
      for (const pid of pids) assert.ok(!before.includes(pid), `router ${pid} is new`);
      await traffic.goesOn();
      assert.deepEqual(await traffic.stop(), []);
      assert.equal(idle.isEnded, false, 'an idle client saw nothing');
      idle.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await idle.until('a second answer', (text) => text.split('served').length === 3);
    });
  }

  it('made while no emperor ran is carried out by the next one', { skip: withoutReactor }, async (t) => {
    const first = await start(t, { flags: ['--transport', 'portable'], endsItself: true });
    const before = (await first.status()).router.pids;
    first.process.kill('SIGKILL');
    await first.process.exit();
    const traffic = Traffic.start(t, first.port, host);
    const place = { directory: first.directory, runDir: first.runDir };
    const second = await startEmperor(t, { transport: null, in: place });
    const { pids, transportReason } = await movesBytesBy(second, 'reactor');
    for (const pid of pids) assert.ok(!before.includes(pid), `router ${pid} is new`);
    assert.equal(transportReason, 'the addon has it');
    await traffic.goesOn();
    assert.deepEqual(await traffic.stop(), []);
  });

  it('is none where the next emperor asks for the same', { skip: withoutAddon }, async (t) => {
    const first = await start(t, { flags: ['--transport', 'portable'], endsItself: true });
    const before = (await first.status()).router.pids;
    first.process.kill('SIGKILL');
    await first.process.exit();
    const second = await startEmperor(t, {
      in: { directory: first.directory, runDir: first.runDir },
      transport: 'portable',
    });
    await second.appIs('who', 'running');
    assert.deepEqual((await second.status()).router.pids, before);
  });
});
