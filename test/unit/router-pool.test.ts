// Leases, queue and drain of an app's pool, with time in the test's hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppRoute } from '../../lib/routes.ts';
import { Lease } from '../../router/core/lease.ts';
import type { Pool } from '../../router/core/pool.ts';
import { faultsToEject } from '../../router/core/target-health.ts';
import { targetRoutes as targets, TestWaiter, poolWorld as world } from '../harness/pool-world.ts';

/** Its only target loses one request after the other. */
function eject(pool: Pool): void {
  for (let i = 0; i < faultsToEject; i++) {
    const { lease } = new TestWaiter().acquire(pool);
    lease?.target.health.fail(lease.epoch, 'lost', 0);
    lease?.release(0);
  }
  assert.equal(pool.targets[0]?.health.state, 'ejected');
}

describe('a pool', () => {
  it('gives a lease at once while a target has room, then lets wait in order, then refuses', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), maxConcurrency: 1 });
    const [first, second, third, fourth] = [1, 2, 3, 4].map(() => new TestWaiter().acquire(pool()));
    const outcomes = (): (string | undefined)[] => [first, second, third, fourth].map((waiter) => waiter?.outcome());
    assert.deepEqual(outcomes(), ['leased', 'waiting', 'waiting', 'queue-full']);
    first?.lease?.release(5);
    assert.deepEqual(outcomes(), ['leased', 'leased', 'waiting', 'queue-full']);
    second?.lease?.release(6);
    assert.deepEqual(outcomes(), ['leased', 'leased', 'leased', 'queue-full']);
  });

  it('counts a lease that is released twice once', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), maxConcurrency: 1 });
    const { lease } = new TestWaiter().acquire(pool());
    lease?.release(0);
    lease?.release(0);
    assert.equal(lease?.target.inFlight, 0);
  });

  it('refuses who waited queue-timeout', () => {
    const { publish, pool, apps } = world();
    publish({ hold: true });
    const early = new TestWaiter().acquire(pool(), 0);
    const late = new TestWaiter().acquire(pool(), 500);
    apps.expire(999);
    assert.equal(early.outcome(), 'waiting');
    apps.expire(1000);
    assert.deepEqual([early.outcome(), late.outcome()], ['queue-timeout', 'waiting']);
    assert.equal(apps.queued, 1);
  });

  it('with a queue of 0 lets nobody wait', () => {
    const { publish, pool } = world();
    publish({ hold: true, queue: 0 });
    assert.equal(new TestWaiter().acquire(pool()).outcome(), 'queue-full');
  });

  it('forgets who abandons the wait', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), maxConcurrency: 1 });
    const running = new TestWaiter().acquire(pool());
    const waiting = new TestWaiter().acquire(pool());
    pool().abandon(waiting);
    running.lease?.release(0);
    assert.equal(waiting.outcome(), 'waiting');
    assert.equal(pool().targets[0]?.inFlight, 0);
  });

  it('lets a request whose target refused it go before those that came later', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), maxConcurrency: 1 });
    const first = new TestWaiter().acquire(pool());
    const later = new TestWaiter().acquire(pool());
    const { lease } = first;
    assert.equal(lease?.target.health.fail(lease.epoch, 'refused', 0), 'suspended');
    first.lease = undefined;
    lease.release(0);
    assert.equal(later.outcome(), 'waiting', 'a suspended target is given nothing');
    assert.equal(pool().acquireAgain(first, 0, { deadlineMs: 1000, avoided: lease.target }), 'waiting');
    pool().grant(10_000);
    assert.deepEqual([first.outcome(), later.outcome()], ['leased', 'waiting']);
  });

  it('gives a request that one target lost to another one, and to the same where there is no other', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1', 'app/1/2') });
    for (let i = 0; i < 4; i++) {
      const first = new TestWaiter().acquire(pool()).lease;
      assert.ok(first !== undefined);
      first.release(0);
      const again = pool().acquireAgain(new TestWaiter(), 0, { deadlineMs: 1000, avoided: first.target });
      assert.ok(again instanceof Lease && again.target !== first.target);
      again.release(0);
    }
    publish({ targets: targets('app/1/1') });
    const only = pool().targets[0];
    const again = pool().acquireAgain(new TestWaiter(), 0, { deadlineMs: 1000, avoided: only });
    assert.ok(again instanceof Lease && again.target === only);
  });

  it('gives a target that returns from its ejection one request at a time until one is answered', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), queue: 3 });
    eject(pool());
    const [trial, second, third] = [1, 2, 3].map(() => new TestWaiter().acquire(pool()));
    assert.deepEqual(
      [trial, second, third].map((waiter) => waiter?.outcome()),
      ['waiting', 'waiting', 'waiting'],
    );
    const target = pool().targets[0];
    target?.health.probe(true);
    pool().grant(0);
    assert.deepEqual(
      [trial, second, third].map((waiter) => waiter?.outcome()),
      ['leased', 'waiting', 'waiting'],
    );
    trial?.lease?.release(0);
    assert.deepEqual(
      [second, third].map((waiter) => waiter?.outcome()),
      ['leased', 'waiting'],
      'without an outcome the next one tries',
    );
    assert.equal(target?.health.answer(second?.lease?.epoch ?? -1), true);
    pool().grant(0);
    assert.equal(third?.outcome(), 'leased');
  });
});

