import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeDeploy, describeStart } from '../../emperor/cli/announcer.ts';
import { describeResult } from '../../emperor/cli/app-verb.ts';
import { planLines } from '../../emperor/cli/check-plan.ts';
import { formatApp, formatStatus } from '../../emperor/cli/status.ts';
import { layOut } from '../../emperor/cli/table.ts';
import type { RolloutStatus } from '../../emperor/rollout-status.ts';
import { buildStatus, type AppStatusFacts, type Status } from '../../emperor/status.ts';
import type { VassalState } from '../../lib/vassal-messages.ts';
import { specOf } from '../harness/planner-model.ts';

function statusOf(
  apps: readonly Partial<AppStatusFacts>[],
  rest: { listen?: string[]; degraded?: string[] } = {},
): Status {
  return buildStatus({
    version: '1.0.0',
    pid: 10,
    uptimeMs: 0,
    phase: 'serving',
    directory: '/srv/vassals',
    runDir: '/run/emperor',
    problems: [{ file: '/srv/vassals/shop.yaml', line: 3, column: 7, message: 'expected a number', hint: 'write 2' }],
    nativeMissing: undefined,
    origin: { startedBy: 'start', upgrade: null },
    degraded: rest.degraded ?? [],
    listen: rest.listen ?? [':8080'],
    routers: [],
    apps: apps.map((app) => ({
      name: 'shop',
      file: '/srv/vassals/shop.yaml',
      state: 'running',
      generation: 2,
      domains: ['shop.localhost'],
      runtime: 'node',
      digest: 'a',
      reason: null,
      instances: [],
      lastDeploy: null,
      processes: 1,
      isPaused: false,
      rollout: null,
      goodGenerations: [],
      notes: [],
      stats: [],
      ...app,
    })),
    memory: new Map(),
  });
}

describe('table', () => {
  it('aligns columns and cuts only the elastic ones to fit the width', () => {
    const columns = [
      { title: 'NAME', isElastic: true },
      { title: 'N', align: 'right' },
    ] as const;
    const lines = layOut(
      columns,
      [
        ['a-name-that-is-rather-long', '7'],
        ['b', '12'],
      ],
      20,
    );
    assert.deepEqual(lines, ['NAME               N', 'a-name-that-is-…   7', 'b                 12']);
  });
});

describe('the first words of emperor run', () => {
  it('give each URL as a browser takes it', () => {
    const words = describeStart(
      statusOf([
        { name: 'a', domains: ['*.shop.test', 'shop.test/up'] },
        { name: 'b', domains: ['*'] },
        { name: 'c', domains: ['*.shop.test'] },
      ]),
      '/srv',
    );
    assert.match(words, /http:\/\/shop\.test:8080\/up +a/);
    assert.match(words, /http:\/\/localhost:8080\/ +b/);
    assert.match(words, /http:\/\/any\.shop\.test:8080\/ +c/);
    assert.match(words, /serves vassals on :8080 \(pid 10\)/);
    assert.match(words, /Problems:\n {2}shop\.yaml:3:7 expected a number/);
  });

  it('leave port 80 out, and propose to edit hello.yaml where there is one', () => {
    const words = describeStart(
      statusOf([{ name: 'a' }, { name: 'hello', file: '/srv/vassals/hello.yaml' }], { listen: [':80'] }),
      '/srv',
    );
    assert.match(words, /http:\/\/shop\.localhost\/ /);
    assert.match(words, /Try: edit vassals\/hello\.yaml and save/);
  });
});

describe('the line about a deploy', () => {
  const event = { type: 'deploy', name: 'shop', generation: 3, tookMs: 142 } as const;

  it('says what is served now', () => {
    const live = { ...event, result: 'live', reason: null } as const;
    assert.equal(describeDeploy(live, statusOf([{}])), 'shop: generation 3 is live, 142 ms');
    const rejected = { ...event, result: 'rejected', reason: 'shop.yaml:3:7 expected a number' } as const;
    assert.equal(describeDeploy(rejected, statusOf([{}])), 'shop: kept generation 2: shop.yaml:3:7 expected a number');
    const nothing = statusOf([{ generation: null }]);
    assert.equal(describeDeploy(rejected, nothing), 'shop: not started: shop.yaml:3:7 expected a number');
    const failed = { ...event, result: 'failed', reason: 'no database' } as const;
    assert.equal(describeDeploy(failed, nothing), 'shop: generation 3 failed: no database');
  });
});

