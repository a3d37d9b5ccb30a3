// The addresses that clients connect to: held through every death, and changed while clients are served.
import assert from 'node:assert/strict';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { freePorts } from '../harness/free-ports.ts';
import { ask, RawConnection, refused } from '../harness/http-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { gone } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { Traffic } from '../harness/traffic.ts';
import { waitFor } from '../harness/wait-for.ts';

const vassals = {
  'who.cjs': `module.exports = (request, response) => response.end(process.env.EMPEROR_GENERATION + ' ' + process.pid);`,
  'who.yaml': 'app: ./who.cjs\n',
};
const host = 'who.localhost';

async function listening(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function listen(...addresses: readonly (number | string)[]): string {
  const all = addresses.map((one) => (typeof one === 'number' ? `127.0.0.1:${one}` : one));
  return `listen: ${JSON.stringify(all)}\n`;
}

/** emperor.yaml of an emperor that was started in directories of its own. */
function configure(emperor: EmperorProcess, content: string): void {
  writeFileSync(join(emperor.runDir, '../emperor.yaml'), content);
  emperor.process.kill('SIGHUP');
}

async function start(t: TestContext, config: string, endsItself = false): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals, config, listen: [], endsItself });
  await emperor.appIs('who', 'running');
  return emperor;
}

async function listensOn(emperor: EmperorProcess, ...ports: readonly number[]): Promise<void> {
  const wanted = ports.map((port) => `127.0.0.1:${port}`);
  await waitFor(
    async () => {
      const { router } = await emperor.status();
      const isNew = router.pids.length > 0 && router.processes.every(({ isEnding, pid }) => isEnding || pid !== null);
      return isNew && JSON.stringify(router.listen) === JSON.stringify(wanted);
    },
    { what: () => `the emperor to listen on ${wanted.join(', ')}; log ${emperor.process.stderr.slice(-2000)}` },
  );
}

async function answers(port: number): Promise<string> {
  return (await ask(port, { host })).body;
}

describe('the ports of an emperor that died', { skip: withoutAddon }, () => {
  it('are held by the next one: all adopted routers may die, and no connection is refused', async (t) => {
    const first = await startEmperor(t, { vassals, config: 'router:\n  processes: 2\n', endsItself: true });
    await first.appIs('who', 'running');
    first.process.kill('SIGKILL');
    await first.process.exit();
    const second = await startEmperor(t, {
      config: 'router:\n  processes: 2\n',
      in: { directory: first.directory, runDir: first.runDir },
    });
    await second.appIs('who', 'running');
    assert.equal(second.port, first.port);
    const { pids } = (await second.status()).router;
    assert.equal(pids.length, 2);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    // Taken by the kernel at once, and answered by a router that is still to be started.
    assert.match(await answers(second.port), /^1 /);
    for (const pid of pids) await gone(pid);
    await waitFor(async () => (await second.status()).router.pids.length === 2, { what: 'two new routers' });
    assert.match(await answers(second.port), /^1 /);
    assert.throws(() => statSync(join(second.runDir, 'ports.sock')), { code: 'ENOENT' });
  });

  it('are passed on by another router where one hangs', async (t) => {
    const first = await startEmperor(t, { vassals, config: 'router:\n  processes: 2\n', endsItself: true });
    await first.appIs('who', 'running');
    const [stopped] = (await first.status()).router.pids;
    assert.ok(stopped !== undefined);
    first.process.kill('SIGKILL');
    await first.process.exit();
    // It lives, and neither dials in nor answers.
    process.kill(stopped, 'SIGSTOP');
    const second = await startEmperor(t, {
      config: 'router:\n  processes: 2\n',
      in: { directory: first.directory, runDir: first.runDir },
    });
    await waitFor(async () => (await second.status()).router.pids.length === 2, { what: 'two routers' });
    process.kill(stopped, 'SIGKILL');
    for (const pid of (await second.status()).router.pids) process.kill(pid, 'SIGKILL');
    assert.match(await answers(second.port), /^1 /);
  });
});

