// Leases, queue and drain of an app's pool, with time in the test's hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppRoute } from '../../lib/messages.ts';
import { Apps } from '../../router/core/apps.ts';
import { Lease, type Pool, type PoolRefusal, type Waiter } from '../../router/core/pool.ts';
import { route } from '../harness/router-process.ts';

class TestWaiter implements Waiter {
  lease: Lease | undefined;
  refusal: PoolRefusal | undefined;

  onLease(lease: Lease): void {
    this.lease = lease;
  }

  onRefusal(refusal: PoolRefusal): void {
    this.refusal = refusal;
  }

  outcome(): string {
    return this.lease === undefined ? (this.refusal?.kind ?? 'waiting') : 'leased';
  }

  /** Acquires, and keeps whatever comes of it. */
  acquire(pool: Pool, nowMs = 0): this {
    const result = pool.acquire(this, nowMs);
    if (result instanceof Lease) this.lease = result;
    else if (result !== 'waiting') this.refusal = result;
    return this;
  }
}

interface World {
  readonly apps: Apps;
  readonly events: string[];
  readonly publish: (...routes: Partial<AppRoute>[]) => void;
  readonly pool: () => Pool;
}

function world(): World {
  const events: string[] = [];
  const apps = new Apps({
    onBusyChange: () => events.push('busy'),
    onUnlisted: ({ key }) => events.push(`unlisted ${key}`),
  });
  let version = 0;
  return {
    apps,
    events,
    publish: (...routes) => {
      apps.publish({ type: 'routes', version: ++version, apps: routes.map(routeOf) }, 0);
    },
    pool: () => {
      const pool = apps.find('a.test', '/');
      assert.ok(pool !== undefined);
      return pool;
    },
  };
}

const routeOf = (app: Partial<AppRoute>): AppRoute => route({ queue: 2, queueTimeoutMs: 1000, ...app });

const targets = (...keys: string[]): AppRoute['targets'] =>
  keys.map((key) => ({ key, address: `unix:/${key}`, weight: 1 }));

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
    first.lease?.target.suspend(0);
    const { lease } = first;
    first.lease = undefined;
    lease?.release(0);
    assert.equal(later.outcome(), 'waiting', 'a suspended target is given nothing');
    assert.equal(pool().acquireAgain(first, 0, 1000), 'waiting');
    pool().grant(10_000);
    assert.deepEqual([first.outcome(), later.outcome()], ['leased', 'waiting']);
  });

  it('leaves a target that refused alone for a while that grows, until it proves itself', () => {
    const { publish, pool } = world();
    publish({ targets: targets('app/1/1') });
    const target = pool().targets[0];
    assert.ok(target !== undefined);
    target.suspend(0);
    const firstPause = target.suspendedUntilMs;
    target.suspend(0);
    assert.ok(firstPause > 0 && target.suspendedUntilMs > firstPause);
    for (let i = 0; i < 100; i++) target.suspend(0);
    assert.ok(target.suspendedUntilMs <= 1000);
    target.prove();
    assert.equal(new TestWaiter().acquire(pool(), 0).outcome(), 'leased');
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

  it('tells which instances still hold requests, until the last one ends', () => {
    const { publish, pool, apps, events } = world();
    publish({ targets: targets('app/1/1', 'app/1/2') });
    const leases = [1, 2].map(() => new TestWaiter().acquire(pool()).lease);
    publish({ targets: targets('app/2/1') });
    assert.deepEqual(apps.busy(), ['app/1']);
    assert.deepEqual(events, ['unlisted app/1/1', 'unlisted app/1/2']);
    leases[0]?.release(0);
    assert.deepEqual(apps.busy(), ['app/1']);
    leases[1]?.release(0);
    assert.deepEqual(apps.busy(), []);
    assert.deepEqual(events.slice(2), ['busy', 'busy']);
  });

  it('does not call an instance busy of which it lists another worker', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1') });
    new TestWaiter().acquire(pool());
    publish({ targets: targets('app/1/2') });
    assert.deepEqual(apps.busy(), []);
  });

  it('takes a target back that it lists again, with what it holds', () => {
    const { publish, pool, apps } = world();
    publish({ targets: targets('app/1/1') });
    const { lease } = new TestWaiter().acquire(pool());
    publish({ targets: [], hold: true });
    assert.deepEqual(apps.busy(), ['app/1']);
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
    const again = found.acquireAgain(new TestWaiter(), 0, 1000);
    assert.ok(typeof again === 'object' && 'kind' in again && again.kind === 'removed');
  });
});
