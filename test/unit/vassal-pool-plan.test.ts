import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { killAgainMs, planPool, type PoolAction, type PoolWanted, type WorkerView } from '../../vassal/pool-plan.ts';
import { nextPhase, type WorkerEvent, type WorkerPhase } from '../../vassal/worker-lifecycle.ts';
import { respawnDelayMs } from '../../vassal/respawn-delay.ts';

const wanted: PoolWanted = { processes: 2, stopTimeoutMs: 1000, readyTimeoutMs: 300, trial: 2 };
const worker = (id: number, phase: WorkerPhase, more: Partial<WorkerView> = {}): WorkerView => ({
  id,
  phase,
  sinceMs: 0,
  dueMs: 0,
  killedMs: null,
  ...more,
});
const brief = (actions: readonly PoolAction[]): string[] => actions.map(({ type, id }) => `${type} ${id}`);

describe('the pool plan', () => {
  it('spawns whoever is missing', () => {
    assert.deepEqual(brief(planPool(wanted, [], 0).actions), ['spawn 1', 'spawn 2']);
    assert.deepEqual(brief(planPool(wanted, [worker(2, 'ready')], 0).actions), ['spawn 1']);
    assert.deepEqual(brief(planPool(wanted, [worker(1, 'ended'), worker(2, 'starting')], 0).actions), ['spawn 1']);
  });

  it('plans nothing for a pool that is as wanted', () => {
    assert.deepEqual(planPool(wanted, [worker(1, 'ready'), worker(2, 'starting')], 5), { actions: [], nextMs: null });
  });

  it('waits for a backoff to be over, and not longer', () => {
    const pool = [worker(1, 'ready'), worker(2, 'backoff', { dueMs: 500 })];
    assert.deepEqual(planPool(wanted, pool, 499), { actions: [], nextMs: 500 });
    assert.deepEqual(brief(planPool(wanted, pool, 500).actions), ['spawn 2']);
  });

  it('stops whoever is too many before it spawns anybody, and forgets those that ended', () => {
    const pool = [worker(5, 'ready'), worker(4, 'starting'), worker(3, 'backoff'), worker(6, 'ended')];
    const { actions } = planPool(wanted, pool, 0);
    assert.deepEqual(brief(actions), ['stop 5', 'stop 4', 'stop 3', 'forget 6', 'spawn 1', 'spawn 2']);
  });

  it('kills a worker that does not end within stop-timeout, and again each second', () => {
    const none = { ...wanted, processes: 0 };
    const at = (nowMs: number, killedMs: number | null): unknown => {
      const { actions, nextMs } = planPool(none, [worker(1, 'stopping', { sinceMs: 100, killedMs })], nowMs);
      return [brief(actions), nextMs];
    };
    assert.deepEqual(at(1099, null), [[], 1100]);
    assert.deepEqual(at(1100, null), [['kill 1'], 1100 + killAgainMs]);
    assert.deepEqual(at(1101, 1100), [[], 1100 + killAgainMs]);
    assert.deepEqual(at(1100 + killAgainMs, 1100), [['kill 1'], 1100 + 2 * killAgainMs]);
  });

  it('ends a worker that is not ready in time, but for those by which the emperor judges the instance', () => {
    const pool = [worker(1, 'ready'), worker(2, 'starting', { sinceMs: 10 })];
    assert.deepEqual(planPool(wanted, pool, 1e9), { actions: [], nextMs: null });
    const limited = { ...wanted, trial: 1 };
    assert.deepEqual(planPool(limited, pool, 309), { actions: [], nextMs: 310 });
    assert.deepEqual(brief(planPool(limited, pool, 310).actions), ['end-overdue 2']);
    assert.deepEqual(brief(planPool({ ...limited, processes: 1 }, pool, 310).actions), ['stop 2']);
  });
});

describe('a worker that died', () => {
  it('comes back at once the first time, then after 250 ms doubled each time up to 30 s', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 8, 9, 50, 5000].map((deaths) => respawnDelayMs(deaths, 0)),
      [0, 250, 500, 1000, 16_000, 30_000, 30_000, 30_000],
    );
  });

  it('comes back up to a quarter earlier by chance, never later', () => {
    assert.equal(respawnDelayMs(2, 1), 188);
    assert.equal(respawnDelayMs(50, 1), 22_500);
  });
});

describe('the life of a worker', () => {
  const events: readonly WorkerEvent[] = ['spawned', 'proved', 'told-to-stop', 'exited'];

  it('once told to stop leads to its end, whatever else happens', () => {
    for (const event of events) {
      const next = nextPhase('stopping', event);
      assert.ok(next === 'impossible' || next === 'stopping' || next === 'ended', `${event} -> ${next}`);
    }
    assert.equal(nextPhase('stopping', 'exited'), 'ended');
    assert.equal(nextPhase('backoff', 'told-to-stop'), 'ended');
  });

  it('has a process only where one was spawned: nothing exits or proves ready without', () => {
    for (const phase of ['backoff', 'ended'] as const) {
      assert.equal(nextPhase(phase, 'exited'), 'impossible');
      assert.equal(nextPhase(phase, 'proved'), 'impossible');
    }
  });

  it('goes through backoff before every start but the first', () => {
    assert.equal(nextPhase('starting', 'exited'), 'backoff');
    assert.equal(nextPhase('ready', 'exited'), 'backoff');
    assert.equal(nextPhase('backoff', 'spawned'), 'starting');
  });
});
