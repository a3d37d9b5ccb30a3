// The traffic of one instance: whether it was given any, since when, and in which route tables it is. Marks only: the
// planner reads them as facts, and whoever carries out what it decides sets them.
import type { InstanceFacts } from './facts.ts';

export interface TrafficOptions {
  /** When it was asked for, on the monotonic clock. */
  readonly sinceMs: number;
  /** It had the traffic under another emperor. */
  readonly isPromoted: boolean;
  /** And lost it to a newer one under that emperor. */
  readonly isOutdated: boolean;
  /** Its becoming live was told already. */
  readonly isAnnounced: boolean;
}

type TrafficFacts = Pick<InstanceFacts, 'unroutedVersion' | 'isPromoted' | 'isOutdated' | 'liveSinceMs'>;

export class Traffic {
  #sinceMs: number;
  #routedVersion = 0;
  #unroutedVersion = 0;
  #isAnnounced: boolean;
  #isPromoted: boolean;
  #isOutdated: boolean;
  #liveSinceMs: number | undefined;

  constructor({ sinceMs, isPromoted, isOutdated, isAnnounced }: TrafficOptions) {
    this.#sinceMs = sinceMs;
    this.#isPromoted = isPromoted;
    this.#isOutdated = isOutdated;
    this.#isAnnounced = isAnnounced;
  }

  /** When it was asked for, or recalled, on the monotonic clock: a deploy's time counts from here. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Version of the first published table with it; 0: none yet. */
  get routedVersion(): number {
    return this.#routedVersion;
  }

  /** Its becoming live was told already, or needs no telling because it was adopted. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** It was given the whole traffic once. */
  get isPromoted(): boolean {
    return this.#isPromoted;
  }

  facts(): TrafficFacts {
    return {
      unroutedVersion: this.#unroutedVersion,
      isPromoted: this.#isPromoted,
      isOutdated: this.#isOutdated,
      liveSinceMs: this.#liveSinceMs,
    };
  }

  /** True until every router has given it the whole traffic for `settleMs`. */
  isNew(settleMs: number, nowMs: number): boolean {
    return this.#liveSinceMs === undefined || nowMs - this.#liveSinceMs < settleMs;
  }

  /** It is given the whole traffic. */
  promote(): void {
    this.#isPromoted = true;
  }

  /** The table of that version is the first one with it. */
  enter(version: number): void {
    this.#routedVersion = version;
  }

  /** Every router gives it the whole traffic, and that is told now. */
  announce(nowMs: number): void {
    this.#isAnnounced = true;
    this.#liveSinceMs = nowMs;
  }

  /** The table of that version is the first one without it. */
  leave(version: number): void {
    this.#unroutedVersion = version;
  }

  /** It serves again, and that will be told as any deploy is. */
  recall(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#isOutdated = false;
    this.#isAnnounced = false;
    this.#routedVersion = 0;
    this.#unroutedVersion = 0;
  }
}
