// What dies and what goes on: kill -9 of the emperor, a router, a primary; what the next emperor makes of it.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  launchEmperor,
  processesOf,
  startEmperor,
  type EmperorOptions,
  type EmperorProcess,
} from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import { gone, isAlive } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const who = `module.exports = (request, response) => response.end(process.env.EMPEROR_GENERATION + ' ' + process.pid);`;
const files = { 'who.cjs': who, 'who.yaml': 'app: ./who.cjs\n' };

async function startWithApp(t: TestContext, options: EmperorOptions = {}): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals: files, ...options });
  await emperor.appIs('who', 'running');
  return emperor;
}

/** Kills the emperor and starts another one in its place. */
async function succeed(t: TestContext, first: EmperorProcess, options: EmperorOptions = {}): Promise<EmperorProcess> {
  first.process.kill('SIGKILL');
  await first.process.exit();
  return startEmperor(t, { in: { directory: first.directory, runDir: first.runDir }, ...options });
}

async function ask(emperor: EmperorProcess): Promise<string> {
  const answer = await emperor.ask({ host: 'who.localhost' });
  assert.equal(answer.status, 200, answer.body);
  return answer.body;
}

/** The one pid a list has. */
function only(pids: readonly number[]): number {
  const [pid] = pids;
  assert.ok(pid !== undefined && pids.length === 1, JSON.stringify(pids));
  return pid;
}

describe('the emperor dies', () => {
  it('routers and apps go on, and the next emperor adopts them without a restart', async (t) => {
    const first = await startWithApp(t, { endsItself: true });
    const before = await first.status();
    const answer = await ask(first);
    first.process.kill('SIGKILL');
    await first.process.exit();
    assert.equal(await ask(first), answer, 'the app is served while no emperor runs');

    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    const after = await second.appIs('who', 'running');
    assert.deepEqual((await second.status()).router.pids, before.router.pids);
    assert.equal(second.port, first.port);
    const [vassal] = before.vassals;
    assert.equal(after.generation, vassal?.generation);
    assert.deepEqual(
      after.instances.map(({ pid, generation }) => [pid, generation]),
      vassal?.instances.map(({ pid, generation }) => [pid, generation]),
    );
    assert.equal(await ask(second), answer);
  });

  it('an edit made while no emperor ran is deployed by the next one, beside the adopted generation', async (t) => {
    const first = await startWithApp(t, { endsItself: true });
    const before = await ask(first);
    first.process.kill('SIGKILL');
    await first.process.exit();
    first.write('who.yaml', 'app: ./who.cjs\nenv: {A: b}\n');
    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    await second.generationIs('who', 2);
    assert.notEqual(await ask(second), before);
  });

  it('an app whose file went while no emperor ran is drained and stopped by the next one', async (t) => {
    const first = await startWithApp(t, { endsItself: true });
    const pid = only((await first.appIs('who', 'running')).instances.map((instance) => instance.pid));
    first.process.kill('SIGKILL');
    await first.process.exit();
    first.remove('who.yaml');
    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    await gone(pid);
    await waitFor(async () => (await second.status()).vassals.length === 0, { what: 'the app to be forgotten' });
    await waitFor(() => !existsSync(join(second.runDir, 'vassals/who')), { what: 'its directory to be removed' });
  });

  it('an adopted primary that dies is replaced, and its workers end with it', async (t) => {
    const second = await succeed(t, await startWithApp(t, { endsItself: true }));
    const [instance] = (await second.appIs('who', 'running')).instances;
    assert.ok(instance !== undefined);
    process.kill(instance.pid, 'SIGKILL');
    await second.generationIs('who', 2);
    for (const worker of instance.workers) await gone(worker.pid);
    assert.match(await ask(second), /^2 /);
  });

  it('a generation that had given way serves no more, even where the newer one died with the emperor', async (t) => {
    // It drains for as long as a stream lasts: it is alive when the next emperor comes.
    const slow = `module.exports = (request, response) => {
      if (request.url === '/slow') response.write('begun');
      else response.end(process.env.EMPEROR_GENERATION);
    };`;
    const yaml = 'app: ./slow.cjs\nsettle: 0\ndrain-timeout: 60s\n';
    const first = await startEmperor(t, { vassals: { 'slow.cjs': slow, 'who.yaml': yaml }, endsItself: true });
    await first.appIs('who', 'running');
    const client = new RawConnection(first.port);
    t.after(() => {
      client.destroy();
    });
    client.write('GET /slow HTTP/1.1\r\nHost: who.localhost\r\n\r\n');
    await client.until('the beginning of the answer', (received) => received.includes('begun'));
    assert.equal((await first.command('reload', 'who', '--wait')).code, 0);
    assert.equal(await ask(first), '2');
    const { instances } = await first.appIs('who', 'running');
    process.kill(instances.find(({ generation }) => generation === 2)?.pid ?? 0, 'SIGKILL');
    const second = await succeed(t, first);
    assert.ok(Number(await ask(second)) > 2);
    assert.equal(client.isEnded, false, 'what ran on it goes on');
    client.destroy();
  });

  it('an adopted router that dies is replaced on the same port', async (t) => {
    const second = await succeed(t, await startWithApp(t, { endsItself: true }));
    const pid = only((await second.status()).router.pids);
    process.kill(pid, 'SIGKILL');
    await waitFor(async () => (await second.status()).router.pids.some((one) => one !== pid), { what: 'a new router' });
    const body = await waitFor(async () => second.ask({ host: 'who.localhost' }).catch(() => undefined), {
      what: 'an answer from the new router',
    });
    assert.match(body.body, /^1 /);
  });

  it('an emperor that could not start in between takes nothing with it', async (t) => {
    const first = await startWithApp(t, { endsItself: true });
    const answer = await ask(first);
    first.process.kill('SIGKILL');
    await first.process.exit();
    const place = { directory: first.directory, runDir: first.runDir };
    const failing = launchEmperor(t, { in: place, flags: ['--admin', '0.0.0.0:0'], endsItself: true });
    assert.equal((await failing.process.exit()).code, 1);
    assert.equal(await ask(first), answer);
    const second = await startEmperor(t, { in: place });
    await second.appIs('who', 'running');
    assert.equal(await ask(second), answer);
  });

  it('an app that was stopped stays stopped under the next emperor', async (t) => {
    const first = await startWithApp(t, { endsItself: true });
    assert.equal((await first.command('stop', 'who', '--wait')).code, 0);
    const second = await succeed(t, first);
    await second.appIs('who', 'stopped');
    assert.equal((await second.command('start', 'who', '--wait')).code, 0);
    assert.match(await ask(second), /^2 /);
  });
});

