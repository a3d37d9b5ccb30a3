// The targets of one app and the requests that wait for one. Picking a target and counting the request on it is one
// synchronous step, so that a drain can never slip between. Pure: time is an argument.
import type { AppRoute } from '../../lib/messages.ts';
import { RetryBudget } from './retry.ts';
import { selectTarget } from './selection.ts';
import type { Target } from './target.ts';

/** Why a request is not given a target. `down` carries the emperor's reason. */
export interface PoolRefusal {
  readonly kind: 'queue-full' | 'queue-timeout' | 'down' | 'removed';
  readonly reason: string;
}

/** A request that wants a target. Exactly one of both is called, once, unless it abandons the wait. */
export interface Waiter {
  onLease(lease: Lease): void;
  onRefusal(refusal: PoolRefusal): void;
}

/** One request's hold on a target. */
export class Lease {
  readonly target: Target;
  readonly #pool: Pool;
  #isHeld = true;

  constructor(pool: Pool, target: Target) {
    this.#pool = pool;
    this.target = target;
  }

  /** Gives the target back; a second call does nothing. */
  release(nowMs: number): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#pool.onRelease(this.target, nowMs);
  }
}

const removed: PoolRefusal = { kind: 'removed', reason: 'the app was removed' };

export interface PoolEvents {
  /** A target that no route table lists any more holds no request now. */
  onRetired(target: Target): void;
}

export class Pool {
  readonly name: string;
  readonly budget = new RetryBudget();
  #route: AppRoute;
  #targets: readonly Target[] = [];
  /** Where the turn among equally busy targets begins. */
  #turn = 0;
  #isRemoved = false;
  requests = 0;
  /** Requests whose target refused the connection: they were first once, so they go first again. */
  readonly #returned = new Map<Waiter, number>();
  /** Each with the time at which it is refused (clock.nowMs), in the order they came. */
  readonly #queue = new Map<Waiter, number>();
  readonly #events: PoolEvents;

  constructor(route: AppRoute, events: PoolEvents) {
    this.name = route.name;
    this.#route = route;
    this.#events = events;
  }

  get route(): AppRoute {
    return this.#route;
  }

  get targets(): readonly Target[] {
    return this.#targets;
  }

  /** Requests that wait now. */
  get queued(): number {
    return this.#queue.size + this.#returned.size;
  }

  /** Nothing serves the app and nothing is to come. */
  get isDown(): boolean {
    return this.#targets.length === 0 && !this.#route.hold;
  }

  /** Takes over a new table's route; who waits is served by it, or refused where nothing will come. */
  update(route: AppRoute, targets: readonly Target[], nowMs: number): void {
    this.#route = route;
    this.#targets = targets;
    if (this.isDown) this.#refuseAll({ kind: 'down', reason: route.reason });
    else this.grant(nowMs);
  }

  /** The app left the table for good: nobody will serve who waits, nor who asks later. */
  remove(): void {
    this.#targets = [];
    this.#isRemoved = true;
    this.#refuseAll(removed);
  }

  /** A lease at once, `waiting` (the waiter is called later), or a refusal. */
  acquire(waiter: Waiter, nowMs: number): Lease | 'waiting' | PoolRefusal {
    this.requests++;
    this.budget.earn();
    // A request may have found the pool in an earlier table and held its body since.
    if (this.#isRemoved) return removed;
    return this.#acquire(waiter, nowMs, nowMs + this.#route.queueTimeoutMs);
  }

  /** As acquire, for a request whose first target did not take it; it may wait until `deadlineMs`. */
  acquireAgain(waiter: Waiter, nowMs: number, deadlineMs: number): Lease | 'waiting' | PoolRefusal {
    if (this.#isRemoved) return removed;
    if (this.isDown) return { kind: 'down', reason: this.#route.reason };
    if (deadlineMs <= nowMs) return { kind: 'queue-timeout', reason: 'no worker took the request in time' };
    const lease = this.#select(nowMs);
    if (lease !== undefined) return lease;
    return this.#enqueue(this.#returned, waiter, deadlineMs);
  }

  /** The waiter wants nothing any more. */
  abandon(waiter: Waiter): void {
    if (!this.#returned.delete(waiter)) this.#queue.delete(waiter);
  }

  /** Hands free targets to who waits, in order. */
  grant(nowMs: number): void {
    for (;;) {
      const queue = this.#returned.size > 0 ? this.#returned : this.#queue;
      if (queue.size === 0) return;
      const lease = this.#select(nowMs);
      if (lease === undefined) return;
      for (const waiter of queue.keys()) {
        queue.delete(waiter);
        waiter.onLease(lease);
        break;
      }
    }
  }

  /** Refuses who has waited too long. */
  expire(nowMs: number): void {
    for (const queue of [this.#returned, this.#queue]) {
      for (const [waiter, deadlineMs] of queue) {
        if (deadlineMs > nowMs) continue;
        queue.delete(waiter);
        waiter.onRefusal({ kind: 'queue-timeout', reason: 'no worker became free in time' });
      }
    }
  }

  /** Called by the lease. */
  onRelease(target: Target, nowMs: number): void {
    target.inFlight--;
    if (!target.isListed && target.inFlight === 0) this.#events.onRetired(target);
    if (this.queued > 0) this.grant(nowMs);
  }

  #acquire(waiter: Waiter, nowMs: number, deadlineMs: number): Lease | 'waiting' | PoolRefusal {
    if (this.queued > 0) this.grant(nowMs);
    if (this.queued === 0) {
      const lease = this.#select(nowMs);
      if (lease !== undefined) return lease;
    }
    if (this.isDown) return { kind: 'down', reason: this.#route.reason };
    return this.#enqueue(this.#queue, waiter, deadlineMs);
  }

  #enqueue(queue: Map<Waiter, number>, waiter: Waiter, deadlineMs: number): 'waiting' | PoolRefusal {
    if (this.queued >= this.#route.queue) return { kind: 'queue-full', reason: 'too many requests wait for this app' };
    queue.set(waiter, deadlineMs);
    return 'waiting';
  }

  #select(nowMs: number): Lease | undefined {
    const targets = this.#targets;
    const index = selectTarget(targets, { from: this.#turn, maxConcurrency: this.#route.maxConcurrency, nowMs });
    const target = targets[index];
    if (target === undefined) return undefined;
    this.#turn = (index + 1) % targets.length;
    target.inFlight++;
    target.requests++;
    return new Lease(this, target);
  }

  #refuseAll(refusal: PoolRefusal): void {
    const waiters = [...this.#returned.keys(), ...this.#queue.keys()];
    this.#returned.clear();
    this.#queue.clear();
    for (const waiter of waiters) waiter.onRefusal(refusal);
  }
}
