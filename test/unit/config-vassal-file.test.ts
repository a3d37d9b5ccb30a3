// An app's file to its spec: what is wrong with it is told with place, expectation and hint; what is right comes out
// complete, with absolute paths.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { digestOf } from '../../emperor/config/digest.ts';
import { readVassalText, type VassalDefaults, type VassalFile } from '../../emperor/config/vassal-file.ts';
import { tempDir } from '../harness/temp-dir.ts';

interface World {
  readonly dir: string;
  readonly read: (text: string, options?: { defaults?: VassalDefaults; name?: string }) => Promise<VassalFile>;
}

/** A directory with apps of all shapes, and a reader for a file `shop.yaml` in it. */
function world(t: TestContext): World {
  const dir = tempDir(t);
  const files: Readonly<Record<string, string>> = {
    'server.js': '',
    'other.mjs': '',
    'old.cjs': '',
    'typed.ts': '',
    '.env': 'A=1',
    'app/index.js': '',
    'pkg/package.json': '{"main": "lib/start"}',
    'pkg/lib/start.mjs': '',
    'broken/package.json': '{',
    'broken/index.mjs': '',
    'nothing/package.json': '{"main": "gone.js"}',
    'sub/server.js': '',
    'sub/.env': '',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  writeFileSync(join(dir, 'node'), '#!/bin/sh\n');
  chmodSync(join(dir, 'node'), 0o755);
  symlinkSync('sub', join(dir, 'current'));
  const read: World['read'] = (text, { defaults = {}, name = 'shop' } = {}) =>
    readVassalText(text, { file: join(dir, `${name}.yaml`), name, defaults });
  return { dir, read };
}

async function problemsOf(result: Promise<VassalFile>): Promise<string[]> {
  const file = await result;
  assert.ok(!file.ok, 'expected problems');
  return file.problems.map(({ line, column, message, hint }) =>
    [line === null ? '-' : `${line}:${column ?? ''}`, message, ...(hint === null ? [] : [`(${hint})`])].join(' '),
  );
}

const cases: readonly [what: string, text: string, problems: readonly RegExp[]][] = [
  [
    'no app',
    'queue: 1',
    [/^- expected one of the keys app, module, wsgi-file, command, .*\(add a line such as app: \.\/server\.js\)$/],
  ],
  ['two apps', 'app: server\ncommand: x', [/^2:1 expected one of app and command, got both/]],
  ['two apps in the other order', 'command: x\napp: server', [/^1:1 expected one of app and command/]],
  [
    'a number that is text',
    'app: server\nprocesses: many',
    [/^2:12 processes: expected a whole number from 1 to 512, got "many"$/],
  ],
  ['a quoted number', 'app: server\nqueue: "5"', [/^2:8 queue: .*got "5" \(write it without quotes\)$/]],
  ['a fraction', 'app: server\nprocesses: 1.5', [/^2:12 processes: .*got 1\.5/]],
  ['a number out of bounds', 'app: server\nprocesses: 513', [/^2:12 .*from 1 to 512, got 513/]],
  ['not a number', 'app: server\nprocesses: .nan', [/^2:12 .*got NaN/]],
  ['a list where one is meant', 'app: [a]', [/^1:6 app: expected text, got a list \(write one value/]],
  [
    'an empty value',
    'app: server\nchdir:',
    [/^2:1 chdir: expected text, got nothing.*\(give it a value, or remove the key\)/],
  ],
  ['an empty text', 'app: ""', [/^1:6 app: expected text, got nothing/]],
  [
    'a bad duration',
    'app: server\ndrain-timeout: soon',
    [/^2:16 drain-timeout: expected a duration such as 30s, 5m or 2h, got "soon"/],
  ],
  ['a duration that no timer holds', 'app: server\ndrain-timeout: 30d', [/^2:16 .*at most 24d, got "30d"/]],
  ['a negative duration', 'app: server\ndrain-timeout: -1', [/^2:16 .*expected a duration.*got -1/]],
  [
    'a bad size',
    'app: server\nlimit-post: big',
    [/^2:13 limit-post: expected a size such as 512K, 20M or 1G, got "big"/],
  ],
  [
    'a signal by its long name',
    'app: server\nstop-signal: SIGTERM',
    [/^2:14 stop-signal: expected TERM, .*got "SIGTERM" \(did you mean TERM\?\)/],
  ],
  ['a mistyped key', 'app: server\nproceses: 2', [/^2:1 unknown key "proceses" \(did you mean processes\?\)$/]],
  [
    'a key with underscores',
    'app: server\nhealth_check: /',
    [/^2:1 unknown key "health_check" \(did you mean health-check\?\)$/],
  ],
  ['a key in camel case', 'app: server\nreadyTimeout: 1', [/did you mean ready-timeout\?/]],
  [
    'a key like none',
    'app: server\nfoo: 1',
    [/^2:1 unknown key "foo" \(the keys are app, module, wsgi-file, command, upstream, callable, domains, .*x-\)$/],
  ],
  ['a key of emperor.yaml', 'app: server\nlisten: 80', [/listen belongs in emperor\.yaml/]],
  [
    'a key within a map',
    'app: server\nhealth-check: {path: /, timout: 1}',
    [/^2:25 unknown key "timout" in health-check \(did you mean timeout\?\)$/],
  ],
  ['a key called __proto__', 'app: server\n__proto__: {a: 1}', [/^2:1 unknown key "__proto__"/]],
  [
    'a health path without slash',
    'app: server\nhealth-check: up',
    [/^2:15 health-check: expected a path such as \/up, got "up"/],
  ],
  ['a health path with a line end', 'app: server\nhealth-check: "/a\\r\\nX: 1"', [/^2:15 health-check/]],
  ['variables that are no map', 'app: server\nenv: [A=1]', [/^2:6 env: expected a map of variables/]],
  ['a variable name with a space', 'app: server\nenv: {"A B": 1}', [/^2:7 expected a variable name/]],
  ['a variable without value', 'app: server\nenv:\n  A:', [/^3:3 env\.A: expected text, a number/]],
  ['a variable with a NUL', 'app: server\nenv: {A: "x\\0"}', [/^2:10 env\.A: .*NUL/]],
  ['an argument with a NUL', 'app: server\nnode-args: ["--x\\0"]', [/^2:13 .*NUL/]],
  ['one bad domain in a list', 'app: server\ndomains: [a.com, 4]', [/^2:18 expected text, got 4/]],
  [
    'several bad domains',
    'app: server\ndomains:\n  - http://a.com\n  - a.com\n  - "b:80"',
    [/^3:5 .*scheme/, /^5:5 .*port/],
  ],
  ['a bad domain that is no list', 'app: server\ndomains: _', [/^2:10 expected a host, got "_"/]],
  ['no domain at all', 'app: server\ndomains: []', [/^2:10 domains: expected at least one entry/]],
  ['a missing entry file', 'app: ./gone.js', [/^1:6 app: there is no file \/.*\/gone\.js \(it is looked for in \//]],
  [
    'an entry directory without entry',
    'app: nothing',
    [/^1:6 app: expected a script, got the directory \/.*\/nothing, which has no index\.js/],
  ],
  ['an entry below a file', 'app: server.js/x', [/^1:6 app: there is no file/]],
  [
    'a missing working directory',
    'app: server\nchdir: gone',
    [/^2:8 chdir: expected a directory, got \/.*\/gone, which does not exist/],
  ],
  [
    'a working directory that is a file',
    'app: server\nchdir: server.js',
    [/^2:8 chdir: expected a directory, .*a file/],
  ],
  [
    'a missing env file',
    'app: server\nenv-file: [.env, gone.env]',
    [/^2:18 env-file: there is no file \/.*\/gone\.env/],
  ],
  [
    'an env file that is a directory',
    'app: server\nenv-file: sub',
    [/^2:11 env-file: expected a regular file, got the directory/],
  ],
  [
    'a node that is not executable',
    'app: server\nnode: ./server.js',
    [/^2:7 node: \/.*server\.js is not executable \(chmod \+x/],
  ],
  ['a node that is missing', 'app: server\nnode: ./gone', [/^2:7 node: there is no file/]],
  ['an empty command', 'command: []', [/^1:10 command: expected a program/]],
  ['a command that is a map', 'command: {a: 1}', [/^1:10 command: expected a command line, or a list/]],
  ['a command with a number', 'command: [a, 1]', [/^1:14 .*expected text, got 1|^1:14 .*string/]],
  [
    'everything at once',
    'processes: 0\nqueu: 1\ndrain-timeout: x',
    [/^- expected one of the keys/, /^1:12/, /^2:1 .*did you mean queue/, /^3:16/],
  ],
];

describe("an app's file with", () => {
  for (const [what, text, expected] of cases) {
    it(`${what} is refused, at the place`, async (t) => {
      const problems = await problemsOf(world(t).read(text));
      assert.equal(problems.length, expected.length, problems.join('\n'));
      expected.forEach((pattern, index) => {
        assert.match(problems[index] ?? '', pattern);
      });
    });
  }

  it('thousands of unknown keys tells of twenty and counts the others', async (t) => {
    const text = Array.from({ length: 3000 }, (_, i) => `key${i}: 1`).join('\n');
    const problems = await problemsOf(world(t).read(text));
    assert.equal(problems.length, 22);
    assert.ok(problems.some((problem) => problem.includes('2980 further problems')));
  });

  it('a name that makes no domain asks for domains', async (t) => {
    const problems = await problemsOf(world(t).read('app: server', { name: 'shop-' }));
    assert.match(problems[0] ?? '', /the file's name makes no domain.*\(set domains\)/);
  });
});

describe('a good file', () => {
  const specOf = async (result: Promise<VassalFile>): Promise<Extract<VassalFile, { ok: true }>['spec']> => {
    const file = await result;
    assert.ok(file.ok, JSON.stringify(file));
    return file.spec;
  };

  it('with one line becomes a complete spec', async (t) => {
    const { dir, read } = world(t);
    assert.deepEqual(await specOf(read('app: ./server.js')), {
      app: join(dir, 'server.js'),
      chdir: dir,
      domains: ['shop.localhost'],
      processes: 1,
      env: {},
      'env-file': [],
      'node-args': [],
      pythonpath: [],
      threads: 1,
      handoff: 'auto',
      'ready-timeout': 30_000,
      'drain-timeout': 30_000,
      'stop-timeout': 10_000,
      'stop-signal': 'TERM',
      settle: 10_000,
      rollout: { strategy: 'all', steps: [], pauseMs: 0 },
      'limit-post': 0,
      'max-concurrency': 0,
      queue: 128,
      'queue-timeout': 30_000,
    });
  });

  it('has its values in milliseconds, bytes and lists', async (t) => {
    const text =
      'app: server\ndrain-timeout: 2m\nlimit-post: 20M\nnode-args: --inspect\nenv: {A: 1, B: true, C: x}\nhealth-check: /up\nx-note: [1, {a: b}]';
    const spec = await specOf(world(t).read(text));
    assert.equal(spec['drain-timeout'], 120_000);
    assert.equal(spec['limit-post'], 20_971_520);
    assert.deepEqual(spec['node-args'], ['--inspect']);
    assert.deepEqual(spec.env, { A: '1', B: 'true', C: 'x' });
    assert.deepEqual(spec['health-check'], { path: '/up', timeout: 5000, interval: 10_000 });
    assert.ok(!Object.hasOwn(spec, 'x-note'));
  });

  for (const [written, file] of [
    ['server', 'server.js'],
    ['other', 'other.mjs'],
    ['old', 'old.cjs'],
    ['typed', 'typed.ts'],
    ['app', 'app/index.js'],
    ['pkg', 'pkg/lib/start.mjs'],
    ['./pkg/', 'pkg/lib/start.mjs'],
    ['broken', 'broken/index.mjs'],
    ['current/server', 'current/server.js'],
  ] as const) {
    it(`may name ${written} and means ${file}`, async (t) => {
      const { dir, read } = world(t);
      assert.equal((await specOf(read(`app: ${written}`))).app, join(dir, file));
    });
  }

  it('resolves app, env-file and node against chdir, without following its links', async (t) => {
    const { dir, read } = world(t);
    const spec = await specOf(read('app: server.js\nchdir: current\nenv-file: .env\nnode: ../node'));
    assert.equal(spec.chdir, join(dir, 'current'));
    assert.equal(spec.app, join(dir, 'current/server.js'));
    assert.deepEqual(spec['env-file'], [join(dir, 'current/.env')]);
    assert.equal(spec.node, join(dir, 'node'));
  });

  it('keeps a command as it is written, text or list, and a bare node', async (t) => {
    const { read } = world(t);
    assert.equal((await specOf(read('command: python3 -m http.server $PORT'))).command, 'python3 -m http.server $PORT');
    assert.deepEqual((await specOf(read('command: [python3, "", -x]'))).command, ['python3', '', '-x']);
    assert.equal((await specOf(read('app: server\nnode: node24'))).node, 'node24');
  });

  it('has each domain once, in one spelling, with its place', async (t) => {
    const file = await world(t).read('app: server\ndomains: [A.com., "*", a.com,\n  a.com/x/]');
    assert.ok(file.ok);
    assert.deepEqual(file.spec.domains, ['a.com', '*', 'a.com/x']);
    assert.deepEqual(file.domainPlaces.get('a.com/x'), { line: 3, column: 3 });
    assert.deepEqual(file.domainPlaces.get('a.com'), { line: 2, column: 11 });
  });

  it('takes its values from the defaults, and wins over them', async (t) => {
    const { dir, read } = world(t);
    const defaults: VassalDefaults = {
      processes: 4,
      queue: 7,
      env: { A: 'default', B: 'default' },
      'env-file': [join(dir, '.env')],
    };
    const spec = await specOf(read('app: server\nqueue: 128\nenv: {A: own}', { defaults }));
    assert.equal(spec.processes, 4);
    assert.equal(spec.queue, 128);
    assert.deepEqual(spec.env, { A: 'own', B: 'default' });
    assert.deepEqual(spec['env-file'], [join(dir, '.env')]);
  });

  it('is told of a default that does not work, without a place', async (t) => {
    const problems = await problemsOf(world(t).read('app: server', { defaults: { node: '/gone/node' } }));
    assert.match(problems[0] ?? '', /^- node, from defaults in emperor\.yaml: there is no file/);
  });

  it('has the digest of every file that means the same', async (t) => {
    const { read } = world(t);
    const one = await specOf(read('app: server\nqueue: 5\nenv: {A: 1, B: 2}'));
    const other = await specOf(
      read('# hi\nenv:\n  B: "2"\n  A: "1"\nqueue: 5\nprocesses: 1\napp: ./server.js\nx-a: 1'),
    );
    assert.equal(digestOf(one), digestOf(other));
    assert.match(digestOf(one), /^[0-9a-f]{16}$/);
    assert.notEqual(digestOf(one), digestOf(await specOf(read('app: server\nqueue: 6'))));
  });
});
