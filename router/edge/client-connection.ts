// One connection of a client: its parser, one exchange at a time, what came too early for the next one, and how long
// the client may take for what. It never drops an answer that the client could still read.
import { Buffer } from 'node:buffer';
import { renderErrorPage } from '../../lib/error-page.ts';
import type { MessageSink, Refusal, RequestHead } from '../http1/message.ts';
import { fieldIds } from '../http1/field-names.ts';
import { RequestParser } from '../http1/request-parser.ts';
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { ByteStream, Deadline, StreamHandler } from '../transports/transport.ts';
import type { Edge } from './edge.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeClient, Fate, OwnPage } from './exchange-client.ts';
import { recordExchange } from './exchange-record.ts';
import { Linger } from './linger.ts';

/** Of a pipelining client this much is read ahead. */
const mostPendingBytes = 16 * 1024;

/** `idle`: between requests. `head`: within a request head. `exchange`: from its end to the answer's. */
type Phase = 'idle' | 'head' | 'exchange' | 'tunnel' | 'lingering' | 'closed';

export class ClientConnection implements StreamHandler, ExchangeClient {
  readonly stream: ByteStream;
  readonly address: string;
  readonly isTrusted: boolean;
  hasEnded = false;
  readonly #edge: Edge;
  #fraction: number | undefined;
  readonly #onGone: (connection: ClientConnection) => void;
  readonly #parser: RequestParser;
  readonly #deadline: Deadline;
  #phase: Phase = 'idle';
  #exchange: Exchange | undefined;
  #linger: Linger | undefined;
  /** Bytes of further requests, and whether the parser is at work (so that nothing calls it from within). */
  #pending: Buffer | undefined;
  #isFeeding = false;
  /** Reading stopped for the sake of: the request's body, too much that is pending. */
  #isBodyHeld = false;
  #isPendingFull = false;
  #isPaused = false;
  #headStartedMs: number;
  /** Since when it is between requests, and how long it may be; 0 = for ever. */
  #idleSinceMs: number;
  #idleTimeoutMs: number;

