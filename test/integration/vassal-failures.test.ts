import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { workerExit } from '../../lib/exit-codes.ts';
import { isAlive } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal, type VassalSetup } from '../harness/vassal-process.ts';

interface Case {
  readonly what: string;
  readonly setup: VassalSetup;
  readonly kind: 'cannot-load' | 'crashed';
  readonly message: RegExp;
  /** A line that must be among the last ones. */
  readonly log?: RegExp;
}

const nowhere = '/nowhere/at/all';

const cases: readonly Case[] = [
  {
    what: 'throws while it is loaded',
    setup: { fixture: 'throws-at-load' },
    kind: 'cannot-load',
    message: /^worker 1: the app could not be loaded: TypeError: the database is not configured$/,
    log: /at .*throws-at-load\/server\.js:2:7/,
  },
  {
    what: 'rejects in a top-level await',
    setup: { fixture: 'rejects-at-load', keys: { app: './server.mjs' } },
    kind: 'cannot-load',
    message: /no connection at load$/,
    log: /rejects-at-load\/server\.mjs:1/,
  },
  {
    what: 'has a syntax error',
    setup: { fixture: 'syntax-error' },
    kind: 'cannot-load',
    message: /SyntaxError: missing \) after argument list$/,
    log: /^.*syntax-error\/server\.js:2$/,
  },
  {
    what: 'requires a module that is not installed',
    setup: { fixture: 'missing-module' },
    kind: 'cannot-load',
    message: /Cannot find module 'a-package-that-is-not-installed'$/,
  },
  {
    what: 'has no entry file',
    setup: { fixture: 'hello', keys: { app: './srever.js' } },
    kind: 'cannot-load',
    message: /there is no file .*\/hello\/srever\.js \(app\)$/,
  },
  {
    what: 'is a directory without an entry',
    setup: { fixture: 'hello', keys: { app: '..' } },
    kind: 'cannot-load',
    message: /is a directory without package\.json "main" and without index\.js$/,
  },
  {
    what: 'exports nothing and has nothing more to do',
    setup: { fixture: 'exports-nothing' },
    kind: 'cannot-load',
    message: /exports no handler and has not called listen\(\), and has nothing more to do$/,
    log: /done already/,
  },
  {
    what: 'exits at once with code 0',
    setup: { fixture: 'exits-at-once' },
    kind: 'crashed',
    message: /^worker 1 ended with exit code 0 before it was ready: the app exited while it was loaded$/,
    log: /nothing to do/,
  },
  {
    what: 'exits with code 0 after it was loaded',
    setup: { fixture: 'exits-later' },
    kind: 'crashed',
    message:
      /^worker 1 ended with exit code 0 before it was ready: the app had not called listen\(\) and exports no handler$/,
  },
  {
    what: 'is a command that goes into the background',
    setup: { fixture: 'hello', keys: { command: 'sleep 600 & exit 0' } },
    kind: 'crashed',
    message:
      /^worker 1 ended with exit code 0 before it was ready: a command has to stay in the foreground and serve on PORT or LISTEN_FDS$/,
  },
  {
    what: 'waits at top level for what never comes, with nothing left to happen',
    setup: { fixture: 'waits-for-ever', keys: { app: './server.mjs' } },
    kind: 'cannot-load',
    message:
      /^worker 1: the app could not be loaded: its top-level await can never end, for nothing is left to happen$/,
  },
  {
    what: 'exits at once with another code',
    setup: { fixture: 'exits-at-once', keys: { env: { EXIT_CODE: '9' } } },
    kind: 'crashed',
    message: /^worker 1 ended with exit code 9 before it was ready$/,
  },
  {
    what: 'names a Node that is not there',
    setup: { fixture: 'hello', keys: { node: `${nowhere}/node` } },
    kind: 'cannot-load',
    message: /Node \(\/nowhere\/at\/all\/node\) could not be started in .*: there is no such program$/,
  },
  {
    what: 'gives Node an argument that it does not know',
    setup: { fixture: 'hello', keys: { 'node-args': ['--no-such-flag'] } },
    kind: 'crashed',
    message: /^worker 1 ended with exit code 9 before it was ready$/,
    log: /bad option: --no-such-flag/,
  },
  {
    what: 'names a command that is in no directory of PATH',
    setup: { fixture: 'hello', keys: { command: ['no-such-command', '--x'] } },
    kind: 'cannot-load',
    message: /command "no-such-command": it is in no directory of PATH \(/,
  },
  {
    what: 'names a command file that is not executable',
    setup: { fixture: 'hello', keys: { command: ['./server.js'] } },
    kind: 'cannot-load',
    message: /server\.js is not executable$/,
  },
  {
    what: 'has a command line whose program the shell does not find',
    setup: { fixture: 'hello', keys: { command: 'no-such-command --x' } },
    kind: 'cannot-load',
    message: /^worker 1: the command was not found \(exit code 127\)$/,
    log: /no-such-command: not found/,
  },
  {
    what: 'is a command that is killed',
    setup: { fixture: 'hello', keys: { command: 'kill -SEGV $$; true' } },
    kind: 'crashed',
    message: /^worker 1 was killed by SIGSEGV before it was ready$/,
  },
  {
    what: 'has an env-file that is not there',
    setup: { fixture: 'hello', keys: { 'env-file': 'missing.env' } },
    kind: 'cannot-load',
    message: /^env-file .*\/hello\/missing\.env cannot be read: there is no such file$/,
  },
  {
    what: 'has an env-file with a line that is none',
    setup: { fixture: 'hello', keys: { 'env-file': 'server.js' } },
    kind: 'cannot-load',
    message: /^env-file .*\/hello\/server\.js, line 1: expected NAME=value, got "\/\/ Exports a handler/,
  },
];