describe('an app that tries a newer generation', () => {
  const next = (share: number, ...keys: string[]): AppRoute['next'] => ({ share, targets: targets(...keys) });
  const served = (waiter: TestWaiter): string | undefined => waiter.lease?.target.instance;

  it('serves the clients below the share by it, and keeps them there while the share grows', () => {
    const { publish, pool } = world();
    const fractions = [0, 0.049, 0.05, 0.3, 0.9999];
    const sides = (share: number): (string | undefined)[] => {
      publish({ targets: targets('app/1/1'), next: next(share, 'app/2/1') });
      return fractions.map((fraction) => {
        const waiter = new TestWaiter(fraction).acquire(pool());
        waiter.lease?.release(0);
        return served(waiter);
      });
    };
    const [old, fresh] = ['app/1', 'app/2'];
    assert.deepEqual(sides(0), [old, old, old, old, old]);
    assert.deepEqual(sides(0.05), [fresh, fresh, old, old, old]);
    assert.deepEqual(sides(0.31), [fresh, fresh, fresh, fresh, old]);
    assert.deepEqual(sides(1), [fresh, fresh, fresh, fresh, fresh]);
  });

  it('lets clients of the newer generation wait while it lists nobody, and moves others on where the older does', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), next: next(0.5, ...[]) });
    const waiting = new TestWaiter(0.1).acquire(pool());
    assert.deepEqual([waiting.outcome(), served(new TestWaiter(0.9).acquire(pool()))], ['waiting', 'app/1']);
    publish({ targets: targets('app/1/1'), next: next(0.5, 'app/2/1') });
    assert.equal(served(waiting), 'app/2');
    publish({ targets: [], next: next(0, 'app/2/1') });
    assert.equal(served(new TestWaiter(0.9).acquire(pool())), 'app/2');
    publish({ targets: [], next: next(0.5), reason: 'gone' });
    assert.equal(new TestWaiter(0.9).acquire(pool()).outcome(), 'down');
  });

  it('lets nobody wait behind clients of the other side, and bounds the queue over both', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1'), next: next(0.5, 'app/2/1'), maxConcurrency: 1, queue: 2 });
    const busy = new TestWaiter(0).acquire(pool());
    const waiting = new TestWaiter(0).acquire(pool());
    const other = new TestWaiter(0.9).acquire(pool());
    assert.deepEqual([served(busy), waiting.outcome(), served(other)], ['app/2', 'waiting', 'app/1']);
    const otherWaiting = new TestWaiter(0.9).acquire(pool());
    assert.equal(pool().queued, 2);
    assert.equal(new TestWaiter(0.9).acquire(pool()).outcome(), 'queue-full');
    other.lease?.release(0);
    assert.deepEqual([served(otherWaiting), waiting.outcome()], ['app/1', 'waiting']);
    busy.lease?.release(0);
    assert.equal(served(waiting), 'app/2');
  });

  it('refuses who waited queue-timeout on either side', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1'), next: next(0.5, 'app/2/1'), maxConcurrency: 1, queue: 4 });
    const waiters = [0.1, 0.9, 0.1, 0.9].map((fraction) => new TestWaiter(fraction).acquire(pool()));
    const outcomes = (): string[] => waiters.map((waiter) => waiter.outcome());
    apps.expire(999);
    assert.deepEqual(outcomes(), ['leased', 'leased', 'waiting', 'waiting']);
    apps.expire(1000);
    assert.deepEqual(outcomes(), ['leased', 'leased', 'queue-timeout', 'queue-timeout']);
  });

  it('puts who waits into the line of the side that a new table makes theirs, in the order they came', () => {
    const { publish, pool } = world();
    const table = { targets: targets('app/1/1'), maxConcurrency: 1, queue: 10 };
    publish({ ...table, next: next(0.5, 'app/2/1') });
    const running = [0.1, 0.9].map((fraction) => new TestWaiter(fraction).acquire(pool()));
    const waiting = [0.2, 0.8, 0.3, 0.7].map((fraction, index) => new TestWaiter(fraction).acquire(pool(), index));
    publish({ ...table, targets: targets('app/2/1') });
    const order: number[] = [];
    for (let held = running[0]; held !== undefined;) {
      held.lease?.release(5);
      held = waiting.find((waiter, index) => waiter.outcome() === 'leased' && !order.includes(index));
      if (held !== undefined) order.push(waiting.indexOf(held));
    }
    assert.deepEqual(order, [0, 1, 2, 3]);
    assert.deepEqual(new Set(waiting.map(served)), new Set(['app/2']));
  });

  it('gives a request that is sent again to the side of its client', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1', 'app/1/2'), next: next(0.5, 'app/2/1') });
    const waiter = new TestWaiter(0.1).acquire(pool());
    waiter.lease?.release(0);
    const again = pool().acquireAgain(waiter, 0, { deadlineMs: 1000, avoided: waiter.lease?.target });
    assert.ok(again instanceof Lease);
    assert.equal(again.target.instance, 'app/2');
  });
});