  constructor(edge: Edge, stream: ByteStream, onGone: (connection: ClientConnection) => void) {
    this.#edge = edge;
    this.stream = stream;
    this.#onGone = onGone;
    this.address = stream.remoteAddress;
    this.isTrusted = edge.settings.trustedProxies.trusts(this.address);
    this.#parser = new RequestParser(this.#createSink(), edge.settings.requestLimits);
    this.#deadline = edge.transport.createDeadline(() => {
      this.#onDeadline();
    });
    this.#headStartedMs = this.#idleSinceMs = edge.transport.nowMs();
    stream.handler = this;
    // Who connects has something to say; so long for the first head.
    this.#idleTimeoutMs = edge.settings.headerTimeoutMs;
    this.#watchIdle();
  }

  /** Drawn when it is first asked for: only an app that tries a newer generation does. */
  get fraction(): number {
    return (this.#fraction ??= this.#edge.random());
  }

  get isAtEnd(): boolean {
    return this.hasEnded && this.#pending === undefined;
  }

  onConnect(): void {
    // Only connections that we open are told.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'lingering') {
      this.#linger?.onData(end - start);
    } else if (this.#phase !== 'closed') {
      if (this.#pending === undefined) this.#feed(bytes, start, end);
      else this.#stash(bytes, start, end);
    }
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.#phase === 'lingering') this.#linger?.onPeerEnd();
    else if (this.#exchange?.hasRequestEnded === true) this.#exchange.onClientEnd();
    else if (this.#pending === undefined) this.#finish();
  }

  onDrain(): void {
    if (this.#exchange !== undefined) this.#exchange.onClientDrain();
    else this.#goOn();
  }

  onClose(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#deadline.disarm();
    this.#exchange?.onClientGone();
    this.#onGone(this);
  }

  // --- for the exchange ---

  watch(): void {
    const limit = this.#exchange?.limit();
    if (limit === undefined) this.#deadline.disarm();
    else this.#deadline.arm(Math.max(0, limit.dueMs - this.#edge.transport.nowMs()));
  }

  holdBody(isHeld: boolean): void {
    this.#isBodyHeld = isHeld;
    this.#updateReading();
  }

  sendPage(page: OwnPage): number {
    const { head, closes } = page;
    return this.#writePage(page, {
      accept: head.fields.first(fieldIds.accept),
      isHead: head.method === 'HEAD',
      connection: closes ? 'close' : head.minorVersion === 0 ? 'keep-alive' : undefined,
    });
  }

  onExchangeOver(fate: Fate): void {
    this.#exchange = undefined;
    if (this.#phase === 'closed') return;
    if (fate === 'cut' || fate === 'reset') this.#cut(fate);
    else if (fate === 'close') this.#startLinger();
    else {
      this.#phase = 'idle';
      this.#idleSinceMs = this.#edge.transport.nowMs();
      this.#idleTimeoutMs = this.#edge.settings.idleTimeoutMs;
      this.#watchIdle();
      this.#isBodyHeld = false;
      this.#updateReading();
      this.#goOn();
    }
  }

  detach(): Buffer | undefined {
    this.#phase = 'tunnel';
    this.#deadline.disarm();
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  onTunnelGone(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#onGone(this);
  }

  // --- for the server ---

  /** The router ends, or sooner than it said before. */
  retire(): void {
    if (this.#phase === 'idle') this.#watchIdle();
  }

  /** There is no room for this connection. */
  turnAway(): void {
    const { status, message } = judgeFailure('too-many-connections');
    this.#refuse('too-many-connections', { status, reason: message });
  }

  /** The router ends now, whatever runs. */
  cut(): void {
    this.#exchange?.cut();
    // An answer that was just written leaves as far as the kernel takes it.
    if (this.#phase !== 'closed') this.#cut('cut');
  }

  // --- parsing ---

  #createSink(): MessageSink<RequestHead> {
    return {
      onHead: (head) => {
        this.#edge.requests++;
        this.#phase = 'exchange';
        const exchange = new Exchange(this.#edge, this, head);
        this.#exchange = exchange;
        exchange.begin();
      },
      onBody: (bytes, start, end) => {
        this.#exchange?.onBody(bytes, start, end);
      },
      onTrailers: (fields) => {
        this.#exchange?.onTrailers(fields);
      },
      onEnd: () => {
        this.#exchange?.onRequestEnd();
      },
      onRefusal: (refusal) => {
        if (this.#exchange !== undefined) this.#exchange.onMalformed(refusal);
        else this.#refuse('client-malformed', refusal);
      },
    };
  }

  #feed(bytes: Buffer, start: number, end: number): void {
    this.#isFeeding = true;
    let at = start;
    while (at < end && this.#isReading) {
      // The answer to this request, or the client's reading of earlier ones, comes first.
      const mustWait = this.#exchange === undefined ? this.stream.isBlocked : this.#exchange.hasRequestEnded;
      if (mustWait && this.#exchange?.isAlone === true) {
        this.#exchange.onMalformed({
          status: 400,
          reason: 'More bytes follow a request that has to be answered first.',
        });
        break;
      }
      if (mustWait) {
        this.#stash(bytes, at, end);
        break;
      }
      at = this.#parser.execute(bytes, at, end);
    }
    this.#isFeeding = false;
    if (this.#phase === 'idle' && !this.#parser.isIdle) {
      this.#phase = 'head';
      this.#headStartedMs = this.#edge.transport.nowMs();
      this.#arm(this.#edge.settings.headerTimeoutMs);
    }
  }

  get #isReading(): boolean {
    return this.#phase === 'idle' || this.#phase === 'head' || this.#phase === 'exchange';
  }

  #stash(bytes: Buffer, start: number, end: number): void {
    const rest = bytes.subarray(start, end);
    this.#pending = this.#pending === undefined ? Buffer.from(rest) : Buffer.concat([this.#pending, rest]);
    this.#isPendingFull = this.#pending.length >= mostPendingBytes;
    this.#updateReading();
  }

  /** The next request may be read: first what came already, then what comes. */
  #goOn(): void {
    if (this.#isFeeding || !this.#isReading) return;
    const pending = this.#pending;
    if (pending !== undefined && !this.stream.isBlocked) {
      this.#pending = undefined;
      this.#isPendingFull = false;
      this.#updateReading();
      this.#feed(pending, 0, pending.length);
    }
    if (this.isAtEnd && this.#exchange?.hasRequestEnded !== true) this.#finish();
  }

  /** The client said all it has to say. */
  #finish(): void {
    this.#parser.finish();
    if (this.#phase === 'idle' || this.#phase === 'head') this.#startLinger();
  }

  #updateReading(): void {
    const isPaused = this.#isBodyHeld || this.#isPendingFull;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.stream.pause();
    else this.stream.resume();
  }

  // --- endings ---

  /** Answers what is no request, or none that came in time. */
  #refuse(cause: FailureCause, refusal: Refusal): void {
    const requestId = this.#edge.requestIds.next();
    const { status, reason } = refusal;
    const page = { cause, status, message: reason, requestId, generation: undefined };
    const bytesOut = this.#writePage(page, { accept: undefined, isHead: false, connection: 'close' });
    this.#edge.requests++;
    recordExchange(this.#edge, {
      app: undefined,
      worker: undefined,
      method: '',
      host: '',
      path: '',
      status,
      bytesIn: 0,
      bytesOut,
      startedMs: this.#headStartedMs,
      queueMs: 0,
      client: this.address,
      requestId,
      cause,
      detail: reason,
    });
    this.#startLinger();
  }

  #writePage(
    { cause, status, message, requestId, generation }: Omit<OwnPage, 'closes' | 'head'>,
    rules: { accept: string | undefined; isHead: boolean; connection: 'close' | 'keep-alive' | undefined },
  ): number {
    const page = { status, code: cause, message, requestId, generation, retryAfter: judgeFailure(cause).retryAfter };
    const { bytes, bodyBytes } = renderErrorPage(page, { ...rules, date: this.#edge.dates.now() });
    this.stream.write(bytes, 0, bytes.length);
    return bodyBytes;
  }

  #startLinger(): void {
    this.#phase = 'lingering';
    this.#pending = undefined;
    this.#linger = new Linger(this.stream, this.#deadline, this.#edge);
    this.#linger.begin(this.hasEnded);
  }

  #cut(how: 'cut' | 'reset'): void {
    this.#phase = 'closed';
    this.#deadline.disarm();
    if (how === 'reset') this.stream.reset();
    else this.stream.destroy();
    this.#onGone(this);
  }

  #arm(timeoutMs: number): void {
    if (timeoutMs > 0) this.#deadline.arm(timeoutMs);
    else this.#deadline.disarm();
  }

  #watchIdle(): void {
    const { retirement, transport } = this.#edge;
    let dueMs = this.#idleTimeoutMs > 0 ? this.#idleSinceMs + this.#idleTimeoutMs : Infinity;
    if (retirement !== undefined)
      dueMs = Math.min(dueMs, Math.max(this.#idleSinceMs, retirement.sinceMs) + retirement.idleMs, retirement.untilMs);
    if (dueMs === Infinity) this.#deadline.disarm();
    else this.#deadline.arm(Math.max(0, dueMs - transport.nowMs()));
  }

  #onDeadline(): void {
    switch (this.#phase) {
      case 'idle':
        this.#startLinger();
        break;
      case 'head': {
        const { status, message } = judgeFailure('client-slow-head');
        this.#refuse('client-slow-head', { status, reason: message });
        break;
      }
      case 'exchange':
        this.#onExchangeDeadline();
        break;
      case 'lingering':
        this.#linger?.onDeadline();
        break;
      case 'tunnel':
      case 'closed':
        break;
    }
  }

  #onExchangeDeadline(): void {
    const limit = this.#exchange?.limit();
    if (limit === undefined) return;
    if (limit.dueMs > this.#edge.transport.nowMs()) this.watch();
    else this.#exchange?.fail(limit.cause);
  }
}
