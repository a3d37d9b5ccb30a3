// The command line against a running emperor: what each verb prints, and what it exits with.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import {
  launchEmperor,
  runCommand,
  startEmperor,
  type EmperorOptions,
  type EmperorProcess,
} from '../harness/emperor-process.ts';
import { ask } from '../harness/http-client.ts';
import { startProcess, startProgram } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const talker = `
console.log('started ' + process.env.EMPEROR_GENERATION);
module.exports = (request, response) => { console.log('asked ' + request.url); response.end('generation ' + process.env.EMPEROR_GENERATION); };`;

async function startTalker(t: TestContext, options: EmperorOptions = {}): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, {
    vassals: { 'talk.cjs': talker, 'talk.yaml': 'app: ./talk.cjs\n' },
    ...options,
  });
  await emperor.appIs('talk', 'running');
  return emperor;
}

describe('emperor run', () => {
  it('prints where each app is, its problems, and what to try; then a line for each deploy', async (t) => {
    const emperor = await startTalker(t, {
      vassals: { 'talk.cjs': talker, 'talk.yaml': 'app: ./talk.cjs\n', 'bad.yaml': 'app: [\n' },
    });
    await emperor.process.printed('Try: edit');
    assert.match(
      emperor.process.stdout,
      new RegExp(`http://talk\\.localhost:${emperor.port}/ +talk +running, ready after`),
    );
    assert.match(emperor.process.stdout, /Problems:\n {2}bad\.yaml:\d+:\d+ /);
    assert.match(emperor.process.stdout, /Try: edit .*talk\.yaml and save/);
    emperor.write('talk.yaml', 'app: ./talk.cjs\nenv: {A: b}\n');
    await emperor.process.printed('talk: generation 2 is live, ');
    emperor.write('talk.yaml', 'app: ./talk.cjs\nprocesses: many\n');
    await emperor.process.printed('talk: kept generation 2: talk.yaml:2:12 processes: expected');
  });

  it('refuses a transport that is none', async () => {
    const { code, stderr } = await runCommand(['run', '--transport', 'quick']);
    assert.equal(code, 2);
    assert.match(stderr, /'quick' is invalid.*auto, reactor, portable/s);
  });

  it('refuses an emperor.yaml with a mistake, showing the place', async (t) => {
    const file = join(tempDir(t), 'emperor.yaml');
    writeFileSync(file, 'listen: :8080\nrouter:\n  proceses: 2\n');
    const { code, stderr } = await runCommand(['run', tempDir(t), '--config', file]);
    assert.equal(code, 3);
    assert.match(stderr, /emperor\.yaml:3:3: .*proceses/);
    assert.match(stderr, /\n +\^/);
  });

  it('goes on where neither its log nor its output can be written', async (t) => {
    const directory = tempDir(t);
    writeFileSync(join(directory, 'talk.cjs'), talker);
    writeFileSync(join(directory, 'talk.yaml'), 'app: ./talk.cjs\n');
    const runDir = join(directory, 'run');
    const program = [process.execPath, entryPoints.emperor, 'run', directory, '--run-dir', runDir];
    const emperor = startProcess(t, '/bin/sh', [
      '-c',
      'exec "$@" > /dev/full 2> /dev/full',
      'sh',
      ...program,
      '--listen',
      '127.0.0.1:0',
    ]);
    await waitFor(
      async () => {
        const answer = await ask(join(runDir, 'control.sock'), { path: '/status' }).catch(() => undefined);
        return answer?.body.includes('"state":"running"');
      },
      { what: 'the app to run' },
    );
    emperor.kill('SIGTERM');
    assert.deepEqual(await emperor.exit(), { code: 0, signal: null });
  });

  it('takes an emperor.yaml over at SIGHUP as far as it can, and names the keys that need a restart', async (t) => {
    const emperor = await startTalker(t, { config: 'router:\n  max-headers: 100\n' });
    const file = join(emperor.directory, '../emperor.yaml');
    writeFileSync(file, 'admin: 127.0.0.1:0\nrouter:\n  processes: 2\ndefaults:\n  env: {FROM: defaults}\n');
    emperor.process.kill('SIGHUP');
    await emperor.generationIs('talk', 2);
    await waitFor(async () => (await emperor.status()).router.pids.length === 2, { what: 'a second router' });
    await waitFor(() => /"keys":\["admin"\]/.test(emperor.process.stderr), { what: 'the key that needs a restart' });
    writeFileSync(file, 'nonsense: 1\n');
    emperor.process.kill('SIGHUP');
    await waitFor(() => /nonsense/.test(emperor.process.stderr), { what: 'the problem in the log' });
    assert.match((await emperor.ask({ host: 'talk.localhost' })).body, /generation 2/);
  });
});

