// Targets that take only so many requests at a time.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poolWorld as world, targetRoutes as targets, TestWaiter } from '../harness/pool-world.ts';

describe('a pool', () => {
  it('gives no target more than its capacity, and who waits to the one that is free first', () => {
    const { publish, pool } = world();
    const full = targets('app/1/1', 'app/1/2').map((target, i) => ({ ...target, capacity: i + 1 }));
    publish({ targets: full, queue: 10 });
    const running = [1, 2, 3].map(() => new TestWaiter().acquire(pool()));
    const waiting = [1, 2].map(() => new TestWaiter().acquire(pool()));
    const loads = (): number[] => pool().targets.map(({ inFlight }) => inFlight);
    assert.deepEqual(loads(), [1, 2]);
    const second = running.find(({ lease }) => lease?.target.key === 'app/1/2');
    second?.lease?.release(0);
    assert.deepEqual([waiting[0]?.lease?.target.key, waiting[1]?.outcome()], ['app/1/2', 'waiting']);
    publish({ targets: full.map((target) => ({ ...target, capacity: null })) });
    assert.deepEqual(
      [waiting[1]?.outcome(), loads()],
      ['leased', [2, 2]],
      'a new table may widen it, and serves who waits',
    );
  });

  it('keeps to capacities among unequal weights, and for a request that lost its target', () => {
    const { publish, pool } = world();
    const heavy = targets('app/1/1', 'app/1/2').map((target, i) => ({ ...target, capacity: 1, weight: i + 1 }));
    publish({ targets: heavy, queue: 10 });
    const running = [1, 2].map(() => new TestWaiter().acquire(pool()));
    assert.deepEqual(running.map((waiter) => waiter.lease?.target.key).sort(), ['app/1/1', 'app/1/2']);
    assert.equal(new TestWaiter().acquire(pool()).outcome(), 'waiting');
    const avoided = running[0]?.lease?.target;
    running[0]?.lease?.release(0);
    assert.equal(pool().acquireAgain(new TestWaiter(), 0, { deadlineMs: 1000, avoided }), 'waiting');
  });

  it('hands nothing over to a target with a capacity, or one that speaks no HTTP', () => {
    const { publish, pool } = world();
    const [target] = targets('app/1/1');
    assert.ok(target !== undefined);
    const listed = { ...target, handoff: '/handoff.sock' };
    const handoffOf = (more: Partial<typeof listed & { protocol: 'gateway'; capacity: number }>): unknown => {
      publish({ targets: [{ ...listed, ...more }] });
      return pool().targets[0]?.handoff;
    };
    assert.equal(handoffOf({}), '/handoff.sock');
    assert.equal(handoffOf({ protocol: 'gateway' }), null);
    assert.equal(handoffOf({ capacity: 1 }), null);
  });

  it('takes a target of which an emperor of an older build said neither protocol nor capacity for HTTP without bound', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1') });
    const [target] = pool().targets;
    assert.deepEqual([target?.isGateway, target?.capacity], [false, Infinity]);
  });
});
