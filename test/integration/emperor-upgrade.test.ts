// The code on disk takes the running emperor's place: under the same pid, with the apps untouched, and clients notice
// nothing. What does not start does not take over.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorOptions, type EmperorProcess, type StatusJson } from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { descriptorLinks } from '../../emperor/proc.ts';
import { OwnBuild } from '../harness/own-build.ts';
import { gone } from '../harness/processes.ts';
import { Traffic } from '../harness/traffic.ts';
import { waitFor } from '../harness/wait-for.ts';

const who = `module.exports = (request, response) => response.end(process.env.EMPEROR_GENERATION + ' ' + process.pid);`;
const vassals = { 'who.cjs': who, 'who.yaml': 'app: ./who.cjs\n' };
const get = 'GET / HTTP/1.1\r\nHost: who.localhost\r\n\r\n';

interface Started {
  readonly build: OwnBuild;
  readonly emperor: EmperorProcess;
}

async function start(t: TestContext, options: EmperorOptions = {}): Promise<Started> {
  const build = new OwnBuild(t);
  const emperor = await startEmperor(t, { vassals, program: build.program, ...options });
  await emperor.appIs('who', 'running');
  return { build, emperor };
}

/** Pids and generations of what serves the apps. */
function instancesIn(status: StatusJson): unknown {
  return status.vassals.map(({ name, generation, instances }) => [
    name,
    generation,
    instances.map(({ pid, workers }) => [pid, workers.map((worker) => worker.pid)]),
  ]);
}

async function whoIn(connection: RawConnection, count: number): Promise<string> {
  const answers = (text: string): number => [...text.matchAll(/\r\n\r\n\d+ \d+/g)].length;
  connection.write(get);
  return connection.until(`answer ${count}`, (text) => answers(text) >= count, 20_000);
}

/** Inodes of the sockets that listen on a port of 127.0.0.1. */
function listeningInodes(port: number): readonly string[] {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[1]?.endsWith(`:${hexadecimal}`) === true && fields[3] === '0A' ? (fields[9] ?? []) : [];
  });
}

function zombiesOf(parent: number): readonly string[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean);
  return children.filter((pid) => {
    try {
      return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  });
}