describe('a new route table', () => {
  it('keeps the state of targets that both tables list', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1') });
    const { lease } = new TestWaiter().acquire(pool());
    publish({ targets: targets('app/1/1', 'app/1/2') });
    assert.equal(pool().targets[0], lease?.target);
    assert.equal(pool().targets[0]?.inFlight, 1);
  });

  it('tells which targets still hold requests, until the last one ends', () => {
    const { publish, pool, apps, events } = world();
    publish({ targets: targets('app/1/1', 'app/1/2') });
    const leases = [1, 2].map(() => new TestWaiter().acquire(pool()).lease);
    publish({ targets: targets('app/2/1') });
    assert.deepEqual(apps.busy(), ['app/1/1', 'app/1/2']);
    assert.deepEqual(events, ['unlisted app/1/1', 'unlisted app/1/2']);
    leases[0]?.release(0);
    assert.deepEqual(apps.busy(), ['app/1/2']);
    leases[1]?.release(0);
    assert.deepEqual(apps.busy(), []);
    assert.deepEqual(events.slice(2), ['busy', 'busy']);
  });

  it('calls a single worker busy that left a living instance', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1', 'app/1/2') });
    const leases = [1, 2].map(() => new TestWaiter().acquire(pool()).lease);
    publish({ targets: targets('app/1/1') });
    assert.deepEqual(apps.busy(), ['app/1/2']);
    for (const lease of leases) lease?.release(0);
    assert.deepEqual(apps.busy(), []);
  });

  it('lists no target as busy that a newer generation beside the live one has', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1') });
    const { lease } = new TestWaiter().acquire(pool());
    publish({ targets: targets('app/2/1'), next: { targets: targets('app/1/1'), share: 0 } });
    assert.deepEqual(apps.busy(), []);
    publish({ targets: targets('app/2/1') });
    assert.deepEqual(apps.busy(), ['app/1/1']);
    lease?.release(0);
  });

  it('takes a target back that it lists again, with what it holds', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1') });
    const { lease } = new TestWaiter().acquire(pool());
    publish({ targets: [], hold: true });
    assert.deepEqual(apps.busy(), ['app/1/1']);
    publish({ targets: targets('app/1/1') });
    assert.equal(pool().targets[0], lease?.target);
    assert.deepEqual(apps.busy(), []);
  });

  it('serves who waited; refuses who waits for what will not come', () => {
    const { publish, pool } = world();
    publish({ hold: true });
    const served = new TestWaiter().acquire(pool());
    publish({ targets: targets('app/1/1') });
    assert.equal(served.lease?.target.key, 'app/1/1');
    publish({ hold: true });
    const refused = new TestWaiter().acquire(pool());
    publish({ reason: 'it cannot load' });
    assert.deepEqual(refused.refusal, { kind: 'down', reason: 'it cannot load' });
    publish({ hold: true });
    const removed = new TestWaiter().acquire(pool());
    publish();
    assert.equal(removed.outcome(), 'removed');
  });
});

describe('an app that is removed', () => {
  it('refuses a request that found it in an earlier table', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1') });
    const found = pool();
    const running = new TestWaiter().acquire(found);
    publish();
    assert.equal(new TestWaiter().acquire(found).outcome(), 'removed');
    running.lease?.release(0);
    const again = found.acquireAgain(new TestWaiter(), 0, { deadlineMs: 1000, avoided: undefined });
    assert.ok(typeof again === 'object' && 'kind' in again && again.kind === 'removed');
  });
});
