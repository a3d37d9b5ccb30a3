// The targets of one app and the requests that wait for one. Picking a target and counting the request on it is one
// synchronous step, so that a drain can never slip between. Pure: time is an argument.
import type { AppRoute } from '../../lib/routes.ts';
import { Lease, type LeaseOwner } from './lease.ts';
import { RetryBudget } from './retry.ts';
import { RolloutTally } from './rollout-tally.ts';
import { Side } from './side.ts';
import type { Target } from './target.ts';
import type { Place, PoolRefusal, Waiter } from './waiting-line.ts';

const removed: PoolRefusal = { kind: 'removed', reason: 'the app was removed' };

export interface PoolEvents {
  /** A target that no route table lists any more holds nothing now. */
  onRetired(target: Target): void;
}

/** The targets that a table lists for an app. */
export interface ListedTargets {
  readonly live: readonly Target[];
  /** Of the newer generation that is tried; empty where none is. */
  readonly next: readonly Target[];
}

/** A request that is to have another target, or was promised to wait no longer than until then. */
export interface Renewal {
  readonly deadlineMs: number;
  /** The target that lost it: any other one is better. */
  readonly avoided: Target | undefined;
}

export class Pool implements LeaseOwner {
  readonly name: string;
  readonly budget = new RetryBudget();
  /** What is counted of each generation; undefined while no newer one is tried. */
  tally: RolloutTally | undefined;
  requests = 0;
  #route: AppRoute;
  #targets: readonly Target[] = [];
  readonly #live = new Side();
  /** Undefined while no newer generation is tried: then nothing is asked for its sake. */
  #next: Side | undefined;
  #isRemoved = false;
  readonly #events: PoolEvents;

  constructor(route: AppRoute, events: PoolEvents) {
    this.name = route.name;
    this.#route = route;
    this.#events = events;
  }

  get route(): AppRoute {
    return this.#route;
  }

  /** All that the table lists, of both generations. */
  get targets(): readonly Target[] {
    return this.#targets;
  }

  /** Those of the live generation. */
  get liveTargets(): readonly Target[] {
    return this.#live.targets;
  }

  /** Its workers speak the gateway protocol, as far as there are any. */
  get isGateway(): boolean {
    return this.#targets[0]?.isGateway === true;
  }

  /** Requests that wait now. */
  get queued(): number {
    return this.#live.line.size + (this.#next === undefined ? 0 : this.#next.line.size);
  }

  /** Nothing serves the app and nothing is to come. */
  get isDown(): boolean {
    return this.#targets.length === 0 && !this.#route.hold;
  }

  /** The app takes no body of so many bytes. */
  isTooLarge(bytes: number): boolean {
    return this.#route.limitPost > 0 && bytes > this.#route.limitPost;
  }