describe('without the addon', () => {
  it('one router binds by itself, status says so, and everything else works', async (t) => {
    const emperor = await startTalker(t, { env: { EMPEROR_NO_NATIVE: '1' }, config: 'router:\n  processes: 3\n' });
    assert.match((await emperor.ask({ host: 'talk.localhost' })).body, /generation 1/);
    const status = JSON.parse((await emperor.command('status', '--json')).stdout) as {
      emperor: { degraded: string[]; native: { loaded: boolean } };
      router: { pids: number[] };
    };
    assert.equal(status.emperor.native.loaded, false);
    assert.equal(status.router.pids.length, 1);
    assert.match(status.emperor.degraded.join('\n'), /one router runs instead of 3[^]*the native addon is missing/);
    const [pid] = status.router.pids;
    process.kill(pid ?? 0, 'SIGKILL');
    const answer = await waitFor(async () => emperor.ask({ host: 'talk.localhost' }).catch(() => undefined), {
      what: 'the next router, on the same port',
    });
    assert.equal(answer.status, 200);
  });
});

describe('emperor reload, stop and start', () => {
  it('reload --wait returns when the new generation serves, and exits 0', async (t) => {
    const emperor = await startTalker(t);
    const { code, stdout } = await emperor.command('reload', 'talk', '--wait');
    assert.equal(code, 0);
    assert.match(stdout, /^talk: generation 2 is live, \d/);
    assert.equal((await emperor.ask({ host: 'talk.localhost' })).body, 'generation 2');
  });

  it('reload --wait of an app whose new generation fails exits 1 and prints why', async (t) => {
    const emperor = await startTalker(t);
    emperor.write('talk.cjs', 'throw new Error("no database");');
    const { code, stderr } = await emperor.command('reload', 'talk', '--wait');
    assert.equal(code, 1);
    assert.match(stderr, /^talk: generation 2 failed: .*no database/);
    assert.equal((await emperor.ask({ host: 'talk.localhost' })).body, 'generation 1');
    const status = await emperor.command('status');
    assert.match(status.stdout, /degraded +1 /);
    assert.match(status.stdout, /no database/);
  });

  it('reload --wait of an app with an invalid file exits 1 and names the place', async (t) => {
    const emperor = await startTalker(t);
    emperor.write('talk.yaml', 'app: ./talk.cjs\nprocesses: many\n');
    await emperor.appIs('talk', 'degraded');
    const { code, stderr } = await emperor.command('reload', 'talk', '--wait');
    assert.equal(code, 1);
    assert.match(stderr, /talk\.yaml:2:12 processes: expected/);
  });

  it('stop drains and stops the app until start', async (t) => {
    const emperor = await startTalker(t);
    const stop = await emperor.command('stop', 'talk', '--wait');
    assert.deepEqual([stop.code, stop.stderr], [0, '']);
    const stopped = await emperor.appIs('talk', 'stopped');
    assert.deepEqual(stopped.instances, []);
    assert.equal((await emperor.ask({ host: 'talk.localhost' })).status, 503);
    const reload = await emperor.command('reload', 'talk');
    assert.equal(reload.code, 1);
    assert.match(reload.stderr, /emperor start talk/);
    const start = await emperor.command('start', 'talk', '--wait');
    assert.deepEqual([start.code, start.stderr], [0, '']);
    assert.equal((await emperor.ask({ host: 'talk.localhost' })).body, 'generation 2');
  });

  it('an unknown app is an error that names the one that was meant', async (t) => {
    const emperor = await startTalker(t);
    const { code, stderr } = await emperor.command('reload', 'tolk');
    assert.equal(code, 1);
    assert.match(stderr, /EMP_UNKNOWN_APP[^]*did you mean talk\?/);
  });
});