describe('an app that cannot start fails with a clear reason, is stopped whole, and the exit code tells: one that', () => {
  for (const { what, setup, kind, message, log } of cases) {
    it(what, async (t) => {
      const vassal = await startVassal(t, setup);
      const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
      assert.match(failure?.message ?? '', message);
      assert.equal(failure?.kind, kind);
      if (log !== undefined)
        assert.ok(
          failure.log.some((line) => log.test(line)),
          failure.log.join('\n'),
        );
      const code = kind === 'cannot-load' ? workerExit.cannotLoad : workerExit.bootError;
      assert.deepEqual(await vassal.process.exit(), { code, signal: null });
      assert.equal(vassal.state?.phase, 'failed');
    });
  }

  it('has a working directory that is not there', async (t) => {
    const vassal = await startVassal(t, { fixture: 'no-such-fixture' });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.match(failure?.message ?? '', /^the working directory .*no-such-fixture is not there \(chdir\)$/);
    assert.deepEqual(await vassal.process.exit(), { code: workerExit.cannotLoad, signal: null });
  });

  it('has a run directory too deep for a socket', async (t) => {
    const dir = join(tempDir(t), 'd'.repeat(100));
    mkdirSync(dir);
    const vassal = await startVassal(t, { fixture: 'hello', dir });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.match(failure?.message ?? '', /^the socket path .*app\.sock is longer than \d+ bytes$/);
  });

  it('shows at most its last 50 lines', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello', keys: { command: 'seq 1 200; exit 1' } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.deepEqual(
      failure?.log,
      Array.from({ length: 50 }, (_, index) => String(151 + index)),
    );
  });

  it('fails in one worker of several: the others are stopped too', async (t) => {
    const dir = tempDir(t);
    writeFileSync(
      join(dir, 'server.js'),
      `if (process.env.EMPEROR_WORKER === '2') setTimeout(() => process.exit(5), 200);
       else module.exports = (request, response) => response.end('up');`,
    );
    const vassal = await startVassal(t, { fixture: 'hello', keys: { app: join(dir, 'server.js'), processes: 3 } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.equal(failure?.message, 'worker 2 ended with exit code 5 before it was ready');
    assert.deepEqual(await vassal.process.exit(), { code: workerExit.bootError, signal: null });
  });

  it('never listens: it is not ready, and both logs say what is missing', async (t) => {
    const vassal = await startVassal(t, { fixture: 'never-listens', keys: { 'ready-timeout': '300ms' } });
    await vassal.logged(/worker 1 is not ready after 300 ms: the app /);
    assert.equal(vassal.state?.phase, 'starting');
    await vassal.logged(/server\.js exports no handler and has not called listen\(\) yet: it is ready when it does/);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    const missing = 'the app has not called listen() and exports no handler';
    await vassal.logged(`worker 1 is not ready when it was told to stop: ${missing}`);
    assert.match(vassal.process.stderr, /worker 1 is not ready when it was told to stop/);
  });
});

describe('an app that hangs while it is loaded', () => {
  const missing = 'the app is still being loaded (an endless loop, or a top-level await that does not end?)';
  for (const [what, setup] of [
    ['in a top-level await', { fixture: 'waits-for-ever', keys: { app: './server.mjs', env: { KEEP: 'yes' } } }],
    ['in an endless loop', { fixture: 'loops-at-load', keys: {} }],
  ] as const) {
    it(`${what} is not ready, the log says what it is at, and it is gone after stop-timeout`, async (t) => {
      const keys = { ...setup.keys, 'ready-timeout': '300ms', 'stop-timeout': '300ms' };
      const vassal = await startVassal(t, { fixture: setup.fixture, keys });
      await vassal.logged(`worker 1 is not ready after 300 ms: ${missing}`);
      assert.equal(vassal.state?.phase, 'starting');
      const pid = vassal.pid();
      vassal.stop();
      assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
      assert.equal(isAlive(pid), false);
    });
  }
});

describe('the vassal program', () => {
  it('started without its options says how to start it', async (t) => {
    const { startProgram } = await import('../harness/processes.ts');
    const { entryPoints } = await import('../../lib/entry-points.ts');
    const program = startProgram(t, entryPoints.vassal, ['--name', 'x']);
    assert.deepEqual(await program.exit(), { code: workerExit.bootError, signal: null });
    assert.match(program.stderr, /an option is missing; usage:/);
  });
});
