// What messages are read with, lent to one connection after another. The one given back last is lent first, so that its
// memory is still near.
import type { HeadLimits } from '../http1/message.ts';

/** A parser, and where it reports to. */
export interface Reading<Reader> {
  /** Of heads: those that it was made with. */
  readonly limits: HeadLimits;
  /** Undefined while it is lent to nobody. */
  reader: Reader | undefined;
  /** It is between two messages, and may as well read those of another connection. */
  readonly isFresh: boolean;
  /** It will not be used again. */
  discard(): void;
}

/** What one burst needed is let go; so many, of about 4 KB each, are kept for the next. */
const mostSpare = 256;

export class SpareReadings<Reader, Kind extends Reading<Reader>> {
  readonly #create: (limits: HeadLimits) => Kind;
  readonly #limits: () => HeadLimits;
  readonly #spare: Kind[] = [];

  /** `limits`: those in force. */
  constructor(create: (limits: HeadLimits) => Kind, limits: () => HeadLimits) {
    this.#create = create;
    this.#limits = limits;
  }

  lend(reader: Reader): Kind {
    const limits = this.#limits();
    let reading = this.#spare.pop();
    if (reading?.limits !== limits) {
      reading?.discard();
      reading = this.#create(limits);
    }
    reading.reader = reader;
    return reading;
  }

  takeBack(reading: Kind): void {
    reading.reader = undefined;
    if (reading.isFresh && this.#spare.length < mostSpare) this.#spare.push(reading);
    else reading.discard();
  }
}
