// Failures of exchanges in the router's log: the first few of a second in full, of the rest the number. A dying app
// at thousands of requests a second must not turn into as many synchronous writes.
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Verdict } from '../core/triage.ts';

const linesPerSecond = 10;

export class FaultLog {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #second = -1;
  #lines = 0;
  #suppressed = 0;

  constructor(log: Logger, clock: Pick<Clock, 'nowMs'>) {
    this.#log = log;
    this.#clock = clock;
  }

  write(level: Verdict['level'], facts: Readonly<Record<string, unknown>>, message: string): void {
    if (!this.#log.isLevelEnabled(level)) return;
    const second = Math.floor(this.#clock.nowMs() / 1000);
    if (second !== this.#second) this.#begin(second);
    if (this.#lines++ < linesPerSecond) this.#log[level](facts, message);
    else this.#suppressed++;
  }

  #begin(second: number): void {
    if (this.#suppressed > 0) this.#log.warn({ suppressed: this.#suppressed }, 'more requests failed than are shown');
    this.#second = second;
    this.#lines = 0;
    this.#suppressed = 0;
  }
}
