// One connection of a client: one exchange at a time, what came too early for the next one, and how long the client may
// take for what. It never drops an answer that the client could still read. Between requests it is a few references: what
// reads a request is lent, and one deadline watches all that wait.
import type { Buffer } from 'node:buffer';
import type { Fields, Refusal, RequestHead } from '../http1/message.ts';
import type { Streak } from '../core/handoff.ts';
import { fieldIds } from '../http1/field-names.ts';
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { ByteStream, StreamHandler } from '../transports/transport.ts';
import type { Edge } from './edge.ts';
import { relayLookMs } from './body-relay.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeClient, Fate, OwnPage } from './exchange-client.ts';
import type { LastingStream } from './farewells.ts';
import type { AwayConnection, HandoffClient } from './handoff/away-connection.ts';
import type { IdleClient, IdleLine } from './idle-line.ts';
import { Linger } from './linger.ts';
import { refuse, writeOwnPage } from './own-answer.ts';
import { ReadAhead } from './read-ahead.ts';
import type { RequestReader, RequestReading } from './request-reading.ts';

/**
 * `idle`: between requests. `head`: within a request head. `exchange`: from its end to the answer's. `away`: with a
 * worker, and `stream` is of no use.
 */
type Phase = 'idle' | 'head' | 'exchange' | 'tunnel' | 'away' | 'lingering' | 'closed';

const moreBytes: Refusal = { status: 400, reason: 'More bytes follow a request that has to be answered first.' };

/** Who keeps the connections. */
export interface ConnectionKeeper {
  /** The connection is closed, or about to be; called once. */
  onGone(connection: ClientConnection): void;
}

type Roles = StreamHandler & ExchangeClient & RequestReader & IdleClient & HandoffClient & LastingStream;

export class ClientConnection implements Roles {
  stream: ByteStream;
  hasEnded = false;
  streak: Streak | undefined;
  idleSinceMs = 0;
  line: IdleLine | undefined;
  before: IdleClient | undefined;
  behind: IdleClient | undefined;
  readonly #edge: Edge;
  readonly #keeper: ConnectionKeeper;
  #fraction: number | undefined;
  #isTrusted: boolean | undefined;
  #phase: Phase = 'idle';
  /** Lent from the first byte of a request until it is answered. */
  #reading: RequestReading | undefined;
  #exchange: Exchange | undefined;
  #linger: Linger | undefined;
  #away: AwayConnection | undefined;
  #ahead: ReadAhead | undefined;
  /** The parser is at work: nothing may call it from within, or give it back. */
  #isFeeding = false;
  /** Reading stopped for the sake of the request's body. */
  #isBodyHeld = false;
  #isPaused = false;

  constructor(edge: Edge, stream: ByteStream, keeper: ConnectionKeeper) {
    this.#edge = edge;
    this.stream = stream;
    this.#keeper = keeper;
    stream.handler = this;
    edge.newcomers.add(this);
  }

  get address(): string {
    return this.stream.remoteAddress;
  }

