// What status tells of a rollout: how far it is, what share it has, and how both sides do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppFacts, Deployable, Desired, InstanceFacts } from '../../emperor/facts.ts';
import { rolloutStatus } from '../../emperor/rollout-status.ts';
import { latencies } from '../harness/latencies.ts';
import { specOf } from '../harness/planner-model.ts';

const now = { nowMs: 5000, wallMs: Date.UTC(2026, 0, 1, 0, 1) };

function deployable(digest: string, rollout: unknown): Deployable {
  return { spec: specOf(['a.test'], { processes: 2, rollout }), digest, order: 0 };
}

function instance(generation: number, of: Deployable, isPromoted: boolean): InstanceFacts {
  const worker = (id: number): InstanceFacts['workers'][number] => ({
    id,
    key: `shop/${generation}/${id}`,
    address: `unix:/${generation}/${id}`,
    weight: 1,
    handoff: null,
    protocol: 'http',
    capacity: null,
  });
  return {
    generation,
    deployable: of,
    state: 'ready',
    deadlineMs: undefined,
    workers: [worker(1), worker(2)],
    begun: 2,
    running: 2,
    processes: 2,
    keep: 2,
    narrowedAtMs: 0,
    unroutedVersion: 0,
    isPromoted,
    isOutdated: false,
    liveSinceMs: isPromoted ? 0 : undefined,
    crashes: 0,
  };
}

function world(rollout: unknown, app: Partial<AppFacts> = {}): { desired: Desired; app: AppFacts } {
  const [old, next] = [deployable('old', rollout), deployable('new', rollout)];
  const wanted = { target: next, isStopped: false, isPaused: false, processes: undefined };
  return {
    desired: { isComplete: true, isEnding: false, apps: new Map([['shop', wanted]]) },
    app: {
      name: 'shop',
      instances: [instance(1, old, true), instance(2, next, false)],
      proven: old,
      refused: undefined,
      deaths: [],
      nextGeneration: 3,
      queued: 0,
      rollout: undefined,
      figures: [],
      ...app,
    },
  };
}

/** All answers in the bucket up to `ms`. */
function answers(key: string, requests: number, errors: number, ms: number): AppFacts['figures'][number] {
  return { instance: key, requests, errors, latency: latencies(requests, ms) };
}

describe('the status of a rollout', () => {
  it('has the step of a canary, its share, since when, and the figures of both over all routers', () => {
    const figures = [
      answers('shop/2', 30, 1, 20),
      answers('shop/2', 20, 0, 20),
      answers('shop/1', 500, 0, 10),
      answers('shop/9', 7, 7, 10),
    ];
    const { desired, app } = world(
      { canary: ['5%', '25%', '100%'] },
      { rollout: { generation: 2, step: 1, sinceMs: 2000 }, figures },
    );
    assert.deepEqual(rolloutStatus(desired, app, now), {
      strategy: 'canary',
      generation: 2,
      step: 2,
      steps: 3,
      share: 0.25,
      since: '2026-01-01T00:00:57.000Z',
      figures: [
        { generation: 2, requests: 50, errors: 1, summary: '2.0% errors (1 of 50), median 20 ms' },
        { generation: 1, requests: 500, errors: 0, summary: '0.0% errors (0 of 500), median 10 ms' },
      ],
    });
  });

  it('has its first share before its first step is noted', () => {
    const { desired, app } = world('canary');
    const status = rolloutStatus(desired, app, now);
    assert.deepEqual([status?.step, status?.share, status?.since], [0, 0.05, null]);
  });

  it('of a chain has the share of its workers, and no steps', () => {
    const { desired, app } = world('chain');
    const status = rolloutStatus(desired, app, now);
    // Two new workers, and the last old one, which goes with the rest of its generation.
    assert.deepEqual([status?.strategy, status?.step, status?.steps, status?.share], ['chain', null, null, 2 / 3]);
  });

  it('is none where one generation has it all', () => {
    const { desired, app } = world('canary');
    assert.equal(rolloutStatus(desired, { ...app, instances: app.instances.slice(0, 1) }, now), null);
  });
});
