// Lends to client connections what they read a request with. The one given back last is lent first, so that its memory
// is still near.
import type { HeadLimits } from '../http1/message.ts';
import type { Transport } from '../transports/transport.ts';
import { RequestReading, type RequestReader } from './request-reading.ts';

/** What one burst needed is let go; so many, of about 4 KB each, are kept for the next. */
const mostSpare = 256;

export class RequestReadings {
  readonly #transport: Pick<Transport, 'createDeadline' | 'nowMs'>;
  readonly #limits: () => HeadLimits;
  readonly #spare: RequestReading[] = [];

  /** `limits`: those in force. */
  constructor(transport: Pick<Transport, 'createDeadline' | 'nowMs'>, limits: () => HeadLimits) {
    this.#transport = transport;
    this.#limits = limits;
  }

  /** With the limits that are in force. */
  lend(reader: RequestReader): RequestReading {
    const limits = this.#limits();
    let reading = this.#spare.pop();
    // One of other limits is of no use any more; its deadline, if it is armed, finds nobody.
    if (reading?.limits !== limits) reading = new RequestReading(this.#transport, limits);
    reading.reader = reader;
    reading.startedMs = this.#transport.nowMs();
    return reading;
  }

  takeBack(reading: RequestReading): void {
    reading.reader = undefined;
    // One that stopped within a message is of no use to another connection. The deadline of any other stays armed: to
    // disarm it each time costs more than to be called once in vain.
    if (reading.parser.isFresh && this.#spare.length < mostSpare) this.#spare.push(reading);
    else reading.deadline.disarm();
  }
}
