// One request's hold on a target. Pure.
import type { Target } from './target.ts';

/** Who lent the target and wants it back. */
export interface LeaseOwner {
  onRelease(lease: Lease, nowMs: number): void;
}

export class Lease {
  readonly target: Target;
  /** The health's epoch when the request came to it: see TargetHealth. */
  readonly epoch: number;
  readonly #owner: LeaseOwner;
  #isHeld = true;

  constructor(owner: LeaseOwner, target: Target) {
    this.#owner = owner;
    this.target = target;
    this.epoch = target.health.epoch;
  }

  /** Gives the target back; a second call does nothing. */
  release(nowMs: number): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#owner.onRelease(this, nowMs);
  }
}