describe('an upgrade', { skip: withoutAddon }, () => {
  it('replaces emperor and routers under load, without a lost request, and leaves the apps alone', async (t) => {
    const { build, emperor } = await start(t, { config: 'router:\n  processes: 2\n' });
    const before = await emperor.status();
    const traffic = Traffic.start(t, emperor.port, 'who.localhost');
    const idle = new RawConnection(emperor.port);
    t.after(() => {
      idle.destroy();
    });
    await whoIn(idle, 1);
    await traffic.goesOn();

    build.setVersion('9.9.9');
    const { code, stdout, stderr } = await emperor.command('upgrade', '--wait');
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      new RegExp(`^emperor \\(pid ${emperor.process.pid}\\): version ${before.version} -> 9\\.9\\.9, `),
    );
    await traffic.goesOn();

    const after = await emperor.status();
    assert.equal(after.version, '9.9.9');
    assert.equal(after.emperor.pid, before.emperor.pid);
    assert.equal(after.emperor.startedBy, 'upgrade');
    assert.deepEqual(instancesIn(after), instancesIn(before));
    assert.deepEqual(after.router.listen, before.router.listen);
    assert.equal(after.router.pids.length, 2);
    for (const pid of before.router.pids) assert.ok(!after.router.pids.includes(pid), `router ${pid} accepts no more`);

    assert.equal(idle.isEnded, false, 'an idle client saw nothing');
    assert.match(await whoIn(idle, 2), /connection: close/i, 'its next answer is the last one of an old router');
    assert.deepEqual(await traffic.stop(), []);
    idle.destroy();
    await waitFor(async () => (await emperor.status()).router.processes.every(({ isEnding }) => !isEnding), {
      what: 'the old routers to end',
      timeoutMs: 30_000,
    });
    await waitFor(() => zombiesOf(emperor.process.pid).length === 0, { what: 'the old routers to be reaped' });
  });

  it('is followed by another one, by deploys, and by the end, as if nothing had been', async (t) => {
    const { build, emperor } = await start(t);
    for (const version of ['1.0.1', '1.0.2']) {
      build.setVersion(version);
      const { code, stderr } = await emperor.command('upgrade', '--wait');
      assert.equal(code, 0, stderr);
      assert.equal((await emperor.status()).version, version);
    }
    const environment = readFileSync(`/proc/${(await emperor.status()).router.pids[0] ?? 0}/environ`, 'latin1');
    assert.doesNotMatch(environment, /EMPEROR_HANDOVER/, 'children inherit nothing of it');
    emperor.write('who.yaml', 'app: ./who.cjs\nenv: {A: b}\n');
    await emperor.generationIs('who', 2);
    assert.match((await emperor.ask({ host: 'who.localhost' })).body, /^2 /);
    const { instances } = await emperor.generationIs('who', 2);
    const sockets = new Set(listeningInodes(emperor.port).map((inode) => `socket:[${inode}]`));
    assert.ok(
      descriptorLinks(emperor.process.pid).some((link) => sockets.has(link)),
      'the emperor holds the port',
    );
    for (const pid of instances.flatMap((one) => [one.pid, ...one.workers.map((worker) => worker.pid)])) {
      assert.ok(!descriptorLinks(pid).some((link) => sockets.has(link)), `process ${pid} of the app holds no port`);
    }
  });

  it('still hears at once of the death of what it adopted, and leaves no zombie', async (t) => {
    const { emperor } = await start(t);
    assert.equal((await emperor.command('upgrade', '--wait')).code, 0);
    const status = await emperor.status();
    const [router] = status.router.pids;
    const [instance] = status.vassals[0]?.instances ?? [];
    assert.ok(router !== undefined && instance !== undefined);
    const primary = instance.pid;
    process.kill(primary, 'SIGKILL');
    // Its workers go a moment after it, and until then answer as before.
    await Promise.all(instance.workers.map(async ({ pid }) => gone(pid)));
    assert.match((await emperor.ask({ host: 'who.localhost' })).body, /^2 /, 'the request waits for the next one');
    process.kill(router, 'SIGKILL');
    assert.match((await emperor.ask({ host: 'who.localhost' })).body, /^2 /, 'the port stays open');
    await gone(primary);
    await waitFor(() => zombiesOf(emperor.process.pid).length === 0, { what: 'the dead to be reaped' });
  });

  it('to code that does not start is refused with what that code says, and nothing has happened', async (t) => {
    const { build, emperor } = await start(t);
    const before = await emperor.status();
    build.prepend('emperor/main.js', 'this is no JavaScript;');
    const { code, stderr } = await emperor.command('upgrade', '--wait');
    assert.equal(code, 1);
    assert.match(stderr, /SyntaxError[^]*EMP_UPGRADE_REFUSED/);
    const after = await emperor.status();
    assert.deepEqual(after.router.pids, before.router.pids);
    assert.equal(after.emperor.startedBy, 'start');
    assert.deepEqual(instancesIn(after), instancesIn(before));
  });

  it('with an emperor.yaml that would not be accepted is refused', async (t) => {
    const { emperor } = await start(t);
    writeFileSync(join(emperor.runDir, '../emperor.yaml'), 'lissten: 8080\n');
    const { code, stderr } = await emperor.command('upgrade');
    assert.equal(code, 1);
    assert.match(stderr, /lissten[^]*EMP_UPGRADE_REFUSED/);
    assert.match((await emperor.ask({ host: 'who.localhost' })).body, /^1 /);
  });

  it('whose routers do not start is told as failed, and the old routers go on until better ones do', async (t) => {
    const { build, emperor } = await start(t);
    const before = await emperor.status();
    const traffic = Traffic.start(t, emperor.port, 'who.localhost');
    const good = build.read('router/main.js');
    build.write('router/main.js', 'process.exit(7);');
    const { code, stderr } = await emperor.command('upgrade', '--wait');
    assert.equal(code, 1);
    assert.match(stderr, /failed: .*exit code 7/);
    // It is tried again and again: while the next router starts there is no trouble to tell.
    const after = await waitFor(
      async () => {
        const status = await emperor.status();
        return status.emperor.upgrade?.result === 'failed' ? status : undefined;
      },
      { what: 'the next one to fail' },
    );
    assert.ok(after.router.pids.includes(before.router.pids[0] ?? 0), 'the old router accepts');
    assert.match(after.emperor.degraded.join(), /exit code 7/);
    await traffic.goesOn();
    build.write('router/main.js', good);
    await waitFor(async () => (await emperor.status()).emperor.upgrade?.result === 'done', {
      what: 'new routers to serve',
      timeoutMs: 60_000,
    });
    await traffic.goesOn();
    assert.deepEqual(await traffic.stop(), []);
  });

  it('takes a deploy over that is under way', async (t) => {
    const { emperor } = await start(t);
    emperor.write(
      'late.cjs',
      `setTimeout(() => require('node:http').createServer(${who.slice(17, -1)}).listen(process.env.PORT), 1500);`,
    );
    emperor.write('late.yaml', 'app: ./late.cjs\n');
    await emperor.appIs('late', 'deploying');
    const { code, stderr } = await emperor.command('upgrade', '--wait');
    assert.equal(code, 0, stderr);
    const late = await emperor.appIs('late', 'running', 40_000);
    assert.equal(late.instances.length, 1);
  });
});

describe('an upgrade without the addon', () => {
  it('is refused, and says why', async (t) => {
    const emperor = await startEmperor(t, { vassals, env: { EMPEROR_NO_NATIVE: '1' } });
    const { code, stderr } = await emperor.command('upgrade');
    assert.equal(code, 1);
    assert.match(stderr, /the native addon is missing.*EMP_UPGRADE_REFUSED/);
  });
});
