// Who waits until an app's workers serve by the rules that they were told last: a worker that is busy hears of them when
// it has time, and serves the connections that it has by the old ones until then.
import type { Timer } from '../../../lib/clock.ts';
import type { Pool } from '../../core/pool.ts';
import type { Transport } from '../../transports/transport.ts';

/** Tells once whether it came so far: undefined if it did, else the key of a worker that is still to hear. */
type OnRuled = (lagging: string | undefined) => void;

interface Waiting {
  readonly pool: Pool;
  readonly onRuled: OnRuled;
  readonly timer: Timer;
}

export class Rulings {
  readonly #transport: Pick<Transport, 'after'>;
  readonly #laggingOf: (pool: Pool) => string | undefined;
  readonly #waiting = new Set<Waiting>();

  /** `laggingOf`: the key of a worker of the pool that has not heard yet, if there is one. */
  constructor(transport: Pick<Transport, 'after'>, laggingOf: (pool: Pool) => string | undefined) {
    this.#transport = transport;
    this.#laggingOf = laggingOf;
  }

  /** Waits so long at most; 0: not at all. */
  wait(pool: Pool, timeoutMs: number, onRuled: OnRuled): void {
    if (this.#laggingOf(pool) === undefined) {
      onRuled(undefined);
      return;
    }
    const timer = this.#transport.after(timeoutMs, () => {
      this.#waiting.delete(waiting);
      onRuled(this.#laggingOf(pool));
    });
    const waiting: Waiting = { pool, onRuled, timer };
    this.#waiting.add(waiting);
  }

  /** A worker of the pool has heard, or is gone. */
  review(pool: Pool): void {
    for (const waiting of this.#waiting) {
      if (waiting.pool !== pool || this.#laggingOf(pool) !== undefined) continue;
      this.#waiting.delete(waiting);
      waiting.timer.cancel();
      waiting.onRuled(undefined);
    }
  }
}
