// What a client connection needs while it reads a request and has it answered, and no longer: a parser, whose tables are
// a few kilobytes, and a deadline for the client's head and then for the exchange. It is lent (spare-readings.ts), so that
// a connection between requests has neither.
import type { Buffer } from 'node:buffer';
import type { Limit } from '../core/patience.ts';
import type { FailureCause } from '../core/triage.ts';
import type { Fields, HeadLimits, MessageSink, Refusal, RequestHead } from '../http1/message.ts';
import { RequestParser } from '../http1/request-parser.ts';
import type { ByteStream, Deadline } from '../transports/transport.ts';
import { relayLookMs } from './body-relay.ts';
import type { Edge } from './edge.ts';
import type { Reading } from './spare-readings.ts';

/** The connection that has it. */
export interface RequestReader {
  readonly stream: Pick<ByteStream, 'isBlocked'>;
  /** Requests are read at all, be it the present one or a next. */
  readonly isReading: boolean;
  /** A request's head came. The exchange is not begun yet. */
  openExchange(head: RequestHead): ReadExchange;
  /** bytes[start, end) have to wait for the end of the exchange, or for the client to read earlier answers. */
  onTooEarly(bytes: Buffer, start: number, end: number): void;
  /** What came is no request head. */
  onRequestRefused(refusal: Refusal): void;
  /** The client took too long for a head that it had begun. */
  onHeadOverdue(): void;
}

/** The exchange of a request, as far as the request's reading concerns it. */
export interface ReadExchange {
  /** The request was read whole; what comes next on the connection is another one. */
  readonly hasRequestEnded: boolean;
  /** Its sender has to wait for the answer: bytes of a next request before that are a desync attack. */
  readonly isAlone: boolean;
  /** Bytes go past, of which the transport tells only when it is asked. */
  readonly isRelaying: boolean;
  begin(): void;
  onBody(bytes: Buffer, start: number, end: number): void;
  onTrailers(fields: Fields): void;
  onRequestEnd(): void;
  /** When which failure is due if nothing moves; undefined: something else keeps the time. */
  limit(): Limit | undefined;
  fail(cause: FailureCause, page?: Refusal): void;
}

const moreBytes: Refusal = { status: 400, reason: 'More bytes follow a request that has to be answered first.' };

export class RequestReading implements MessageSink<RequestHead>, Reading<RequestReader> {
  readonly limits: HeadLimits;
  readonly parser: RequestParser;
  /** Of the present or the last request; its fields as long as the parser has them. */
  head: RequestHead | undefined;
  reader: RequestReader | undefined;
  /** When it was lent, or a head began that came in pieces. */
  startedMs = 0;
  /** The parser is at work: nothing may call it from within, or give it back. */
  isBusy = false;
  readonly #edge: Pick<Edge, 'transport' | 'settings'>;
  readonly #deadline: Deadline;
  #exchange: ReadExchange | undefined;

  constructor(edge: Pick<Edge, 'transport' | 'settings'>, limits: HeadLimits) {
    this.#edge = edge;
    this.limits = limits;
    this.parser = new RequestParser(this, limits);
    this.#deadline = edge.transport.createDeadline(() => {
      if (this.#exchange !== undefined) this.#onExchangeDeadline(this.#exchange);
      else if (!this.parser.isIdle) this.#onHeadDeadline();
    });
  }

  /** Reads bytes[start, end) as far as it may go on with requests. Its reader must have it until it returns. */
  read(reader: RequestReader, bytes: Buffer, start: number, end: number): void {
    this.isBusy = true;
    let at = start;
    while (at < end && reader.isReading) {
      const exchange = this.#exchange;
      // The answer to this request, or the client's reading of earlier ones, comes first.
      const mustWait = exchange === undefined ? reader.stream.isBlocked : exchange.hasRequestEnded;
      if (mustWait) {
        if (exchange?.isAlone === true) exchange.fail('client-malformed', moreBytes);
        else reader.onTooEarly(bytes, at, end);
        break;
      }
      at = this.parser.execute(bytes, at, end);
    }
    this.isBusy = false;
  }

  /** A part of a head came: all of it must within the header timeout, 0 = some day. */
  beginHead(): void {
    const { transport, settings } = this.#edge;
    this.startedMs = transport.nowMs();
    if (settings.headerTimeoutMs > 0) this.#deadline.arm(settings.headerTimeoutMs);
    else this.#deadline.disarm();
  }

  /** Waits as long as the exchange may stand still, which is asked for it anew. */
  watch(): void {
    const limit = this.#exchange?.limit();
    if (limit === undefined) {
      this.#deadline.disarm();
      return;
    }
    const leftMs = Math.max(0, limit.dueMs - this.#edge.transport.nowMs());
    this.#deadline.arm(this.#exchange?.isRelaying === true ? Math.min(relayLookMs, leftMs) : leftMs);
  }

  /** The exchange is over, or has left the connection. */
  endExchange(): void {
    this.#exchange = undefined;
  }

  get isFresh(): boolean {
    return this.parser.isFresh;
  }

  /** The client asked for the connection's end with its request, which came whole, and nothing behind it. */
  get hasSaidAll(): boolean {
    return this.head?.keepAlive === false && this.parser.isFresh && !this.isBusy;
  }

  /** One that is only given back keeps its deadline armed: disarming it each time costs more than one call in vain. */
  discard(): void {
    this.#deadline.disarm();
  }

  onHead(head: RequestHead): void {
    this.head = head;
    const exchange = this.reader?.openExchange(head);
    this.#exchange = exchange;
    exchange?.begin();
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#exchange?.onBody(bytes, start, end);
  }

  onTrailers(fields: Fields): void {
    this.#exchange?.onTrailers(fields);
  }

  onEnd(): void {
    this.#exchange?.onRequestEnd();
  }

  onRefusal(refusal: Refusal): void {
    if (this.#exchange !== undefined) this.#exchange.fail('client-malformed', refusal);
    else this.reader?.onRequestRefused(refusal);
  }

  #onExchangeDeadline(exchange: ReadExchange): void {
    const limit = exchange.limit();
    if (limit === undefined) return;
    if (limit.dueMs > this.#edge.transport.nowMs()) this.watch();
    else exchange.fail(limit.cause);
  }

  /** If the deadline was armed for an earlier reader, it is armed anew. */
  #onHeadDeadline(): void {
    const { transport, settings } = this.#edge;
    if (settings.headerTimeoutMs === 0) return;
    const leftMs = this.startedMs + settings.headerTimeoutMs - transport.nowMs();
    if (leftMs > 0) this.#deadline.arm(leftMs);
    else this.reader?.onHeadOverdue();
  }
}
