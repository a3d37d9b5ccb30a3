// One connection to a worker. It carries one exchange at a time and is lent out again only when the last answer was
// whole and nothing followed it: bytes that no request asked for end it.
import type { Buffer } from 'node:buffer';
import { keepAliveMsOf } from '../core/response-fields.ts';
import type { Target } from '../core/target.ts';
import type { Fields, Refusal, ResponseHead } from '../http1/message.ts';
import type { ByteStream, Deadline, StreamHandler } from '../transports/transport.ts';
import type { AnswerReader, AnswerReading } from './answer-reading.ts';
import type { Edge } from './edge.ts';

/** `closed`: it ended too early. `garbage`: what came is no answer. */
export type UpstreamFault = 'closed' | 'garbage';

/** Who had the connection opened; told one of these, once. */
export interface UpstreamOpener {
  onConnected(): void;
  /** No connection came about. `code`: the errno name of what was in the way. */
  onUnreachable(code: string): void;
}

/** The exchange that uses the connection. After onFault or onAnswerEnd the connection has forgotten it. */
export interface UpstreamUser {
  onAnswerHead(head: ResponseHead): void;
  onAnswerBody(bytes: Buffer, start: number, end: number): void;
  /** All that arrived was read, and so much of the body is still to come; told where that is known. */
  onAnswerLeft(bytes: number): void;
  /** The relay of its body is over; so many bytes went past. */
  onAnswerRelayed(bytes: number): void;
  onAnswerTrailers(fields: Fields): void;
  /** `isReusable`: the connection is clean, provided that the request was sent whole. */
  onAnswerEnd(isReusable: boolean): void;
  onUpstreamDrain(): void;
  onFault(fault: UpstreamFault, reason: string): void;
}

/**
 * Idle connections are given up well before a worker does: Node closes after 5 s, and a request sent into a
 * connection that the worker closes at that moment is lost.
 */
const longestIdleMs = 4000;
/** A host that drops what it is sent never refuses: the next target is better than to wait for the kernel's minutes. */
const connectTimeoutMs = 5000;
/** What is left between our end and the one that a worker announces. */
const idleMarginMs = 1000;

export class UpstreamConnection implements StreamHandler, AnswerReader {
  readonly target: Target;
  readonly address: string;
  readonly stream: ByteStream;
  readonly #edge: Edge;
  readonly #deadline: Deadline;
  /** Until it is connected. */
  #opener: UpstreamOpener | undefined;
  #user: UpstreamUser | undefined;
  /** Lent while an answer is awaited. */
  #reading: AnswerReading | undefined;
  #isConnected = false;
  #isClosed = false;
  #hasPeerEnded = false;
  /** The answer's end was parsed; whether anything follows it shows only when the parser returned. */
  #isAnswered = false;
  #keepsAlive = false;
  #maxIdleMs = longestIdleMs;
  /** Since when it idles. */
  #idleSinceMs = 0;
  #bytesReceived = 0;

