// Whether a target is given requests, by what became of those that it was given. Refusals and requests that it lost,
// several in a row, eject it; a connection that the router opens by itself brings it back, at first for one request at
// a time. Pure: whoever asks keeps the clock and opens that connection.

/**
 * `sound`: it is given requests (after a refusal not for a moment). `ejected`: none. `returning`: it took a connection
 * and may be given one request. `tried`: it has that one, and gets no other until that is answered.
 */
export type HealthState = 'sound' | 'ejected' | 'returning' | 'tried';

/** `failed`: a fault that counts. `answered`: a request. `reached`: by a probe. `released`: a lease, without outcome. */
export type HealthEvent = 'failed' | 'answered' | 'reached' | 'leased' | 'released';

const transitions = {
  sound: { failed: 'ejected', answered: 'sound', reached: 'sound', leased: 'sound', released: 'sound' },
  ejected: { failed: 'ejected', answered: 'ejected', reached: 'returning', leased: 'ejected', released: 'ejected' },
  returning: { failed: 'ejected', answered: 'returning', reached: 'returning', leased: 'tried', released: 'returning' },
  tried: { failed: 'ejected', answered: 'sound', reached: 'tried', leased: 'tried', released: 'returning' },
} as const satisfies Record<HealthState, Record<HealthEvent, HealthState>>;

/** So many faults in a row, each of a request that came after the fault before, eject a target. */
export const faultsToEject = 3;
/** A target that refused a connection is left alone so long, doubled at the next: its worker may be starting. */
const firstSuspensionMs = 20;
/** From the ejection to the first probe; doubled at each that fails. */
const firstPauseMs = 100;
const longestPauseMs = 5000;

/**
 * `refused`: it did not take a connection. `lost`: it took one, and ended it before it answered. `full`: more connections
 * wait for it than it keeps, which is much to do and no failure.
 */
export type FaultKind = 'refused' | 'lost' | 'full';

export class TargetHealth {
  #state: HealthState = 'sound';
  /**
   * Raised by whatever changes the picture. What a request meets that was leased in an earlier epoch tells nothing
   * new: a worker that dies loses all its requests at once, and that is one fault.
   */
  #epoch = 0;
  /** In a row. */
  #faults = 0;
  /** Probes and trials that failed since it was ejected. */
  #setbacks = 0;
  #closedUntilMs = 0;

  get state(): HealthState {
    return this.#state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** It is given no request before this moment (clock.nowMs). */
  get closedUntilMs(): number {
    return this.#closedUntilMs;
  }

  get setbacks(): number {
    return this.#setbacks;
  }

  /** How long to wait for the next probe, while it is ejected. */
  get pauseMs(): number {
    return Math.min(firstPauseMs * 2 ** this.#setbacks, longestPauseMs);
  }

  /** A request of that epoch met a fault. `none`: it tells nothing new, or too little to act on. */
  fail(epoch: number, kind: FaultKind, nowMs: number): 'none' | 'suspended' | 'ejected' {
    if (epoch !== this.#epoch || this.#state === 'ejected') return 'none';
    this.#epoch++;
    if (this.#state === 'sound') {
      if (kind !== 'full') this.#faults++;
      if (this.#faults < faultsToEject) return kind === 'lost' ? 'none' : this.#suspend(nowMs);
    } else {
      this.#setbacks++;
    }
    this.#on('failed');
    return 'ejected';
  }

  /** A request of that epoch was answered; true where the target is sound again by that. */
  answer(epoch: number): boolean {
    if (this.#faults === 0 || epoch !== this.#epoch) return false;
    const wasTried = this.#state === 'tried';
    this.#on('answered');
    if (this.#state === 'sound') this.#faults = this.#setbacks = 0;
    return wasTried;
  }

  /** The outcome of a probe. */
  probe(isReached: boolean): void {
    if (this.#state !== 'ejected') return;
    if (isReached) this.#on('reached');
    else this.#setbacks++;
  }

  /** A request is about to be leased to it. */
  lease(): void {
    if (this.#state !== 'returning') return;
    this.#epoch++;
    this.#on('leased');
  }

  /** The lease ended; if it was the trial's and nothing came of it, another request may be the trial. */
  release(epoch: number): void {
    if (this.#state === 'tried' && epoch === this.#epoch) this.#on('released');
  }

  /** Nothing that was held against it counts any more. */
  reset(): void {
    this.#epoch++;
    this.#state = 'sound';
    this.#faults = this.#setbacks = this.#closedUntilMs = 0;
  }

  #suspend(nowMs: number): 'suspended' {
    this.#closedUntilMs = nowMs + firstSuspensionMs * 2 ** Math.max(0, this.#faults - 1);
    return 'suspended';
  }

  #on(event: HealthEvent): void {
    this.#state = transitions[this.#state][event];
    this.#closedUntilMs = this.#state === 'ejected' || this.#state === 'tried' ? Infinity : 0;
  }
}