  get isTrusted(): boolean {
    return (this.#isTrusted ??= this.#edge.settings.trustedProxies.trusts(this.address));
  }

  /** Drawn when it is first asked for: only an app that tries a newer generation does. */
  get fraction(): number {
    return (this.#fraction ??= this.#edge.random());
  }

  get isAtEnd(): boolean {
    return this.hasEnded && this.#ahead === undefined;
  }

  onConnect(): void {
    // Only connections that we open are told.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'lingering') {
      this.#linger?.onData(end - start);
    } else if (this.#phase !== 'closed') {
      if (this.#ahead === undefined) this.#feed(bytes, start, end);
      else this.#stash(bytes, start, end);
    }
  }

  onRelayed(bytes: number): void {
    // Where the exchange is over it counted them itself.
    if (this.#exchange === undefined || this.#phase !== 'exchange') return;
    this.#reading?.parser.skipBody(bytes);
    this.#exchange.onBodyRelayed(bytes);
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.#phase === 'lingering') this.#linger?.onPeerEnd();
    else if (this.#exchange?.hasRequestEnded === true) this.#exchange.onMove();
    else if (this.#ahead === undefined) this.#finish();
  }

  onDrain(): void {
    if (this.#exchange !== undefined) this.#exchange.onClientDrain();
    else this.#goOn();
  }

  onClose(): void {
    if (this.#phase === 'closed') return;
    this.#leave('closed');
    this.#linger?.stop();
    this.#exchange?.fail('client-gone');
    this.#giveBack();
    this.#keeper.onGone(this);
  }

  // --- for the exchange ---

  get bodyLeft(): number {
    return this.#reading?.parser.bodyLeft ?? 0;
  }

  watch(): void {
    const limit = this.#exchange?.limit();
    if (limit === undefined) {
      this.#reading?.deadline.disarm();
      return;
    }
    const leftMs = Math.max(0, limit.dueMs - this.#edge.transport.nowMs());
    this.#reading?.deadline.arm(this.#exchange?.isRelaying === true ? Math.min(relayLookMs, leftMs) : leftMs);
  }

  holdBody(isHeld: boolean): void {
    this.#isBodyHeld = isHeld;
    this.#updateReading();
  }

  sendPage(page: OwnPage): number {
    const { head, closes } = page;
    return writeOwnPage(this.#edge, this.stream, page, {
      accept: head.fields.first(fieldIds.accept),
      isHead: head.method === 'HEAD',
      connection: closes ? 'close' : head.minorVersion === 0 ? 'keep-alive' : undefined,
    });
  }

  onExchangeOver(fate: Fate): void {
    this.#exchange = undefined;
    if (this.#phase === 'closed') return;
    if (fate === 'cut' || fate === 'reset') this.#cut(fate);
    else if (fate === 'close') this.#startLinger(this.#hasSaidAll);
    else {
      this.#phase = 'idle';
      if (this.#reading?.head !== undefined) this.#edge.handoff?.onAnswered(this, this.#reading.head);
      this.#isBodyHeld = false;
      this.#updateReading();
      this.#goOn();
      this.#rest();
    }
  }

  detach(): Buffer | undefined {
    this.#leave('tunnel');
    this.#giveBack();
    const bytes = this.#ahead?.bytes;
    this.#ahead = undefined;
    return bytes;
  }

  onTunnelGone(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#keeper.onGone(this);
  }

  // --- for the hand-off ---

  get isAtRest(): boolean {
    const isIdle = this.#phase === 'idle' && this.#reading === undefined && this.#ahead === undefined;
    return isIdle && !this.hasEnded && this.stream.pendingBytes === 0;
  }

  onHandedOver(away: AwayConnection): void {
    this.#leave('away');
    this.#away = away;
  }

  onHandedBack(stream: ByteStream, hasIdled: boolean): void {
    this.#away = undefined;
    this.stream = stream;
    stream.handler = this;
    this.#phase = 'idle';
    (hasIdled ? this.#edge.returners : this.#edge.idlers).add(this);
  }

  onHandedBackToEnd(stream: ByteStream): void {
    this.onHandedBack(stream, false);
    this.#startLinger();
  }

  // --- for the server ---

  /** What never ends by itself ends now, as its client understands it, and so does a connection between requests. */
  endGracefully(): void {
    if (this.#phase === 'idle') this.#startLinger();
    else this.#exchange?.endGracefully();
  }

  /** There is no room for this connection. */
  turnAway(): void {
    const { status, message } = judgeFailure('too-many-connections');
    this.#refuse('too-many-connections', { status, reason: message });
  }

  /** The router ends now, whatever runs. */
  cut(): void {
    if (this.#away !== undefined) {
      this.#edge.handoff?.cut(this.#away);
      this.onClose();
      return;
    }
    this.#exchange?.cut();
    // An answer that was just written leaves as far as the kernel takes it.
    if (this.#phase !== 'closed') this.#cut('cut');
  }

  /** It waited too long for a request. */
  onIdleTooLong(): void {
    this.#startLinger();
  }

  // --- what the client sends ---

  onRequestHead(head: RequestHead): void {
    this.#edge.requests++;
    this.#leave('exchange');
    const exchange = new Exchange(this.#edge, this, head);
    this.#exchange = exchange;
    exchange.begin();
  }

  onRequestBody(bytes: Buffer, start: number, end: number): void {
    this.#exchange?.onBody(bytes, start, end);
  }

  onRequestTrailers(fields: Fields): void {
    this.#exchange?.onTrailers(fields);
  }

  onRequestEnd(): void {
    this.#exchange?.onRequestEnd();
  }

  onRequestRefused(refusal: Refusal): void {
    if (this.#exchange !== undefined) this.#exchange.fail('client-malformed', refusal);
    else this.#refuse('client-malformed', refusal);
  }

  #feed(bytes: Buffer, start: number, end: number): void {
    const reading = (this.#reading ??= this.#beginReading());
    this.#isFeeding = true;
    let at = start;
    while (at < end && this.#isReading) {
      // The answer to this request, or the client's reading of earlier ones, comes first.
      const mustWait = this.#exchange === undefined ? this.stream.isBlocked : this.#exchange.hasRequestEnded;
      if (mustWait && this.#exchange?.isAlone === true) {
        this.#exchange.fail('client-malformed', moreBytes);
        break;
      }
      if (mustWait) {
        this.#stash(bytes, at, end);
        break;
      }
      at = reading.parser.execute(bytes, at, end);
    }
    this.#isFeeding = false;
    this.#exchange?.onReadOut();
    if (this.#phase === 'idle' && !reading.parser.isIdle) {
      this.#leave('head');
      reading.beginHead(this.#edge.transport.nowMs(), this.#edge.settings.headerTimeoutMs);
    }
    this.#rest();
  }

  #beginReading(): RequestReading {
    const reading = this.#edge.requestReadings.lend(this);
    reading.startedMs = this.#edge.transport.nowMs();
    return reading;
  }

  /** Goes to another phase; the place among those that wait is lost. */
  #leave(phase: Phase): void {
    this.#phase = phase;
    this.line?.remove(this);
  }

  /** Where nothing is under way, waits with the others, and gives back what another can use meanwhile. */
  #rest(): void {
    if (this.#isFeeding || this.#phase === 'head' || this.#phase === 'exchange') return;
    if (this.#phase !== 'idle') this.#giveBack();
    else {
      if (this.line === undefined) this.#edge.idlers.add(this);
      // Empty lines before a request are counted until it comes.
      if (this.#reading?.parser.isFresh === true) this.#giveBack();
    }
  }

  #giveBack(): void {
    const reading = this.#reading;
    if (reading === undefined || this.#isFeeding) return;
    this.#reading = undefined;
    this.#edge.requestReadings.takeBack(reading);
  }

  get #isReading(): boolean {
    return this.#phase === 'idle' || this.#phase === 'head' || this.#phase === 'exchange';
  }

  #stash(bytes: Buffer, start: number, end: number): void {
    if (this.#ahead === undefined) this.#ahead = new ReadAhead(bytes, start, end);
    else this.#ahead.add(bytes, start, end);
    this.#updateReading();
  }

  /** The next request may be read: first what came already, then what comes. */
  #goOn(): void {
    if (this.#isFeeding || !this.#isReading) return;
    const bytes = this.#ahead?.bytes;
    if (bytes !== undefined && !this.stream.isBlocked) {
      this.#ahead = undefined;
      this.#updateReading();
      this.#feed(bytes, 0, bytes.length);
    }
    if (this.isAtEnd && this.#exchange?.hasRequestEnded !== true) this.#finish();
  }

  /** The client said all it has to say. */
  #finish(): void {
    this.#reading?.parser.finish();
    if (this.#phase === 'idle' || this.#phase === 'head') this.#startLinger();
  }

  /** It asked for the connection's end with its request, which came whole, and nothing behind it. */
  get #hasSaidAll(): boolean {
    const { head, parser } = this.#reading ?? {};
    return head?.keepAlive === false && parser?.isFresh === true && this.#ahead === undefined && !this.#isFeeding;
  }

  #updateReading(): void {
    const isPaused = this.#isBodyHeld || this.#ahead?.isFull === true;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.stream.pause();
    else this.stream.resume();
  }

  // --- endings ---

  #refuse(cause: FailureCause, refusal: Refusal): void {
    const startedMs = this.#reading?.startedMs ?? this.#edge.transport.nowMs();
    refuse(this.#edge, this.stream, { cause, refusal, startedMs });
    this.#startLinger();
  }

  #startLinger(isLast = false): void {
    this.#leave('lingering');
    this.#giveBack();
    this.#ahead = undefined;
    this.#linger = new Linger(this.stream, this.#edge);
    this.#linger.begin(this.hasEnded, isLast);
  }

  #cut(how: 'cut' | 'reset'): void {
    this.#leave('closed');
    this.#giveBack();
    this.#linger?.stop();
    if (how === 'reset') this.stream.reset();
    else this.stream.destroy();
    this.#keeper.onGone(this);
  }

  onDeadline(): void {
    if (this.#phase === 'head') this.#onHeadDeadline();
    else if (this.#phase === 'exchange') this.#onExchangeDeadline();
  }

  #onHeadDeadline(): void {
    const { settings, transport } = this.#edge;
    if (this.#reading?.isHeadDue(transport.nowMs(), settings.headerTimeoutMs) !== true) return;
    const { status, message } = judgeFailure('client-slow-head');
    this.#refuse('client-slow-head', { status, reason: message });
  }

  #onExchangeDeadline(): void {
    const limit = this.#exchange?.limit();
    if (limit === undefined) return;
    if (limit.dueMs > this.#edge.transport.nowMs()) this.watch();
    else this.#exchange?.fail(limit.cause);
  }
}