describe('emperor status', () => {
  it('prints one table that fits into 100 columns, without colours where nobody can see them', async (t) => {
    const name = 'a-very-long-name-that-goes-on-and-on-for-a-while';
    const emperor = await startTalker(t, {
      vassals: {
        'talk.cjs': talker,
        'talk.yaml': 'app: ./talk.cjs\n',
        [`${name}.yaml`]: 'app: ./talk.cjs\ndomains: [one.example.com, two.example.com]\n',
      },
    });
    await emperor.appIs(name, 'running');
    const { stdout } = await emperor.command('status');
    const table = stdout.split('\n').slice(2, 6);
    for (const line of table) assert.ok(line.length <= 100, line);
    assert.match(stdout, /APP +STATE +GEN +WORKERS/);
    assert.match(stdout, /talk +running +1 +1\/1/);
    assert.doesNotMatch(stdout, /\u001b/);
  });

  it('without an emperor it says how to start one, and which run directory was tried', async (t) => {
    const runDir = join(tempDir(t), 'nowhere');
    const { code, stderr } = await runCommand(['status', '--run-dir', runDir]);
    assert.equal(code, 1);
    assert.match(stderr, /EMP_NOT_RUNNING/);
    assert.ok(stderr.includes(runDir));
    assert.match(stderr, /emperor run DIR/);
  });

  it('an unknown verb exits 2 and suggests the one that was meant', async () => {
    const { code, stderr } = await runCommand(['statsu']);
    assert.equal(code, 2);
    assert.match(stderr, /Did you mean status\?/);
  });
});

describe('emperor logs', () => {
  it('prints the last lines of an app with their generation and worker', async (t) => {
    const emperor = await startTalker(t);
    await emperor.ask({ host: 'talk.localhost', path: '/one' });
    const lines = await waitFor(
      async () => {
        const { stdout } = await emperor.command('logs', 'talk', '--json');
        return stdout.includes('asked /one') && stdout;
      },
      { what: 'the line in the log' },
    );
    const parsed = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const asked = parsed.find(({ line }) => line === 'asked /one');
    assert.deepEqual(
      [asked?.['app'], asked?.['generation'], asked?.['worker'], asked?.['stream']],
      ['talk', 1, 1, 'out'],
    );
    const last = await emperor.command('logs', 'talk', '-n', '1');
    assert.equal(last.stdout.trim().split('\n').length, 1);
  });

  it('still prints what a generation wrote that has ended', async (t) => {
    const emperor = await startTalker(t);
    for (let reload = 1; reload <= 5; reload += 1) {
      assert.equal((await emperor.command('reload', 'talk', '--wait')).code, 0);
    }
    const isEnded = (instances: readonly unknown[]): boolean => instances.length === 1;
    await waitFor(async () => isEnded((await emperor.appIs('talk', 'running')).instances), {
      what: 'the old ones to end',
    });
    const { stdout } = await emperor.command('logs', 'talk');
    const told = [1, 2, 3, 4, 5, 6].filter((generation) => stdout.includes(`started ${generation}`));
    assert.deepEqual(told, [3, 4, 5, 6], stdout);
    assert.deepEqual(readdirSync(join(emperor.runDir, 'vassals/talk/5')), ['log']);
  });

  it('follows across generations', async (t) => {
    const emperor = await startTalker(t);
    const logs = startProgram(t, entryPoints.emperor, ['logs', '-f', 'talk'], {
      env: { EMPEROR_RUN_DIR: emperor.runDir },
    });
    await logs.printed('started 1');
    assert.equal((await emperor.command('reload', 'talk', '--wait')).code, 0);
    await logs.printed('started 2');
    await emperor.ask({ host: 'talk.localhost', path: '/two' });
    await logs.printed('talk/2/1');
    logs.kill('SIGTERM');
    await logs.exit();
  });
});

