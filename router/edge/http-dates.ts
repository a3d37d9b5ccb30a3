// The value of a Date field, made once a second.
import type { Clock } from '../../lib/clock.ts';

export class HttpDates {
  readonly #clock: Pick<Clock, 'wallMs'>;
  #second = -1;
  #text = '';

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
  }

  now(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
