// Client connections that wait for a request, the one that has waited longest first. One deadline watches the first for
// all of them, so that waiting costs a connection two references and no timer of its own.
import type { Deadline, Transport } from '../transports/transport.ts';
import type { Retirement } from './edge.ts';

export interface IdleClient {
  /** Since when it waits; while it stands in a line. */
  idleSinceMs: number;
  /** The line that it stands in, and its neighbours there; the line's alone to write. */
  line: IdleLine | undefined;
  before: IdleClient | undefined;
  behind: IdleClient | undefined;
  /** It has waited too long, and stands in no line any more. */
  onIdleTooLong(): void;
}

export class IdleLine {
  readonly #transport: Pick<Transport, 'nowMs'>;
  readonly #dueMs: (sinceMs: number) => number;
  readonly #deadline: Deadline;
  /** When the deadline fires; Infinity while it is not armed. It may be sooner than anything is due. */
  #armedMs = Infinity;
  #first: IdleClient | undefined;
  #last: IdleClient | undefined;

  /**
   * `dueMs`: when a client that waits since then has waited too long; Infinity = never. Whatever changes its answers must
   * call `review`. Who waits longer is due sooner, or at the same time.
   */
  constructor(transport: Pick<Transport, 'nowMs' | 'createDeadline'>, dueMs: (sinceMs: number) => number) {
    this.#transport = transport;
    this.#dueMs = dueMs;
    this.#deadline = transport.createDeadline(() => {
      this.#armedMs = Infinity;
      this.review();
    });
  }

  add(client: IdleClient): void {
    // A small integer, which needs no memory of its own; never sooner than it is.
    client.idleSinceMs = Math.ceil(this.#transport.nowMs());
    client.line = this;
    client.before = this.#last;
    if (this.#last === undefined) this.#first = client;
    else this.#last.behind = client;
    this.#last = client;
    // Who comes behind others is due after them.
    if (this.#armedMs === Infinity) this.#watch();
  }

  /** It stands in this line, and waits no more. */
  remove(client: IdleClient): void {
    const { before, behind } = client;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    client.line = client.before = client.behind = undefined;
  }

  /** Tells those that are due, and waits for the next. */
  review(): void {
    const nowMs = this.#transport.nowMs();
    for (let client = this.#first; client !== undefined; client = this.#first) {
      if (this.#dueMs(client.idleSinceMs) > nowMs) break;
      this.remove(client);
      client.onIdleTooLong();
    }
    if (this.#first === undefined) {
      // Who comes next may be due sooner than whoever it was armed for.
      this.#deadline.disarm();
      this.#armedMs = Infinity;
    }
    this.#watch();
  }

  #watch(): void {
    const dueMs = this.#first === undefined ? Infinity : this.#dueMs(this.#first.idleSinceMs);
    if (dueMs >= this.#armedMs) return;
    this.#armedMs = dueMs;
    this.#deadline.arm(Math.max(0, dueMs - this.#transport.nowMs()));
  }
}

/**
 * When a connection that waits since `sinceMs` has waited too long: after `timeoutMs`, 0 = never, or sooner where the
 * router ends.
 */
export function idleDueMs(sinceMs: number, timeoutMs: number, retirement: Retirement | undefined): number {
  const dueMs = timeoutMs > 0 ? sinceMs + timeoutMs : Infinity;
  if (retirement === undefined) return dueMs;
  return Math.min(dueMs, Math.max(sinceMs, retirement.sinceMs) + retirement.idleMs, retirement.untilMs);
}