describe('a router dies', () => {
  it('the port stays open meanwhile, and another takes over with the same routes', async (t) => {
    const emperor = await startWithApp(t);
    const pid = only((await emperor.status()).router.pids);
    process.kill(pid, 'SIGKILL');
    // The connection is taken by the kernel at once, whether or not a router is there to accept it.
    assert.match(await ask(emperor), /^1 /);
    const { router } = await emperor.status();
    assert.notEqual(only(router.pids), pid);
  });

  it('of several routers the others go on', async (t) => {
    const emperor = await startWithApp(t, { config: 'router:\n  processes: 2\n' });
    const pids = await waitFor(
      async () => {
        const status = await emperor.status();
        return status.router.pids.length === 2 && status.router.pids;
      },
      { what: 'two routers' },
    );
    process.kill(pids[0] ?? 0, 'SIGKILL');
    for (let count = 0; count < 5; count += 1) assert.match(await ask(emperor), /^1 /);
    await waitFor(async () => (await emperor.status()).router.pids.filter((pid) => pid !== pids[0]).length === 2, {
      what: 'the second router to be replaced',
    });
  });
});

describe('a primary dies', () => {
  it('its workers end, a new generation serves, and requests meanwhile are held', async (t) => {
    const emperor = await startWithApp(t);
    const [instance] = (await emperor.appIs('who', 'running')).instances;
    assert.ok(instance !== undefined);
    process.kill(instance.pid, 'SIGKILL');
    await gone(instance.pid);
    for (const worker of instance.workers) await gone(worker.pid);
    assert.match(await ask(emperor), /^2 /);
    await emperor.generationIs('who', 2);
    await waitFor(() => !existsSync(join(emperor.runDir, 'vassals/who/1/app.sock')), {
      what: "the dead one's sockets to go",
    });
  });
});

describe('the run directory', () => {
  it('is closed to others, and the link of an app leads to the live generation', async (t) => {
    const emperor = await startWithApp(t);
    assert.equal(statSync(emperor.runDir).mode & 0o777, 0o700);
    assert.equal(statSync(emperor.controlSocket).mode & 0o777, 0o600);
    const link = join(emperor.runDir, 'vassals/who/app.sock');
    assert.equal(readlinkSync(link), '1/app.sock');
    emperor.write('who.yaml', 'app: ./who.cjs\nenv: {A: b}\n');
    await emperor.generationIs('who', 2);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readlinkSync(link), '2/app.sock');
  });

  it('nothing of it is left after the end but the directory itself', async (t) => {
    const emperor = await startWithApp(t);
    assert.deepEqual(await emperor.stop(), { code: 0, signal: null });
    assert.deepEqual(readdirSync(emperor.runDir), []);
  });

  it('a directory that is too long for sockets is refused before anything starts', async (t) => {
    const base = tempDir(t);
    const runDir = join(base, 'x'.repeat(100));
    const emperor = await startWithApp(t);
    const { code, stderr } = await emperor.command('run', base, '--run-dir', runDir, '--listen', '127.0.0.1:0');
    assert.equal(code, 1);
    assert.match(stderr, /EMP_PATH_TOO_LONG/);
  });
});

describe('the end', () => {
  it('a second signal kills what does not want to end', async (t) => {
    // Without something to do it would end by itself once its server is closed.
    const stubborn = `process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); ${who}`;
    const emperor = await startEmperor(t, {
      vassals: { 'who.cjs': stubborn, 'who.yaml': 'app: ./who.cjs\nstop-timeout: 1h\n' },
    });
    await emperor.appIs('who', 'running');
    const pids = processesOf(emperor.runDir);
    emperor.process.kill('SIGTERM');
    await emperor.event('the instance to be stopping', (event) => event['phase'] === 'stopping');
    await waitFor(async () => (await emperor.status()).vassals[0]?.instances[0]?.state === 'stopping', {
      what: 'the app to be told to stop',
    });
    // One that comes within 200 ms is the same key press, passed on by somebody.
    await waitFor(
      () => {
        emperor.process.kill('SIGINT');
        return emperor.process.stderr.includes('"hurrying"');
      },
      { what: 'a second signal to count' },
    );
    assert.deepEqual(await emperor.process.exit(), { code: 0, signal: null });
    for (const pid of pids) assert.equal(isAlive(pid), false, `process ${pid}`);
  });

  it('a signal in the first moment ends it properly', async (t) => {
    const emperor = await startWithApp(t, { endsItself: true });
    const second = await succeed(t, emperor);
    second.process.kill('SIGTERM');
    assert.deepEqual(await second.process.exit(30_000), { code: 0, signal: null });
    assert.deepEqual(processesOf(second.runDir), []);
  });
});
