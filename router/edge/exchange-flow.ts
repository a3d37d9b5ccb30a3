// How the bytes of one exchange move between its two connections: when any last did, whose sender is stopped because its
// receiver is behind, and what of a large body goes past us. It knows how long nothing may move, and nothing of what moves.
import { judgePatience, type Limit, type Situation } from '../core/patience.ts';
import type { ByteStream } from '../transports/transport.ts';
import { BodyRelay } from './body-relay.ts';
import type { Edge } from './edge.ts';
import type { ExchangeClient } from './exchange-client.ts';

/** All that it takes of the client connection. */
export type FlowClient = Pick<ExchangeClient, 'stream' | 'hasEnded' | 'bodyLeft' | 'watch' | 'holdBody'>;

export class ExchangeFlow {
  readonly #edge: Pick<Edge, 'transport' | 'settings'>;
  readonly #client: FlowClient;
  readonly #startedMs: number;
  /** When anything last moved, and when the client last sent something. */
  #movedMs: number;
  #clientMovedMs: number;
  #bodyRelay: BodyRelay | undefined;
  #answerRelay: BodyRelay | undefined;
  #isBodyHeld = false;
  #isAnswerHeld = false;

  constructor(edge: Pick<Edge, 'transport' | 'settings'>, client: FlowClient) {
    this.#edge = edge;
    this.#client = client;
    this.#startedMs = this.#movedMs = this.#clientMovedMs = edge.transport.nowMs();
  }

  /** Since it began. */
  get elapsedMs(): number {
    return this.#edge.transport.nowMs() - this.#startedMs;
  }

  /** When anything last moved. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Something moved. */
  onMove(): void {
    this.#movedMs = this.#edge.transport.nowMs();
  }

  /** The client sent something. */
  onClientMove(): void {
    this.#movedMs = this.#clientMovedMs = this.#edge.transport.nowMs();
  }

  // --- the request's body ---

  /** Stops the client, or lets it go on: its time to send begins anew. */
  holdBody(isHeld: boolean): void {
    if (this.#isBodyHeld === isHeld) return;
    this.#isBodyHeld = isHeld;
    if (!isHeld) this.#clientMovedMs = this.#edge.transport.nowMs();
    this.#client.holdBody(isHeld);
    this.#client.watch();
  }

  /** Lets most of what is left of the body go past us to the worker, where that pays and can be now. */
  relayBody(to: ByteStream): void {
    if (this.#bodyRelay !== undefined || this.#isBodyHeld || to.isBlocked) return;
    this.#bodyRelay = BodyRelay.begin({ from: this.#client.stream, to }, this.#client.bodyLeft);
    if (this.#bodyRelay !== undefined) this.#client.watch();
  }

  onBodyRelayed(): void {
    this.#bodyRelay = undefined;
    this.onClientMove();
    this.#client.watch();
  }

  // --- the answer's ---

  /** A part of the answer was written: stops the worker if the client is behind. */
  stopIfBehind(worker: ByteStream | undefined): void {
    if (!this.#client.stream.isBlocked || this.#isAnswerHeld) return;
    this.#isAnswerHeld = true;
    worker?.pause();
    this.#client.watch();
  }

  /** A worker that was stopped goes on. */
  goOn(worker: ByteStream | undefined): void {
    if (!this.#isAnswerHeld) return;
    this.#isAnswerHeld = false;
    worker?.resume();
  }

  /** As relayBody, of the `bytes` that are still to come of the answer. */
  relayAnswer(from: ByteStream, bytes: number): void {
    if (this.#answerRelay !== undefined || this.#isAnswerHeld || this.#client.stream.isBlocked) return;
    this.#answerRelay = BodyRelay.begin({ from, to: this.#client.stream }, bytes);
    if (this.#answerRelay !== undefined) this.#client.watch();
  }

  onAnswerRelayed(): void {
    this.#answerRelay = undefined;
    this.onMove();
    this.#client.watch();
  }

  // --- both ---

  /** Bytes go past, of which the transport tells only when it is asked. */
  get isRelaying(): boolean {
    return this.#answerRelay !== undefined || this.#bodyRelay !== undefined;
  }

  /** Bytes of the body, and of the answer, that relays moved whose end will not be told any more. */
  get untoldBodyBytes(): number {
    return this.#bodyRelay?.movedBytes ?? 0;
  }

  get untoldAnswerBytes(): number {
    return this.#answerRelay?.movedBytes ?? 0;
  }

  /**
   * When which failure is due if nothing moves; undefined: something else keeps the time. `wantsBody`: more of the body is
   * to come; `awaits`: as in Situation.
   */
  limit(wantsBody: boolean, awaits: Situation['awaits']): Limit | undefined {
    this.#noteRelays();
    return judgePatience(
      {
        isClientBlocked: this.#client.stream.isBlocked || this.#answerRelay?.isReceiverBehind === true,
        hasClientEnded: this.#client.hasEnded,
        awaitsBody: wantsBody && !this.#isWorkerBehind,
        awaits,
        movedMs: this.#movedMs,
        clientMovedMs: this.#clientMovedMs,
      },
      this.#edge.settings,
    );
  }

  get #isWorkerBehind(): boolean {
    return this.#isBodyHeld || this.#bodyRelay?.isReceiverBehind === true;
  }

  #noteRelays(): void {
    if (this.#answerRelay?.hasMoved() === true) this.onMove();
    if (this.#bodyRelay?.hasMoved() === true) this.onClientMove();
  }
}
