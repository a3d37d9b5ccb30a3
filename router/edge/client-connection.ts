// One connection of a client: one exchange at a time, and what becomes of it between two and behind the last. It never
// drops an answer that the client could still read. Between requests it is a few references: what reads a request is lent,
// and one deadline watches all that wait.
import type { Buffer } from 'node:buffer';
import type { Refusal, RequestHead } from '../http1/message.ts';
import type { Streak } from '../core/handoff.ts';
import type { FailureCause } from '../core/triage.ts';
import type { ByteStream, StreamHandler } from '../transports/transport.ts';
import type { Edge } from './edge.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeClient, Fate, OwnPage } from './exchange-client.ts';
import type { LastingStream } from './farewells.ts';
import type { AwayConnection, HandoffClient } from './handoff/away-connection.ts';
import type { IdleClient, IdleLine } from './idle-line.ts';
import { Inflow } from './inflow.ts';
import { Linger } from './linger.ts';
import { answerWithPage, refuse } from './own-answer.ts';
import type { RequestReader, RequestReading } from './request-reading.ts';

/**
 * `idle`: between requests. `head`: within a request head. `exchange`: from its end to the answer's. `away`: with a
 * worker, and `stream` is of no use.
 */
type Phase = 'idle' | 'head' | 'exchange' | 'tunnel' | 'away' | 'lingering' | 'closed';

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
  /** Of the present stream; made where something that the client sends has to wait. */
  #inflow: Inflow | undefined;

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
    return this.hasEnded && this.#inflow?.ahead === undefined;
  }

  onConnect(): void {
    // Only connections that we open are told.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'lingering') {
      this.#linger?.onData(end - start);
    } else if (this.#phase !== 'closed') {
      if (this.#inflow?.ahead === undefined) this.#feed(bytes, start, end);
      else this.#inflow.keep(bytes, start, end);
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
    else if (this.#inflow?.ahead === undefined) this.#finish();
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
    this.#reading?.watch();
  }

  holdBody(isHeld: boolean): void {
    this.#inflow ??= new Inflow(this.stream);
    this.#inflow.holdBody(isHeld);
  }

  sendPage(page: OwnPage): number {
    return answerWithPage(this.#edge, this.stream, page);
  }

  onExchangeOver(fate: Fate): void {
    this.#exchange = undefined;
    this.#reading?.endExchange();
    if (this.#phase === 'closed') return;
    if (fate === 'cut' || fate === 'reset') this.#cut(fate);
    else if (fate === 'close') this.#startLinger(this.#hasSaidAll);
    else {
      this.#phase = 'idle';
      if (this.#reading?.head !== undefined) this.#edge.handoff?.onAnswered(this, this.#reading.head);
      this.#inflow?.holdBody(false);
      this.#goOn();
      this.#rest();
    }
  }

  detach(): Buffer | undefined {
    this.#leave('tunnel');
    this.#giveBack();
    const bytes = this.#inflow?.ahead;
    this.#inflow = undefined;
    return bytes;
  }

  onTunnelGone(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#keeper.onGone(this);
  }

  // --- for the hand-off ---

  get isAtRest(): boolean {
    const isIdle = this.#phase === 'idle' && this.#reading === undefined && this.#inflow?.ahead === undefined;
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
    this.#refuse('too-many-connections');
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

  get isReading(): boolean {
    return this.#phase === 'idle' || this.#phase === 'head' || this.#phase === 'exchange';
  }

  openExchange(head: RequestHead): Exchange {
    this.#edge.requests++;
    this.#leave('exchange');
    this.#exchange = new Exchange(this.#edge, this, head);
    return this.#exchange;
  }

  onTooEarly(bytes: Buffer, start: number, end: number): void {
    this.#inflow ??= new Inflow(this.stream);
    this.#inflow.keep(bytes, start, end);
  }

  onRequestRefused(refusal: Refusal): void {
    this.#refuse('client-malformed', refusal);
  }

  onHeadOverdue(): void {
    this.#refuse('client-slow-head');
  }

  #feed(bytes: Buffer, start: number, end: number): void {
    const reading = (this.#reading ??= this.#beginReading());
    reading.read(this, bytes, start, end);
    this.#exchange?.onReadOut();
    if (this.#phase === 'idle' && !reading.parser.isIdle) {
      this.#leave('head');
      reading.beginHead();
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
    if (this.#reading?.isBusy === true || this.#phase === 'head' || this.#phase === 'exchange') return;
    if (this.#phase !== 'idle') this.#giveBack();
    else {
      if (this.line === undefined) this.#edge.idlers.add(this);
      if (this.#inflow?.ahead === undefined) this.#inflow = undefined;
      // Empty lines before a request are counted until it comes.
      if (this.#reading?.parser.isFresh === true) this.#giveBack();
    }
  }

  #giveBack(): void {
    const reading = this.#reading;
    if (reading === undefined || reading.isBusy) return;
    this.#reading = undefined;
    reading.endExchange();
    this.#edge.requestReadings.takeBack(reading);
  }

  /** The next request may be read: first what came already, then what comes. */
  #goOn(): void {
    if (this.#reading?.isBusy === true || !this.isReading) return;
    const bytes = this.#inflow?.ahead;
    if (bytes !== undefined && !this.stream.isBlocked) {
      this.#inflow?.drop();
      this.#feed(bytes, 0, bytes.length);
    }
    if (this.isAtEnd && this.#exchange?.hasRequestEnded !== true) this.#finish();
  }

  /** The client said all it has to say. */
  #finish(): void {
    this.#reading?.parser.finish();
    if (this.#phase === 'idle' || this.#phase === 'head') this.#startLinger();
  }

  get #hasSaidAll(): boolean {
    return this.#reading?.hasSaidAll === true && this.#inflow?.ahead === undefined;
  }

  // --- endings ---

  #refuse(cause: FailureCause, refusal?: Refusal): void {
    const startedMs = this.#reading?.startedMs ?? this.#edge.transport.nowMs();
    refuse(this.#edge, this.stream, { cause, refusal, startedMs });
    this.#startLinger();
  }

  #startLinger(isLast = false): void {
    this.#leave('lingering');
    this.#giveBack();
    this.#inflow = undefined;
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
}
