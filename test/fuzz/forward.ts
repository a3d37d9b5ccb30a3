// The router's own way from what a parser reported to what the next hop gets: its head policies, its body framing, its
// writer. What it writes is collected, to be read again.
import { Buffer } from 'node:buffer';
import { writeRequestHead, type RequestOrigin } from '../../router/core/request-fields.ts';
import { Answer } from '../../router/edge/answer.ts';
import { HttpDates } from '../../router/edge/http-dates.ts';
import { RequestBody, type Outlet } from '../../router/edge/request-body.ts';
import { givenId } from '../../router/core/request-ids.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import type { Fields, RequestHead, ResponseHead } from '../../router/http1/message.ts';
import type { Exchange, Feeding } from './input.ts';
import type { Forwarder } from './transcript-sink.ts';

const writer = new HeadWriter();
const answerEdge = { writer, dates: new HttpDates({ wallMs: () => 0 }) };

/** A peer that takes everything at once. */
class CollectingOutlet implements Outlet {
  #bytes = Buffer.alloc(4096);
  #length = 0;

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    const total = this.#length + end - start;
    if (total > this.#bytes.length) {
      const larger = Buffer.alloc(2 * total);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = total;
    return true;
  }
}

/** One for all inputs; what it collected is valid until the next one. */
const outlet = new CollectingOutlet();

/** Requests on their way to a worker, on one connection. */
export class RequestForwarder implements Forwarder<RequestHead> {
  readonly #holds: boolean;
  readonly #origin: RequestOrigin;
  /** Which of the messages reported went out, by their place. */
  readonly forwarded: number[] = [];
  #heads = 0;
  #head: RequestHead | undefined;
  #body: RequestBody | undefined;
  #isSending = false;

  constructor({ holdsBody, isTrusted }: Feeding) {
    outlet.clear();
    this.#holds = holdsBody;
    this.#origin = { clientAddress: '192.0.2.1', isTrusted, requestId: givenId('id-1') };
  }

  get written(): Buffer {
    return outlet.written;
  }

  onHead(head: RequestHead): void {
    this.#heads++;
    this.#head = head;
    this.#body = new RequestBody(writer, head.framing, true);
    this.#isSending = false;
    if (!this.#holds) this.#send();
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    const body = this.#body;
    if (body === undefined) return;
    body.receivedBytes += end - start;
    if (this.#isSending) body.send(outlet, bytes, start, end);
    else {
      body.hold(bytes, start, end);
      if (body.isFull) this.#send();
    }
  }

  onTrailers(fields: Fields): void {
    this.#body?.holdTrailers(fields);
  }

  onEnd(): void {
    const body = this.#body;
    if (body === undefined) return;
    body.hasEnded = true;
    if (this.#isSending) body.sendEnd(outlet);
    else this.#send();
  }

  onReadOut(): void {
    this.#body?.keep();
  }

  #send(): void {
    const { head, body } = { head: this.#head, body: this.#body };
    if (head === undefined || body === undefined) return;
    this.#isSending = true;
    this.forwarded.push(this.#heads - 1);
    writer.clear();
    writeRequestHead(writer, head, this.#origin, body.decideFraming(true));
    const bytes = writer.view();
    outlet.write(bytes, 0, bytes.length);
    body.sendHeld(outlet, bytes.length);
  }
}

/** Answers on their way to a client, on one connection, up to one that ends it. */
export class ResponseForwarder implements Forwarder<ResponseHead> {
  /** Which of the heads reported went out, by their place. */
  readonly forwarded: number[] = [];
  readonly #exchanges: readonly Exchange[];
  #heads = 0;
  #answered = 0;
  #answer: Answer | undefined;
  #isClosed = false;

  constructor(exchanges: readonly Exchange[]) {
    outlet.clear();
    this.#exchanges = exchanges;
  }

  get written(): Buffer {
    return outlet.written;
  }

  /** An answer began whose end is the connection's, and did not end: the router resets the connection. */
  get endsByReset(): boolean {
    return this.#answer?.endsByClose === true;
  }

  onHead(head: ResponseHead): void {
    const place = this.#heads++;
    if (this.#isClosed) return;
    const { minorVersion, method } = this.#exchanges[this.#answered] as Exchange;
    const answer = (this.#answer ??= new Answer(answerEdge, outlet, { minorVersion, method }));
    const before = outlet.written.length;
    if (head.status >= 200) answer.begin(head, false, undefined);
    else if (head.status !== 100) answer.interim(head, undefined);
    if (outlet.written.length > before) this.forwarded.push(place);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#answer?.body(bytes, start, end);
  }

  onTrailers(fields: Fields): void {
    this.#answer?.trailers(fields);
  }

  onEnd(): void {
    this.#answer?.end();
    this.#isClosed ||= this.#answer?.endsByClose === true;
    this.#answer = undefined;
    this.#answered++;
  }

  onReadOut(): void {
    // It writes at once what it is shown.
  }
}