  constructor(edge: Edge, target: Target, opener: UpstreamOpener) {
    this.#edge = edge;
    this.target = target;
    this.address = target.address;
    this.#opener = opener;
    this.#deadline = edge.transport.createDeadline(() => {
      this.#onDeadline();
    });
    this.#deadline.arm(connectTimeoutMs);
    this.stream = edge.transport.connect(target.address, this);
  }

  /** Bytes that came since the last `expect`. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.#isClosed;
  }

  idleMs(nowMs: number): number {
    return nowMs - this.#idleSinceMs;
  }

  /** False once it has idled longer than the worker may wait. */
  isFresh(nowMs: number): boolean {
    return !this.#isClosed && this.idleMs(nowMs) < this.#maxIdleMs;
  }

  /** Lends the connection to the next exchange. */
  lend(user: UpstreamUser): void {
    this.#user = user;
  }

  /** A request is about to be written. */
  expect(method: string, asksUpgrade: boolean): void {
    this.#bytesReceived = 0;
    this.#isAnswered = false;
    this.#reading ??= this.#edge.answerReadings.lend(this);
    this.#reading.parser.expect(method, asksUpgrade);
  }

  /** Waits for the next exchange; the pool holds it. */
  rest(nowMs: number): void {
    this.#user = undefined;
    this.#idleSinceMs = nowMs;
    this.#deadline.arm(this.#maxIdleMs);
  }

  /** Hands the stream to a tunnel, which sets a handler of its own. */
  detach(): ByteStream {
    this.#user = undefined;
    this.#isClosed = true;
    this.#deadline.disarm();
    this.#giveBack();
    return this.stream;
  }

  destroy(): void {
    this.#opener = undefined;
    this.#user = undefined;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadline.disarm();
    this.#giveBack();
    this.stream.destroy();
  }

  onConnect(): void {
    const opener = this.#opener;
    this.#opener = undefined;
    this.#isConnected = true;
    this.#deadline.disarm();
    opener?.onConnected();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#isClosed) return;
    if (this.#user === undefined) {
      this.#edge.upstreams.remove(this);
      this.destroy();
      return;
    }
    this.#bytesReceived += end - start;
    const stop = this.#reading?.parser.execute(bytes, start, end) ?? start;
    if (this.#isAnswered) this.#complete(stop === end);
    else if (this.stream.handler === this) this.#tellLeft();
    // After a 101 the stream belongs to a tunnel; what came behind the head is its first bytes.
    else if (stop < end) this.stream.handler.onData(bytes, stop, end);
  }

  onRelayed(bytes: number): void {
    if (this.#isClosed) return;
    this.#bytesReceived += bytes;
    this.#reading?.parser.skipBody(bytes);
    this.#user?.onAnswerRelayed(bytes);
  }

  onEnd(): void {
    if (this.#isClosed) return;
    if (this.#user === undefined) {
      this.#edge.upstreams.remove(this);
      this.destroy();
      return;
    }
    this.#hasPeerEnded = true;
    this.#reading?.parser.finish();
    if (this.#isAnswered) this.#complete(false);
    else this.#fail('closed', 'the worker closed the connection');
  }

  onDrain(): void {
    this.#user?.onUpstreamDrain();
  }

  onClose(code: string | undefined): void {
    if (this.#isClosed) return;
    this.#edge.upstreams.remove(this);
    const reason = code ?? 'the worker closed the connection';
    if (this.#isConnected) this.#fail('closed', reason);
    else this.#giveUp(reason);
  }

  // --- from the parser ---

  onAnswerHead(head: ResponseHead): void {
    if (head.status >= 200) {
      this.#keepsAlive = head.keepAlive;
      const announcedMs = keepAliveMsOf(head);
      if (announcedMs !== undefined) this.#maxIdleMs = Math.min(longestIdleMs, Math.max(0, announcedMs - idleMarginMs));
    }
    this.#user?.onAnswerHead(head);
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): void {
    this.#user?.onAnswerBody(bytes, start, end);
  }

  onAnswerTrailers(fields: Fields): void {
    this.#user?.onAnswerTrailers(fields);
  }

  onAnswerEnd(): void {
    this.#isAnswered = true;
  }

  onAnswerRefused({ reason }: Refusal): void {
    this.#fail(this.#hasPeerEnded ? 'closed' : 'garbage', reason);
  }

  #tellLeft(): void {
    const left = this.#reading?.parser.bodyLeft ?? 0;
    if (left > 0) this.#user?.onAnswerLeft(left);
  }

  #complete(isClean: boolean): void {
    this.#isAnswered = false;
    // Before the user is told: the next one may follow at once.
    this.#giveBack();
    const user = this.#user;
    if (user === undefined) return;
    user.onAnswerEnd(isClean && this.#keepsAlive && this.#maxIdleMs > 0);
  }

  #giveBack(): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#reading = undefined;
    this.#edge.answerReadings.takeBack(reading);
  }

  #fail(fault: UpstreamFault, reason: string): void {
    const user = this.#user;
    this.destroy();
    user?.onFault(fault, reason);
  }

  /** No connection came about. */
  #giveUp(code: string): void {
    const opener = this.#opener;
    this.destroy();
    opener?.onUnreachable(code);
  }

  #onDeadline(): void {
    if (this.#isClosed) return;
    if (!this.#isConnected) this.#giveUp('ETIMEDOUT');
    else if (this.#user === undefined) this.#onIdleDeadline();
  }

  #onIdleDeadline(): void {
    const nowMs = this.#edge.transport.nowMs();
    if (this.isFresh(nowMs)) {
      this.#deadline.arm(this.#maxIdleMs - this.idleMs(nowMs));
      return;
    }
    this.#edge.upstreams.remove(this);
    this.destroy();
  }
}