  /** Takes over a new table's route; who waits is served by it, or refused where nothing will come. */
  update(route: AppRoute, { live, next }: ListedTargets, nowMs: number): void {
    this.#route = route;
    this.#targets = route.next === null ? live : [...live, ...next];
    this.#live.update(live);
    if (route.next !== null || this.#next !== undefined) this.#updateNext(route.next === null ? undefined : next);
    if (this.isDown) this.#refuseAll({ kind: 'down', reason: route.reason });
    else this.grant(nowMs);
  }

  /** The app left the table for good: nobody will serve who waits, nor who asks later. */
  remove(): void {
    this.#targets = [];
    this.#live.update([]);
    this.#next?.update([]);
    this.tally = undefined;
    this.#isRemoved = true;
    this.#refuseAll(removed);
  }

  /** A lease at once, `waiting` (the waiter is called later), or a refusal. */
  acquire(waiter: Waiter, nowMs: number): Lease | 'waiting' | PoolRefusal {
    this.requests++;
    this.budget.earn();
    // A request may have found the pool in an earlier table and held its body since.
    if (this.#isRemoved) return removed;
    const side = this.#sideOf(waiter);
    if (side.line.size > 0) this.#grantSide(side, nowMs);
    if (side.line.size === 0) {
      const target = side.take(this.#route.maxConcurrency, nowMs);
      if (target !== undefined) return new Lease(this, target);
    }
    if (this.isDown) return { kind: 'down', reason: this.#route.reason };
    const deadlineMs = nowMs + this.#route.queueTimeoutMs;
    return this.#enqueue(side, { waiter, deadlineMs, isReturned: false });
  }

  /** As acquire, for a request whose first target did not take it, or lost it. */
  acquireAgain(waiter: Waiter, nowMs: number, { deadlineMs, avoided }: Renewal): Lease | 'waiting' | PoolRefusal {
    if (this.#isRemoved) return removed;
    if (this.isDown) return { kind: 'down', reason: this.#route.reason };
    if (deadlineMs <= nowMs) return { kind: 'queue-timeout', reason: 'no worker took the request in time' };
    const side = this.#sideOf(waiter);
    const target = side.takeOther(avoided, this.#route.maxConcurrency, nowMs);
    if (target !== undefined) return new Lease(this, target);
    return this.#enqueue(side, { waiter, deadlineMs, isReturned: true });
  }

  /** The waiter wants nothing any more. */
  abandon(waiter: Waiter): void {
    this.#live.line.remove(waiter);
    this.#next?.line.remove(waiter);
  }

  /** Hands free targets to who waits, in order. */
  grant(nowMs: number): void {
    this.#grantSide(this.#live, nowMs);
    if (this.#next !== undefined) this.#grantSide(this.#next, nowMs);
  }

  /** Refuses who has waited too long. */
  expire(nowMs: number): void {
    for (const side of [this.#live, this.#next]) {
      for (const waiter of side?.line.takeExpired(nowMs) ?? []) {
        waiter.onRefusal({ kind: 'queue-timeout', reason: 'no worker became free in time' });
      }
    }
  }

  /** Called by the lease. */
  onRelease({ target, epoch }: Lease, nowMs: number): void {
    target.inFlight--;
    target.health.release(epoch);
    if (!target.isListed && target.isFree) this.#events.onRetired(target);
    if (this.queued > 0) this.grant(nowMs);
  }

  /**
   * Who serves the client. Where the newer generation lists nobody for a moment its clients wait: an older answer after
   * a newer one is what they must not get, unless the table says so. The other way round nothing is lost.
   */
  #sideOf(waiter: Waiter): Side {
    const next = this.#next;
    if (next === undefined) return this.#live;
    if (waiter.fraction < (this.#route.next?.share ?? 0)) return next;
    return this.#live.targets.length === 0 && next.targets.length > 0 ? next : this.#live;
  }

  #grantSide(side: Side, nowMs: number): void {
    while (side.line.size > 0) {
      const target = side.take(this.#route.maxConcurrency, nowMs);
      if (target === undefined) return;
      side.line.shift()?.onLease(new Lease(this, target));
    }
  }

  #enqueue(side: Side, place: Place): 'waiting' | PoolRefusal {
    if (this.queued >= this.#route.queue) return { kind: 'queue-full', reason: 'too many requests wait for this app' };
    side.line.add(place);
    return 'waiting';
  }

  /** The newer generation's side comes, changes or goes; who waits stands in the line of the side that is now theirs. */
  #updateNext(targets: readonly Target[] | undefined): void {
    const places = [...this.#live.line.takeAll(), ...(this.#next?.line.takeAll() ?? [])];
    if (targets === undefined) {
      this.#next = undefined;
      this.tally = undefined;
    } else {
      this.#next ??= new Side();
      this.#next.update(targets);
      const instance = targets[0]?.instance;
      if (this.tally === undefined || (instance !== undefined && instance !== this.tally.next)) {
        this.tally = new RolloutTally(instance);
      }
    }
    // Two lines may become one: in the order in which they will be refused they came.
    places.sort((a, b) => a.deadlineMs - b.deadlineMs);
    for (const place of places) this.#sideOf(place.waiter).line.add(place);
  }

  #refuseAll(refusal: PoolRefusal): void {
    const places = [this.#live, this.#next].flatMap((side) => side?.line.takeAll() ?? []);
    for (const { waiter } of places) waiter.onRefusal(refusal);
  }
}
