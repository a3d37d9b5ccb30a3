// What users get wrong: each mistake has a clear answer, and nothing that runs is lost by it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { launchEmperor, processesOf, startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { gone } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const hello = `module.exports = (request, response) => { response.end('hello ' + process.pid); };`;

async function startWithHello(t: TestContext, config?: string): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, {
    vassals: { 'server.cjs': hello, 'hello.yaml': 'app: ./server.cjs\n' },
    ...(config === undefined ? {} : { config }),
  });
  await emperor.appIs('hello', 'running');
  return emperor;
}

async function helloAnswers(emperor: EmperorProcess): Promise<string> {
  const answer = await emperor.ask({ host: 'hello.localhost' });
  assert.equal(answer.status, 200, answer.body);
  return answer.body;
}

/** The file's name, what is in it, and what the problem's message or hint must say. */
const badFiles: readonly [what: string, file: string, content: string, says: RegExp][] = [
  ['a 5 MB file', 'x.yaml', `app: ./server.cjs\n# ${'x'.repeat(5_000_000)}\n`, /too large.*4\.8 MB/],
  ['binary rubbish', 'x.yaml', '\u0000\u0001\u0002\u0003ELF\u0000', /binary|text/],
  [
    'an alias bomb',
    'x.yaml',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map(
        (key, i) =>
          `${key}: &${key} [${Array(9)
            .fill(`*${'abcdefgh'[i] ?? ''}`)
            .join(',')}]`,
      )
      .join('\n')}\n`,
    /alias/,
  ],
  ['duplicate keys', 'x.yaml', 'app: ./server.cjs\napp: ./other.js\n', /second time/],
  ['a tab as indentation', 'x.yaml', 'app: ./server.cjs\nenv:\n\tA: b\n', /tab/i],
  ['a value of the wrong type', 'x.yaml', 'app: ./server.cjs\nenv: production\n', /expected a map of variables/],
  ['a host that another file has', 'x.yaml', 'app: ./server.cjs\ndomains: hello.localhost\n', /hello\.yaml/],
  ['a name with spaces', 'my shop.yaml', 'app: ./server.cjs\n', /name/],
  ['a name of other scripts', 'läden.yaml', 'app: ./server.cjs\n', /name/],
  ['a name with two dots', 'a..b.yaml', 'app: ./server.cjs\n', /name|\.\./],
  ['a name too long for a socket', `${'long'.repeat(25)}.yaml`, 'app: ./server.cjs\n', /bytes/],
  ['a missing entry file', 'x.yaml', 'app: ./nowhere.js\n', /nowhere\.js/],
  ['no app at all', 'x.yaml', 'processes: 2\n', /app/],
  ['two apps in one', 'x.yaml', 'app: ./server.cjs\ncommand: python3 server.py\n', /command/],
];

describe('bad config files', () => {
  it(
    'each is a problem that names the file and says what is wrong, and the other app serves on',
    { timeout: 120_000 },
    async (t) => {
      const emperor = await startWithHello(t);
      const before = await helloAnswers(emperor);
      for (const [what, file, content, says] of badFiles) {
        await t.test(what, async (sub) => {
          emperor.write(file, content);
          sub.after(() => {
            rmSync(join(emperor.directory, file), { force: true });
          });
          let last = '';
          await waitFor(
            async () => {
              const { problems } = (await emperor.status()).emperor;
              const problem = problems.find((one) => one.file === join(emperor.directory, file));
              last = `${problem?.message ?? 'none'} ${problem?.hint ?? ''}`;
              // What the file before it was found to be may be told for a moment longer.
              return says.test(last);
            },
            { what: () => `a problem of ${file} that says ${String(says)}; the last one: ${last}` },
          );
          assert.equal(await helloAnswers(emperor), before);
          emperor.remove(file);
          await waitFor(async () => (await emperor.status()).emperor.problems.length === 0, {
            what: 'the problem to go with its file',
          });
        });
      }
    },
  );
});

/** What the app's script does, the state its app comes to, and what lastDeploy says. */
const badApps: readonly [what: string, script: string, state: string, says: RegExp][] = [
  ['an app that exits at once', 'process.exit(0);', 'backoff', /exit code 0 before it was ready/],
  ['an app that throws when it is loaded', 'throw new Error("no database");', 'failed', /no database/],
  ['an app with a syntax error', 'module.exports = (', 'failed', /SyntaxError/],
  ['an app that never listens', 'setInterval(() => {}, 1000);', 'backoff', /not ready/],
];

describe('bad apps', () => {
  it('each is a failed deploy that says why, and the other app serves on', { timeout: 120_000 }, async (t) => {
    const emperor = await startWithHello(t);
    const before = await helloAnswers(emperor);
    for (const [what, script, state, says] of badApps) {
      await t.test(what, async () => {
        emperor.write('bad.cjs', script);
        emperor.write('bad.yaml', 'app: ./bad.cjs\nready-timeout: 2s\n');
        const bad = await emperor.appIs('bad', state);
        assert.equal(bad.lastDeploy?.result, 'failed');
        assert.match(`${bad.lastDeploy.reason ?? ''}\n${bad.lastDeploy.log.join('\n')}`, says);
        assert.equal(await helloAnswers(emperor), before);
        emperor.remove('bad.yaml');
        await waitFor(async () => (await emperor.status()).vassals.length === 1, {
          what: 'the bad app to be forgotten',
        });
      });
    }
  });

  it('a new generation that fails leaves the old one serving, and says why', async (t) => {
    const emperor = await startWithHello(t);
    const before = await helloAnswers(emperor);
    emperor.write('server.cjs', 'throw new Error("half a release");');
    const reload = await emperor.command('reload', 'hello', '--wait');
    assert.equal(reload.code, 1, reload.stdout);
    assert.match(reload.stdout + reload.stderr, /half a release|could not be loaded/);
    const degraded = await emperor.appIs('hello', 'degraded');
    assert.match(degraded.lastDeploy?.log.join('\n') ?? '', /half a release/);
    assert.equal(await helloAnswers(emperor), before);
    emperor.write('server.cjs', hello);
    assert.equal((await emperor.command('reload', 'hello', '--wait')).code, 0);
    await emperor.appIs('hello', 'running');
    assert.notEqual(await helloAnswers(emperor), before);
  });
});

describe('bad surroundings', () => {
  it('a directory that vanishes keeps every app serving, and its return is noticed', async (t) => {
    const emperor = await startWithHello(t, 'rescan: 1s\n');
    const before = await helloAnswers(emperor);
    const away = `${emperor.directory}-away`;
    renameSync(emperor.directory, away);
    await waitFor(async () => (await emperor.status()).emperor.problems.some(({ message }) => /exist/.test(message)), {
      what: 'the problem',
    });
    assert.equal(await helloAnswers(emperor), before);
    renameSync(away, emperor.directory);
    await waitFor(async () => (await emperor.status()).emperor.problems.length === 0, {
      what: 'the directory to be noticed',
    });
    assert.equal(await helloAnswers(emperor), before);
    emperor.write('second.yaml', 'app: ./server.cjs\n');
    await emperor.appIs('second', 'running');
  });

  it('a directory that is not there yet is a problem that names it, and served as soon as it is made', async (t) => {
    const base = tempDir(t);
    const directory = join(base, 'later');
    const emperor = await startEmperor(t, { in: { directory, runDir: join(base, 'run') }, config: 'rescan: 1s\n' });
    const [problem] = (await emperor.status()).emperor.problems;
    assert.equal(problem?.file, directory);
    assert.match(problem.message, /does not exist/);
    mkdirSync(directory);
    emperor.write('server.cjs', hello);
    emperor.write('hello.yaml', 'app: ./server.cjs\n');
    await emperor.appIs('hello', 'running');
    assert.deepEqual((await emperor.status()).emperor.problems, []);
  });

  it('a port that is taken is an error that names the process which holds it', async (t) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => holder.close(resolve)));
    const { port } = holder.address() as AddressInfo;
    const emperor = launchEmperor(t, { flags: ['--listen', `127.0.0.1:${port}`], endsItself: true });
    const exit = await emperor.process.exit();
    assert.equal(exit.code, 1);
    assert.match(emperor.process.stderr, new RegExp(`${port}`));
    assert.match(emperor.process.stderr, new RegExp(`\\b${process.pid}\\b`));
    assert.deepEqual(processesOf(emperor.runDir), []);
  });

  it('the run directory of a live emperor is refused, naming its pid', async (t) => {
    const emperor = await startWithHello(t);
    const second = launchEmperor(t, { in: { directory: emperor.directory, runDir: emperor.runDir }, endsItself: true });
    const exit = await second.process.exit();
    assert.equal(exit.code, 1);
    assert.match(second.process.stderr, new RegExp(`\\b${emperor.process.pid}\\b`));
    await helloAnswers(emperor);
    // The second one's cleanup would end the first one's children: end the first here, by the rules.
    assert.equal((await emperor.stop()).code, 0);
  });

  it('what a dead emperor left in its run directory is cleaned up', async (t) => {
    const emperor = launchEmperor(t, { endsItself: true });
    await emperor.stop();
    mkdirSync(join(emperor.runDir, 'vassals/old/3'), { recursive: true });
    writeFileSync(join(emperor.runDir, 'vassals/old/3/app.sock'), '');
    const socket = spawnSync('python3', [
      '-c',
      `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(join(emperor.runDir, 'control.sock'))})`,
    ]);
    assert.equal(socket.status, 0);
    const next = await startEmperor(t, { in: { directory: emperor.directory, runDir: emperor.runDir } });
    assert.equal(existsSync(join(next.runDir, 'vassals/old')), false);
  });

  it('the emperor ends by itself when it is asked to, with everything it started', async (t) => {
    const emperor = await startWithHello(t);
    const [app] = (await emperor.status()).vassals;
    const shutdown = await emperor.command('shutdown');
    assert.equal(shutdown.code, 0, shutdown.stderr);
    assert.deepEqual(await emperor.process.exit(), { code: 0, signal: null });
    for (const { pid, workers } of app?.instances ?? [])
      for (const one of [pid, ...workers.map((worker) => worker.pid)]) await gone(one);
    const after = await emperor.command('status');
    assert.equal(after.code, 1);
    assert.match(after.stderr, /emperor run/);
  });
});