describe('emperor check', () => {
  it('--plan says what a running emperor would do', async (t) => {
    const emperor = await startTalker(t);
    const elsewhere = tempDir(t);
    writeFileSync(join(elsewhere, 'talk.cjs'), talker);
    writeFileSync(join(elsewhere, 'talk.yaml'), 'app: ./talk.cjs\n');
    writeFileSync(join(elsewhere, 'new.yaml'), 'app: ./talk.cjs\n');
    const { code, stdout } = await emperor.command('check', elsewhere, '--plan');
    assert.equal(code, 0);
    assert.match(stdout, /start +new\n/);
    assert.match(stdout, /deploy +talk/);
    assert.match((await emperor.command('check', emperor.directory, '--plan')).stdout, /nothing would change/);
  });

  it('exits 3 where there is a problem, which it shows with its place', async (t) => {
    const directory = tempDir(t);
    writeFileSync(join(directory, 'x.yaml'), 'app: ./x.js\nprocesses: many\n');
    const { code, stdout } = await runCommand(['check', directory]);
    assert.equal(code, 3);
    assert.match(stdout, /x\.yaml:2:12: processes: expected .*\n +processes: many\n +\^/);
    const json = JSON.parse((await runCommand(['check', directory, '--json'])).stdout) as { problems: unknown[] };
    assert.notEqual(json.problems.length, 0);
  });
});

describe('the admin address', () => {
  it('answers GET /status to loopback hosts, and nothing else to anybody', async (t) => {
    const emperor = await startTalker(t, { flags: ['--admin', '127.0.0.1:0'] });
    const address = await waitFor(() => /"address":"127\.0\.0\.1:(\d+)"/.exec(emperor.process.stderr)?.[1], {
      what: 'the admin address in the log',
    });
    const port = Number(address);
    assert.equal((await ask(port, { path: '/status' })).status, 200);
    assert.equal((await ask(port, { path: '/status', host: '127.0.0.1:1' })).status, 200);
    assert.equal((await ask(port, { path: '/status', host: 'evil.example' })).status, 421);
    assert.equal((await ask(port, { path: '/events' })).status, 404);
    assert.equal((await ask(port, { path: '/shutdown', method: 'POST' })).status, 404);
    assert.equal((await ask(port, { path: '/status', method: 'POST' })).status, 405);
  });

  it('is refused where others could reach it', async (t) => {
    const emperor = launchEmperor(t, { flags: ['--admin', '0.0.0.0:0'], endsItself: true });
    assert.equal((await emperor.process.exit()).code, 1);
    assert.match(emperor.process.stderr, /admin: 0\.0\.0\.0:0 is not a loopback address/);
  });
});

describe('the control socket', () => {
  it('answers what it does not know with an error, and goes on', async (t) => {
    const emperor = await startTalker(t);
    assert.equal((await ask(emperor.controlSocket, { path: '/nothing' })).status, 404);
    assert.equal(
      (await ask(emperor.controlSocket, { path: '/apps/talk/reload', method: 'POST', body: 'no json' })).status,
      400,
    );
    assert.equal((await ask(emperor.controlSocket, { path: '/apps/%zz/reload', method: 'POST' })).status, 400);
    assert.equal((await emperor.status()).vassals.length, 1);
  });

  it('refuses a child that is not who it says it is', async (t) => {
    const emperor = await startTalker(t);
    const hello = { type: 'hello', role: 'vassal', protocol: 1, name: 'talk', generation: 1, pid: 1, running: null };
    const socket = connect(emperor.controlSocket);
    socket.write(`${JSON.stringify(hello)}\n`);
    await once(socket, 'close');
    assert.match(emperor.process.stderr, /connection refused/);
    assert.equal((await emperor.ask({ host: 'talk.localhost' })).status, 200);
  });

  it('refuses a child of another protocol by name', async (t) => {
    const emperor = await startTalker(t);
    const hello = {
      type: 'hello',
      role: 'vassal',
      protocol: 99,
      name: 'x',
      generation: 1,
      pid: process.pid,
      running: null,
    };
    const socket = connect(emperor.controlSocket);
    socket.write(`${JSON.stringify(hello)}\n`);
    await once(socket, 'close');
    assert.match(emperor.process.stderr, /protocol 99/);
  });
});