describe('a change of `listen`', { skip: withoutAddon }, () => {
  it('leaves what stays open to everybody, opens what is new and closes what is gone', async (t) => {
    const [stays = 0, goes = 0, comes = 0] = await freePorts(3);
    const path = join(tempDir(t), 'public.sock');
    const emperor = await start(t, listen(stays, goes, `unix:${path}`));
    const before = (await emperor.status()).router.pids;
    assert.equal((await ask(path, { host })).status, 200);
    const traffic = Traffic.start(t, stays, host);
    const idle = new RawConnection(stays);
    t.after(() => {
      idle.destroy();
    });
    idle.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await idle.until('an answer', (text) => /\r\n\r\n1 \d+/.test(text));
    await traffic.goesOn();

    configure(emperor, listen(stays, comes));
    await listensOn(emperor, stays, comes);
    await refused(goes);
    assert.match(await answers(comes), /^1 /);
    await waitFor(() => statSync(path, { throwIfNoEntry: false }) === undefined, { what: 'the unix socket to go' });
    await traffic.goesOn();
    for (const pid of (await emperor.status()).router.pids) assert.ok(!before.includes(pid), `router ${pid} is new`);
    assert.equal(idle.isEnded, false, 'an idle client saw nothing');
    assert.deepEqual(await traffic.stop(), []);

    configure(emperor, listen(comes));
    await listensOn(emperor, comes);
    await refused(stays);
    assert.match(await answers(comes), /^1 /);
  });

  it('to an address that another process has is told with its pid, changes nothing, and is done when it is free', async (t) => {
    const [port = 0, taken = 0] = await freePorts(2);
    const emperor = await start(t, listen(port));
    const before = (await emperor.status()).router.pids;
    const holder = await listening(taken);
    t.after(() => {
      holder.close();
    });
    configure(emperor, listen(taken));
    const told = await waitFor(
      async () => (await emperor.status()).emperor.degraded.find((sentence) => sentence.includes(String(taken))),
      { what: 'the trouble to be told' },
    );
    assert.match(told, new RegExp(`127\\.0\\.0\\.1:${taken} is already in use by process ${process.pid} `));
    assert.match(await answers(port), /^1 /);
    assert.deepEqual((await emperor.status()).router.pids, before);
    // Everything else of emperor.yaml and of the directory goes on.
    emperor.write('two.yaml', 'app: ./who.cjs\n');
    await emperor.appIs('two', 'running');

    await new Promise((resolve) => holder.close(resolve));
    await listensOn(emperor, taken);
    await waitFor(async () => (await emperor.status()).emperor.degraded.length === 0, { what: 'nothing to be wrong' });
    assert.match(await answers(taken), /^1 /);
    await refused(port);
  });

  it('that was made while no emperor ran is carried out by the next one, and what stays answers all along', async (t) => {
    const [stays = 0, goes = 0, comes = 0] = await freePorts(3);
    const first = await start(t, listen(stays, goes), true);
    const before = await first.status();
    first.process.kill('SIGKILL');
    await first.process.exit();
    const traffic = Traffic.start(t, stays, host);
    const second = await startEmperor(t, {
      config: listen(stays, comes),
      listen: [],
      in: { directory: first.directory, runDir: first.runDir },
    });
    await listensOn(second, stays, comes);
    await refused(goes);
    assert.match(await answers(comes), /^1 /);
    await traffic.goesOn();
    assert.deepEqual(await traffic.stop(), []);
    const after = await second.appIs('who', 'running');
    assert.deepEqual(
      after.instances.map(({ pid }) => pid),
      before.vassals[0]?.instances.map(({ pid }) => pid),
      'the app is the one that was adopted',
    );
  });

  it('back and forth before the first is through ends where the last one said', async (t) => {
    const [one = 0, two = 0] = await freePorts(2);
    const emperor = await start(t, listen(one));
    const traffic = Traffic.start(t, one, host);
    for (const ports of [[one, two], [one], [two, one], [one], [one, two]]) configure(emperor, listen(...ports));
    await listensOn(emperor, one, two);
    assert.match(await answers(two), /^1 /);
    await traffic.goesOn();
    assert.deepEqual(await traffic.stop(), []);
  });

  it('a socket file that somebody removed is no reason to fail', async (t) => {
    const [port = 0] = await freePorts(1);
    const path = join(tempDir(t), 'public.sock');
    const emperor = await start(t, listen(port, `unix:${path}`));
    rmSync(path);
    configure(emperor, listen(port));
    await listensOn(emperor, port);
    assert.match(await answers(port), /^1 /);
  });
});