describe('emperor status', () => {
  it('shows problems with their place and hint, and failures with the last lines of the log', () => {
    const lastDeploy = {
      generation: 3,
      result: 'failed',
      reason: 'no database',
      tookMs: 5,
      log: ['line 1', 'line 2'],
    } as const;
    const text = formatStatus(
      statusOf([{ state: 'degraded', reason: 'no database', lastDeploy }], { degraded: ['the addon is missing'] }),
      { hasColour: false },
    );
    assert.match(text, /problem {2}shop\.yaml:3:7 expected a number\n +write 2\n/);
    assert.match(text, /degraded shop: no database\n +\| line 1\n +\| line 2\n/);
    assert.match(text, /note +the addon is missing/);
  });

  it('says below the line of the routers why their transport runs', () => {
    const status = statusOf([]);
    const known = { ...status.router, transport: 'portable', transportReason: 'the reactor cannot run: no epoll' };
    const text = formatStatus({ ...status, router: known }, { hasColour: false });
    assert.match(text, /\nrouter portable {2}.*\n {7}because the reactor cannot run: no epoll\n/);
    assert.doesNotMatch(formatStatus(status, { hasColour: false }), /because/);
  });

  it('colours the state and nothing else that bears the same word', () => {
    const text = formatStatus(statusOf([{ name: 'running' }]), { hasColour: true });
    assert.match(text, /\nrunning {2}\u001b\[32mrunning\u001b/);
  });
});

describe('emperor status of one app', () => {
  const worker = {
    id: 1,
    pid: 41,
    state: 'ready',
    address: 'unix:/r/1.sock',
    weight: 1,
    handoff: null,
    restarts: 2,
  } as const;
  const report: VassalState = {
    type: 'state',
    phase: 'ready',
    readyMs: 10,
    readyBy: 'listen',
    processes: 1,
    workers: [{ ...worker, lastExit: 'killed by SIGKILL' }],
    failure: null,
    logProblem: null,
  };

  it('has every worker, what is under way, and the end of a failed deploy', () => {
    const rollout: RolloutStatus = {
      strategy: 'canary',
      generation: 3,
      step: 2,
      steps: 3,
      share: 0.25,
      since: '2026-01-01T00:00:00.000Z',
      figures: [{ generation: 3, requests: 50, errors: 6, summary: '12.0% errors (6 of 50)' }],
    };
    const lastDeploy = {
      generation: 2,
      result: 'failed',
      reason: 'worker 1 ended with exit code 7',
      tookMs: 1200,
      log: Array.from({ length: 50 }, (_, index) => `line ${index + 1}`),
    } as const;
    const instances = [{ key: 'shop/2', generation: 2, state: 'ready', pid: 40, report }] as const;
    const app = { state: 'paused', isPaused: true, processes: 4, rollout, lastDeploy, instances } as const;
    const lines = formatApp(statusOf([{ ...app, goodGenerations: [1, 2] }]), { hasColour: false }).split('\n');
    for (const line of [
      'wanted   4 workers',
      'paused   requests wait; `emperor resume shop` lets them go',
      'rollout  canary: generation 3 has 25% of the clients, step 2 of 3, since 2026-01-01T00:00:00.000Z',
      '         generation 3: 12.0% errors (6 of 50)',
      'good     1 (`emperor rollback shop` goes back)',
      'last deploy: generation 2 failed after 1.2 s',
      '  worker 1 ended with exit code 7',
      '  | line 1',
      '  | line 50',
    ]) {
      assert.ok(lines.includes(line), `${line}\nin\n${lines.join('\n')}`);
    }
    assert.ok(lines.some((line) => /^ *2 +ready +1 +ready +41 .* 2 +killed by SIGKILL$/.test(line)));
    assert.ok(lines.some((line) => line.startsWith('problem  shop.yaml:3:7')));
    for (const line of lines.slice(2)) assert.ok(line.length <= 100, line);
  });

  it('that runs nothing says so', () => {
    const text = formatApp(statusOf([{ state: 'stopped', generation: null }]), { hasColour: false });
    assert.match(text, /\nnothing of it runs\n/);
  });
});

describe('what a verb prints', () => {
  it('says what became of it', () => {
    const result = { result: 'live', reason: null, generation: 4, tookMs: 1200 } as const;
    assert.equal(describeResult('reload', result), 'generation 4 is live, 1.2 s');
    const back = { ...result, reason: 'rolled back from generation 3 by the operator' };
    assert.equal(
      describeResult('rollback', back),
      'generation 4 is live, 1.2 s: rolled back from generation 3 by the operator',
    );
    assert.equal(describeResult('scale', { ...result, result: 'failed', reason: 'why' }), 'not scaled: why');
    assert.equal(describeResult('pause', { ...result, result: 'cancelled', reason: 'x' }), 'pause was not done: x');
  });
});

describe('emperor check --plan', () => {
  const app = (
    name: string,
    digest: string,
  ): { name: string; file: string; spec: ReturnType<typeof specOf>; digest: string; notes: [] } => ({
    name,
    file: `/srv/vassals/${name}.yaml`,
    spec: specOf([]),
    digest,
    notes: [],
  });

  it('says what an edit would do, by digest', () => {
    const status = statusOf([
      { name: 'same', digest: 'a' },
      { name: 'edited', digest: 'a' },
      { name: 'removed', file: '/srv/vassals/removed.yaml' },
      { name: 'broken', file: '/srv/vassals/broken.yaml' },
      { name: 'down', state: 'stopped' },
    ]);
    const problem = { file: '/srv/vassals/broken.yaml', line: 1, column: 1, message: 'bad', hint: null };
    const apps = [app('same', 'a'), app('edited', 'b'), app('new', 'c'), app('down', 'd')];
    assert.deepEqual(planLines({ apps, problems: [problem] }, status), [
      'deploy  edited: a new generation beside generation 2',
      'start   new',
      'nothing down: it is stopped',
      'stop    removed: it has no file',
      'keep    broken: its file is invalid, generation 2 goes on',
    ]);
  });

  it('says so where nothing would change', () => {
    assert.deepEqual(planLines({ apps: [app('shop', 'a')], problems: [] }, statusOf([{}])), ['nothing would change']);
  });
});
