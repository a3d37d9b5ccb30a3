// An app counts as scaled only when exactly so many workers run and all of them are ready; a wait for it always ends.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstanceFacts } from '../../emperor/facts.ts';
import { scaleLimitMs, scaleProgress, type ScaleFacts } from '../../emperor/scale-progress.ts';
import type { VassalState, WorkerState } from '../../lib/vassal-messages.ts';
import { specOf } from '../harness/planner-model.ts';

interface Live {
  readonly told: number;
  readonly keep: number;
  readonly kept: number;
  readonly states: readonly WorkerState['state'][];
}

function facts({ told, keep, kept, states }: Live): ScaleFacts['live'] {
  const workers = states.map((state, index) => ({ id: index + 1, state }) as WorkerState);
  const ready = workers.filter(({ state }) => state === 'ready');
  return {
    facts: { processes: told, keep, workers: ready as unknown } as InstanceFacts,
    report: { processes: kept, workers } as unknown as VassalState,
  };
}

const to2 = (live: Partial<Live>, rest: Partial<ScaleFacts> = {}): ReturnType<typeof scaleProgress> =>
  scaleProgress({
    processes: 2,
    wanted: 2,
    isStopped: false,
    live: facts({ told: 2, keep: 2, kept: 2, states: ['ready', 'ready'], ...live }),
    ...rest,
  });

describe('scaling', () => {
  it('is done with exactly so many workers, all ready', () => {
    assert.deepEqual(to2({}), { result: 'scaled', reason: null });
  });

  for (const [what, live] of [
    ['the primary was not told yet', { told: 1 }],
    ['it is told, and does not know it yet', { kept: 1 }],
    ['a worker is missing', { states: ['ready'] }],
    ['a worker is starting', { states: ['ready', 'starting'] }],
    ['a worker is in back-off', { states: ['ready', 'backoff'] }],
    ['a worker too many drains', { told: 3, keep: 2, kept: 3, states: ['ready', 'ready', 'ready'] }],
    ['a worker too many is stopping', { states: ['ready', 'ready', 'stopping'] }],
  ] as const) {
    it(`is not done while ${what}`, () => {
      assert.equal(to2(live), undefined);
    });
  }

  it('is not done while nothing is live', () => {
    assert.equal(to2({}, { live: undefined }), undefined);
  });

  it('is over when something else is wanted', () => {
    assert.deepEqual(to2({}, { isStopped: true }), { result: 'cancelled', reason: 'it was stopped' });
    assert.deepEqual(to2({}, { wanted: undefined }), { result: 'cancelled', reason: 'its file was edited' });
    assert.deepEqual(to2({}, { wanted: 5 }), { result: 'cancelled', reason: 'it was scaled to 5 meanwhile' });
  });

  it('may take as long as the spec lets workers take to start, or to drain and stop', () => {
    const spec = { ...specOf([]), 'ready-timeout': 50_000, 'drain-timeout': 7000, 'stop-timeout': 2000 };
    assert.equal(scaleLimitMs(spec, { before: 1, processes: 2 }), 53_000);
    assert.equal(scaleLimitMs(spec, { before: 2, processes: 1 }), 12_000);
    assert.ok(scaleLimitMs(undefined, { before: 0, processes: 1 }) > 0);
  });
});
