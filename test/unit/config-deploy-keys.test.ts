// The keys of deploys and of backends that we do not run: each bad form is told at its place, each good one comes out
// complete.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readVassalText, type VassalDefaults, type VassalFile } from '../../emperor/config/vassal-file.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { tempDir } from '../harness/temp-dir.ts';

async function read(t: TestContext, text: string, defaults: VassalDefaults = {}): Promise<VassalFile> {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'server.js'), '');
  return readVassalText(text, { file: join(dir, 'shop.yaml'), name: 'shop', defaults });
}

const cases: readonly [what: string, text: string, problems: readonly RegExp[]][] = [
  ['app and a backend', 'upstream: a:1\napp: server', [/^1:1 expected one of app and upstream, got both/]],
  [
    'everything that an app can be',
    'app: server\nupstream: a:1\ncommand: x',
    [/^2:1 expected one of app and upstream/, /^3:1 expected one of app and command/],
  ],
  [
    'keys that a backend cannot have',
    'upstream: a:1\nprocesses: 2\nenv: {A: 1}\nrollout: chain\nstop-signal: INT\nhandoff: off',
    [
      /^2:1 processes has no meaning with upstream: somebody else runs the backends \(remove it, or /,
      /^3:1 env has no meaning/,
      /^4:1 rollout has no meaning/,
      /^5:1 stop-signal has no meaning/,
      /^6:1 handoff has no meaning/,
    ],
  ],
  [
    'a backend by https',
    'upstream: https://a:1',
    [/^1:11 upstream: expected unix:\/path or http:\/\/host:port, got "https:\/\/a:1": .*in clear text$/],
  ],
  ['a backend with a path', 'upstream: http://a:1/x', [/^1:11 upstream: .*requests keep their own path/]],
  ['a backend without a port', 'upstream: http://a', [/^1:11 upstream: expected .*, got "http:\/\/a"$/]],
  ['a backend at a port too high', 'upstream: a:70000', [/^1:11 upstream: .*a port is from 1 to 65535$/]],
  ['a backend at no IPv6 address', 'upstream: "http://[1::2::3]:1"', [/^1:11 upstream: .*no IPv6 address$/]],
  [
    'a backend whose path no socket can have',
    `upstream: unix:/${'a'.repeat(200)}`,
    [/^1:11 upstream: .*a socket's path has at most \d+ bytes$/],
  ],
  ['a backend that is a number', 'upstream: 80', [/^1:11 upstream: expected unix:\/path, .*, a map of .*got 80$/]],
  [
    'one bad backend of three',
    'upstream:\n  - a:1\n  - b\n  - {address: c:1, weight: 0}',
    [/^3:5 expected unix:.*got "b"$/, /^4:28 upstream\.2\.weight: expected a whole number from 1 to 1000, got 0$/],
  ],
  [
    'a mistyped key of a backend',
    'upstream: [{address: a:1, wieght: 2}]',
    [/^1:27 unknown key "wieght" in upstream\.0 \(did you mean weight\?\)$/],
  ],
  [
    'one backend twice',
    'upstream: [a:1, "http://a:1/"]',
    [/^1:17 upstream: a:1 stands here for the second time \(give it a weight/],
  ],
  [
    'an interval for what we run',
    'app: server\nhealth-check: {path: /up, interval: 5s}',
    [/^2:27 health-check\.interval has a meaning with upstream only \(remove it/],
  ],
  [
    'an interval too short',
    'upstream: a:1\nhealth-check: {path: /up, interval: 50ms}',
    [/^2:37 health-check\.interval: expected at least 100ms/],
  ],
  [
    'a rollout like none',
    'app: server\nrollout: canari',
    [/^2:10 rollout: expected all, chain, canary or a map .*got "canari" \(did you mean canary\?\)$/],
  ],
  ['a rollout that is a list', 'app: server\nrollout: [5%]', [/^2:10 rollout: expected all, .*got a list$/]],
  ['a rollout without steps', 'app: server\nrollout: {pause: 1m}', [/^2:10 rollout\.canary: expected steps such as/]],
  ['no step', 'app: server\nrollout: {canary: []}', [/^2:19 rollout\.canary: expected at least one step$/]],
  ['a step that is no list', 'app: server\nrollout: {canary: 5%}', [/^2:19 rollout\.canary: expected steps such as/]],
  [
    'steps that are no shares',
    'app: server\nrollout: {canary: [0, 5%, 200%, x]}',
    [/^2:20 expected a share such as 5% or 0\.05, got 0$/, /^2:27 .*got "200%"$/, /^2:33 .*got "x"$/],
  ],
  [
    'steps that shrink',
    'app: server\nrollout: {canary: [5%, 25%, 10%]}',
    [/^2:29 expected a larger share than in the step before it/],
  ],
  ['a bad pause', 'app: server\nrollout: {canary: [5%], pause: x}', [/^2:32 rollout\.pause: expected a duration/]],
  [
    'a mistyped pause',
    'app: server\nrollout: {canary: [5%], pase: 1}',
    [/^2:25 .*in rollout \(did you mean pause\?\)$/],
  ],
  ['a hand-off like none', 'app: server\nhandoff: on', [/^2:10 handoff: expected auto or off, got "on"/]],
  ['a bad probation', 'app: server\nsettle: never', [/^2:9 settle: expected a duration/]],
];

describe("an app's file with", () => {
  for (const [what, text, expected] of cases) {
    it(`${what} is refused, at the place`, async (t) => {
      const file = await read(t, text);
      assert.ok(!file.ok, 'expected problems');
      const problems = file.problems.map(({ line, column, message, hint }) =>
        [`${line ?? ''}:${column ?? ''}`, message, ...(hint === null ? [] : [`(${hint})`])].join(' '),
      );
      assert.equal(problems.length, expected.length, problems.join('\n'));
      expected.forEach((pattern, index) => {
        assert.match(problems[index] ?? '', pattern);
      });
    });
  }
});

describe('a good file', () => {
  const specOf = async (result: Promise<VassalFile>): Promise<VassalSpec> => {
    const file = await result;
    assert.ok(file.ok, JSON.stringify(file));
    return file.spec;
  };

  for (const [written, rollout] of [
    ['all', { strategy: 'all', steps: [], pauseMs: 0 }],
    ['chain', { strategy: 'chain', steps: [], pauseMs: 0 }],
    ['canary', { strategy: 'canary', steps: [0.05, 0.25, 1], pauseMs: 30_000 }],
    ['{canary: [12.5%, 0.5], pause: 1m}', { strategy: 'canary', steps: [0.125, 0.5], pauseMs: 60_000 }],
  ] as const) {
    it(`has the rollout ${written} with its steps and pause`, async (t) => {
      assert.deepEqual((await specOf(read(t, `app: server\nrollout: ${written}`))).rollout, rollout);
    });
  }

  it('has its backends in one spelling, with a weight each', async (t) => {
    const spec = await specOf(read(t, 'upstream: ["http://A.internal:80/", {address: "unix:/run/b.sock", weight: 3}]'));
    assert.deepEqual(spec.upstream, [
      { address: 'A.internal:80', weight: 1 },
      { address: 'unix:/run/b.sock', weight: 3 },
    ]);
    assert.deepEqual((await specOf(read(t, 'upstream: []'))).upstream, []);
    assert.deepEqual((await specOf(read(t, 'upstream: "http://[::1]:3000"'))).upstream, [
      { address: '[::1]:3000', weight: 1 },
    ]);
  });

  it('of a backend takes no default that would do nothing', async (t) => {
    const defaults: VassalDefaults = {
      processes: 4,
      env: { A: 'default' },
      'env-file': ['/gone.env'],
      rollout: { strategy: 'chain', steps: [], pauseMs: 0 },
      queue: 7,
    };
    const spec = await specOf(read(t, 'upstream: a:1', defaults));
    assert.deepEqual([spec.processes, spec.env, spec['env-file'], spec.queue], [1, {}, [], 7]);
    assert.equal(spec.rollout.strategy, 'all');
  });
});
