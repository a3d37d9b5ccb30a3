// What holds of an app's pool for every order of events: tables come, requests come and go, targets fail and return.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AppRoute } from '../../lib/routes.ts';
import { Apps } from '../../router/core/apps.ts';
import { Lease } from '../../router/core/lease.ts';
import type { Pool } from '../../router/core/pool.ts';
import type { PoolRefusal, Waiter } from '../../router/core/waiting-line.ts';

class Client implements Waiter {
  readonly fraction: number;
  lease: Lease | undefined;
  refusal: PoolRefusal | undefined;
  calls = 0;

  constructor(fraction: number) {
    this.fraction = fraction;
  }

  onLease(lease: Lease): void {
    this.calls++;
    this.lease = lease;
  }

  onRefusal(refusal: PoolRefusal): void {
    this.calls++;
    this.refusal = refusal;
  }
}

const acts = ['acquire', 'release', 'abandon', 'refuse', 'answer', 'reach'] as const;
type Act = (typeof acts)[number];
type Step = readonly [Act, number] | readonly ['publish', Table];

/** Workers of the live generation and, where `share` is not null, of a newer one. */
interface Table {
  readonly generation: number;
  readonly workers: number;
  readonly nextWorkers: number;
  readonly share: number | null;
}

describe('pools, whatever happens in whatever order', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(fc.constantFrom(...acts), fc.nat()),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constant('publish'),
        fc.record({
          generation: fc.nat({ max: 3 }),
          workers: fc.nat({ max: 3 }),
          nextWorkers: fc.nat({ max: 2 }),
          share: fc.constantFrom(null, 0, 0.3, 0.7, 1),
        }),
      ),
    },
  );

  it('never exceed the limits, never lose or double a lease, never let one wait for whom a target is free, and are idle when all is released', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const run = new PoolRun();
        for (const [index, taken] of steps.entries()) run.take(taken, index);
        run.finish();
      }),
      { numRuns: 500 },
    );
  });
});

/** Drives one app's pool and keeps book beside it. */
class PoolRun {
  readonly #apps = new Apps({ onBusyChange: () => undefined, onUnlisted: () => undefined });
  readonly #clients: Client[] = [];
  #version = 0;
  #share: number | null = null;
  readonly #queue = 3;
  readonly #maxConcurrency = 2;

  constructor() {
    this.#publish({ generation: 1, workers: 2, nextWorkers: 0, share: null });
  }

  take([kind, what]: Step, nowMs: number): void {
    if (kind === 'publish') this.#publish(what);
    else this.#act(kind, what, nowMs);
    this.#check(nowMs);
  }

  finish(): void {
    this.#publish({ generation: 1, workers: 1, nextWorkers: 0, share: null });
    for (
      let nowMs = 1000;
      this.#clients.some(({ lease, calls }) => lease !== undefined || calls === 0);
      nowMs += 1000
    ) {
      assert.ok(nowMs < 100_000, 'everyone is served or refused in the end');
      for (const client of this.#clients) this.#release(client, nowMs);
      this.#apps.expire(nowMs);
    }
    assert.deepEqual(this.#apps.busy(), []);
    assert.equal(this.#apps.queued, 0);
    for (const { workers } of this.#apps.stats()) for (const { inFlight } of workers) assert.equal(inFlight, 0);
  }

  #act(kind: Act, n: number, nowMs: number): void {
    const held = this.#clients.filter(({ lease }) => lease !== undefined);
    const client = held[n % Math.max(1, held.length)];
    const { target, epoch } = client?.lease ?? { target: undefined, epoch: -1 };
    const act: Record<Act, () => unknown> = {
      acquire: () => {
        this.#acquire((n % 100) / 100, nowMs);
      },
      release: () => {
        this.#release(client, nowMs);
      },
      abandon: () => {
        this.#abandon(n);
      },
      refuse: () => target?.health.fail(epoch, 'refused', nowMs),
      answer: () => target?.health.answer(epoch),
      reach: () => {
        this.#pool().targets[n % 3]?.health.probe(true);
      },
    };
    act[kind]();
  }

  #abandon(n: number): void {
    const waiting = this.#clients.filter((waiter) => waiter.calls === 0);
    const abandoned = waiting[n % Math.max(1, waiting.length)];
    if (abandoned === undefined) return;
    this.#pool().abandon(abandoned);
    abandoned.calls = 1;
  }

  #acquire(fraction: number, nowMs: number): void {
    const client = new Client(fraction);
    this.#clients.push(client);
    const result = this.#pool().acquire(client, nowMs);
    if (result === 'waiting') return;
    if (result instanceof Lease) client.onLease(result);
    else client.onRefusal(result);
  }

  #release(client: Client | undefined, nowMs: number): void {
    const lease = client?.lease;
    if (client === undefined || lease === undefined) return;
    client.lease = undefined;
    lease.release(nowMs);
  }

  #publish({ generation, workers, nextWorkers, share }: Table): void {
    this.#share = share;
    const rules = {
      queue: this.#queue,
      maxConcurrency: this.#maxConcurrency,
      handoff: false,
      queueTimeoutMs: 50_000,
      limitPost: 0,
      next: share === null ? null : { targets: targetsOf(generation + 1, nextWorkers), share },
      drainMs: 0,
    };
    const targets = targetsOf(generation, workers);
    const app = { name: 'app', domains: ['*'], targets, hold: true, reason: '', ...rules };
    this.#apps.publish({ type: 'routes', version: ++this.#version, apps: [app] }, 0);
  }

  #pool(): Pool {
    const pool = this.#apps.find('any', '/')?.app;
    assert.ok(pool !== undefined);
    return pool;
  }

  #check(nowMs: number): void {
    const pool = this.#pool();
    pool.grant(nowMs);
    assert.ok(pool.queued <= this.#queue);
    this.#checkWaiting(nowMs);
    const held = this.#clients.flatMap(({ lease }) => (lease === undefined ? [] : [lease]));
    assert.equal(new Set(held).size, held.length);
    for (const target of pool.targets) {
      assert.equal(target.inFlight, held.filter((lease) => lease.target === target).length);
      assert.ok(target.inFlight <= this.#most(target));
    }
    for (const { calls } of this.#clients) assert.ok(calls <= 1, 'nobody is called twice');
    const busy = new Set(held.map(({ target }) => target.key));
    for (const { key } of pool.targets) busy.delete(key);
    assert.deepEqual(new Set(this.#apps.busy()), busy);
  }

  #checkWaiting(nowMs: number): void {
    const { liveTargets, targets } = this.#pool();
    const next = targets.slice(liveTargets.length);
    for (const { fraction } of this.#clients.filter(({ calls }) => calls === 0)) {
      const isMovedOn = liveTargets.length === 0 && next.length > 0;
      const isNext = this.#share !== null && (fraction < this.#share || isMovedOn);
      for (const target of isNext ? next : liveTargets) {
        const isFull = target.inFlight === this.#most(target);
        assert.ok(isFull || target.suspendedUntilMs > nowMs, 'nobody waits beside a free target');
      }
    }
  }

  #most({ capacity }: { readonly capacity: number }): number {
    return Math.min(this.#maxConcurrency, capacity);
  }
}

function targetsOf(generation: number, workers: number): AppRoute['targets'] {
  return Array.from({ length: workers }, (_, i) => ({
    key: `app/${generation}/${i}`,
    address: `unix:/${generation}/${i}`,
    weight: 1 + (i % 2),
    handoff: null,
    capacity: i === 1 ? 1 : null,
  }));
}
