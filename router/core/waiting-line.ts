// Who waits for one side of an app's targets, in the order they came. A request whose target did not take it was first
// once, so it goes first again. Pure.
import type { Lease } from './lease.ts';

/** Why a request is not given a target. `down` carries the emperor's reason. */
export interface PoolRefusal {
  readonly kind: 'queue-full' | 'queue-timeout' | 'down' | 'removed';
  readonly reason: string;
}

/** A request that wants a target. Exactly one of both is called, once, unless it abandons the wait. */
export interface Waiter {
  /** 0 … 1, the same for every request of a client connection: below the share of a newer generation, it is that one's. */
  readonly fraction: number;
  onLease(lease: Lease): void;
  onRefusal(refusal: PoolRefusal): void;
}

export interface Place {
  readonly waiter: Waiter;
  /** When it is refused (clock.nowMs). */
  readonly deadlineMs: number;
  /** A target did not take it. */
  readonly isReturned: boolean;
}

export class WaitingLine {
  readonly #returned = new Map<Waiter, number>();
  readonly #queue = new Map<Waiter, number>();

  get size(): number {
    return this.#queue.size + this.#returned.size;
  }

  add({ waiter, deadlineMs, isReturned }: Place): void {
    (isReturned ? this.#returned : this.#queue).set(waiter, deadlineMs);
  }

  remove(waiter: Waiter): void {
    if (!this.#returned.delete(waiter)) this.#queue.delete(waiter);
  }

  /** Takes out whose turn it is. */
  shift(): Waiter | undefined {
    const line = this.#returned.size > 0 ? this.#returned : this.#queue;
    for (const waiter of line.keys()) {
      line.delete(waiter);
      return waiter;
    }
    return undefined;
  }

  /** Takes out who has waited too long. */
  takeExpired(nowMs: number): Waiter[] {
    const expired: Waiter[] = [];
    for (const line of [this.#returned, this.#queue]) {
      for (const [waiter, deadlineMs] of line) {
        if (deadlineMs > nowMs) continue;
        line.delete(waiter);
        expired.push(waiter);
      }
    }
    return expired;
  }

  /** Takes out everyone, in order. */
  takeAll(): Place[] {
    const places = [this.#returned, this.#queue].flatMap((line) =>
      [...line].map(([waiter, deadlineMs]) => ({ waiter, deadlineMs, isReturned: line === this.#returned })),
    );
    this.#returned.clear();
    this.#queue.clear();
    return places;
  }
}
