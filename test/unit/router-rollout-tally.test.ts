// What is counted of two generations that share an app's clients.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latencyBoundsMs, type GenerationStats } from '../../lib/app-stats.ts';
import { Apps } from '../../router/core/apps.ts';
import { RolloutTally } from '../../router/core/rollout-tally.ts';
import { route } from '../harness/router-process.ts';

const nameOf = (turn: number, index: number): string => `${turn}: ${latencyBoundsMs[index] ?? 'above'}`;

const summary = ({ instance, requests, errors, latency }: GenerationStats): unknown[] => [
  ...[instance, requests, errors],
  Object.fromEntries(
    latency
      .flatMap((histogram, turn) => histogram.map((count, index) => [nameOf(turn, index), count] as const))
      .filter(([, count]) => count > 0),
  ),
];

describe('the tally of a rollout', () => {
  it('counts requests, errors and latencies by instance', () => {
    const tally = new RolloutTally('app/2');
    tally.begin('app/1', 0).answer(200, 0.5);
    tally.begin('app/1', 0).answer(404, 0.6);
    tally.begin('app/2', 100).answer(503, 110);
    tally.begin('app/2', 0).answer(200, 60_000);
    tally.begin('app/2', 0).lose();
    tally.begin('app/2', 0).end();
    assert.deepEqual(tally.report().map(summary), [
      ['app/1', 2, 0, { '0: 0.5': 1, '0: 1': 1 }],
      ['app/2', 4, 2, { '0: 10': 1, '0: above': 1 }],
    ]);
    assert.deepEqual(
      tally.report()[0]?.latency.map(({ length }) => length),
      [26, 26, 26],
    );
  });

  it('counts latencies in histograms that take turns, so that what one pause delayed is told from what is slow', () => {
    const tally = new RolloutTally('app/2');
    for (const nowMs of [499, 500, 999, 1000, 1499, 1500, 1999, 2000]) {
      tally.begin('app/2', nowMs - 1).answer(200, nowMs);
    }
    assert.deepEqual(tally.report().map(summary), [['app/2', 8, 0, { '0: 1': 3, '1: 1': 3, '2: 1': 2 }]]);
  });

  it('counts a request once, and one error of it at most', () => {
    const tally = new RolloutTally('app/2');
    const attempt = tally.begin('app/2', 0);
    attempt.answer(500, 1);
    attempt.lose();
    attempt.lose();
    attempt.end();
    assert.deepEqual(tally.report().map(summary), [['app/2', 1, 1, { '0: 1': 1 }]]);
  });

  it('marks every change', () => {
    const tally = new RolloutTally('app/2');
    const attempt = tally.begin('app/2', 0);
    const { changes } = tally;
    attempt.answer(200, 1);
    assert.ok(tally.changes > changes);
  });

  it('begins with the first table that has a newer generation, goes on while that is the same, and ends with it', () => {
    const apps = new Apps({ onBusyChange: () => undefined, onUnlisted: () => undefined });
    let version = 0;
    const publish = (next: number | undefined, share = 0.1): void => {
      const targets = [{ key: 'app/1/1', address: 'unix:/1', weight: 1, handoff: null }];
      const nextTargets = [{ key: `app/${next ?? 0}/1`, address: 'unix:/2', weight: 1, handoff: null }];
      const app = route({ targets, next: next === undefined ? null : { targets: nextTargets, share } });
      apps.publish({ type: 'routes', version: ++version, apps: [app] }, 0);
    };
    const counted = (): number => apps.stats()[0]?.generations.reduce((sum, { requests }) => sum + requests, 0) ?? 0;
    const count = (): void => apps.pool('app')?.tally?.begin('app/1', 0).answer(200, 1);
    publish(undefined);
    count();
    assert.deepEqual(apps.stats()[0]?.generations, []);
    publish(2);
    count();
    publish(2, 0.5);
    count();
    assert.equal(counted(), 2);
    publish(3);
    assert.equal(counted(), 0);
    count();
    publish(undefined);
    assert.deepEqual(apps.stats()[0]?.generations, []);
  });
});
