// The life of one request, top to bottom: find the app, hold the body, get a worker, send, pass the answer on; and
// what becomes of it when any of these fails. It is the only place that acts on both connections.
import type { Buffer } from 'node:buffer';
import type { Timer } from '../../lib/clock.ts';
import { judgePatience, type Limit, type Situation } from '../core/patience.ts';
import { requestIdOf, writeRequestHead } from '../core/request-fields.ts';
import { isIdempotent } from '../core/retry.ts';
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { Fields, Refusal, RequestHead, ResponseHead } from '../http1/message.ts';
import { Answer } from './answer.ts';
import { Assignment, type AssignmentOwner } from './assignment.ts';
import type { Edge } from './edge.ts';
import { EventStream } from './event-stream.ts';
import type { ExchangeClient, Fate } from './exchange-client.ts';
import { describeRequest, recordExchange } from './exchange-record.ts';
import { RequestBody } from './request-body.ts';
import { Tunnel, type TunnelResult } from './tunnel.ts';
import type { UpstreamConnection, UpstreamFault } from './upstream-connection.ts';

/** A chunked body's request waits this long at most for the body's end, which proves that it is well-formed. */
const longestHoldMs = 100;

/** `holding`: for the body. `assigning`: a worker is looked for. `over`: nothing more happens. */
type Stage = 'holding' | 'assigning' | 'sending' | 'tunnel' | 'over';

interface Ending {
  readonly status: number;
  readonly fate: Fate;
  readonly cause?: FailureCause;
  readonly detail?: string;
  readonly endedBy?: 'router';
}

export class Exchange implements AssignmentOwner {
  readonly requestId: string;
  readonly #edge: Edge;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #answer: Answer;
  readonly #body: RequestBody;
  readonly #startedMs: number;
  #stage: Stage = 'holding';
  /** When anything last moved, and when the client last sent something. */
  #movedMs: number;
  #clientMovedMs: number;
  #assignment: Assignment | undefined;
  #tunnel: Tunnel | undefined;
  #events: EventStream | undefined;
  #holdTimer: Timer | undefined;
  /** The client connection ends after the answer. */
  #closes = false;
  #isBodyHeld = false;
  #isAnswerHeld = false;
  #hasRequestEnded = false;

  constructor(edge: Edge, client: ExchangeClient, head: RequestHead) {
    this.#edge = edge;
    this.#client = client;
    this.#head = head;
    this.#answer = new Answer(edge, client.stream, { isHead: head.method === 'HEAD', minorVersion: head.minorVersion });
    this.#body = new RequestBody(edge.writer, head.framing, isIdempotent(head.method));
    this.requestId = (client.isTrusted ? requestIdOf(head) : undefined) ?? edge.requestIds.next();
    this.#startedMs = this.#movedMs = this.#clientMovedMs = edge.transport.nowMs();
  }

  get fraction(): number {
    return this.#client.fraction;
  }

  /** The request was read whole; what comes next on the connection is another one. */
  get hasRequestEnded(): boolean {
    return this.#hasRequestEnded;
  }

  /** Its sender has to wait for the answer: bytes of a next request before that are a desync attack. */
  get isAlone(): boolean {
    return this.#head.expectsContinue || this.#head.minorVersion === 0;
  }

  begin(): void {
    const { host, target, framing, authority, expectsContinue } = this.#head;
    const pool = this.#edge.apps.find(host, target);
    if (pool === undefined) {
      if (authority === '') this.fail('client-malformed', { status: 400, reason: 'The request names no host.' });
      else this.fail('unknown-host', { status: 404, reason: `No app is served as ${host} under this path.` });
      return;
    }
    this.#assignment = new Assignment(this.#edge, pool, this, isIdempotent(this.#head.method));
    const { reason } = pool.route;
    if (framing.kind === 'length' && this.#isTooLarge(framing.length)) this.fail('body-too-large');
    // Whoever cannot be served need not send the body first.
    else if (expectsContinue && pool.isDown) this.fail('app-down', undefined, reason);
    else if (expectsContinue) this.#askForBody();
    else if (framing.kind === 'chunked') this.#hold();
    else this.#dispatch();
  }

  // --- from the client ---

  onBody(bytes: Buffer, start: number, end: number): void {
    const body = this.#body;
    body.receivedBytes += end - start;
    this.#movedMs = this.#clientMovedMs = this.#edge.transport.nowMs();
    if (this.#isTooLarge(body.receivedBytes)) {
      this.fail('body-too-large');
    } else if (this.#stage === 'sending') {
      this.#sendBody(bytes, start, end);
    } else if (this.#stage === 'holding' || this.#stage === 'assigning') {
      body.hold(bytes, start, end);
      if (body.isFull) this.#holdBody(true);
      if (this.#stage === 'holding') this.#onHeldBody();
    }
  }

  onTrailers(fields: Fields): void {
    this.#body.holdTrailers(fields);
  }

  onRequestEnd(): void {
    this.#hasRequestEnded = true;
    this.#body.hasEnded = true;
    const upstream = this.#assignment?.upstream;
    if (this.#stage === 'holding') {
      this.#dispatch();
    } else if (this.#stage === 'sending' && upstream !== undefined && this.#head.framing.kind !== 'none') {
      this.#body.sendEnd(upstream.stream);
      this.#client.watch();
    }
  }

  onMalformed(refusal: Refusal): void {
    this.fail('client-malformed', refusal);
  }

  /** The client ended its direction; it may still read. */
  onClientEnd(): void {
    this.#movedMs = this.#edge.transport.nowMs();
    this.#client.watch();
  }

  onClientGone(): void {
    this.fail('client-gone');
  }

  onClientDrain(): void {
    this.#movedMs = this.#edge.transport.nowMs();
    if (this.#isAnswerHeld) {
      this.#isAnswerHeld = false;
      this.#assignment?.upstream?.stream.resume();
    }
    this.#client.watch();
  }

  /** When which failure is due if nothing moves; undefined: something else keeps the time. */
  limit(): Limit | undefined {
    if (this.#stage === 'tunnel' || this.#stage === 'over') return undefined;
    const isConnecting = this.#assignment?.isConnecting === true;
    const situation: Situation = {
      isClientBlocked: this.#client.stream.isBlocked,
      hasClientEnded: this.#client.hasEnded,
      awaitsBody: !this.#isRequestWhole && !this.#answer.hasBegun && !this.#isBodyHeld,
      // The pool keeps the time of who waits in it.
      awaits: this.#stage === 'sending' ? 'worker' : isConnecting ? 'connection' : 'nothing',
      movedMs: this.#movedMs,
      clientMovedMs: this.#clientMovedMs,
    };
    return judgePatience(situation, this.#edge.settings);
  }

  /** The router ends now. */
  cut(): void {
    if (this.#tunnel === undefined) this.fail('shutdown');
    else this.#tunnel.cut();
  }

  // --- from the assignment ---

  onAssigned(upstream: UpstreamConnection): void {
    const head = this.#head;
    const { writer } = this.#edge;
    const { stream } = upstream;
    this.#stage = 'sending';
    this.#movedMs = this.#edge.transport.nowMs();
    upstream.expect(head.method, head.upgrade !== undefined);
    writer.clear();
    const { address: clientAddress, isTrusted } = this.#client;
    writeRequestHead(writer, head, { clientAddress, isTrusted, requestId: this.requestId }, this.#body.decideFraming());
    this.#body.sendHeld(stream, writer.send(stream));
    this.#holdBody(stream.isBlocked);
    this.#client.watch();
  }

  onUnassigned(cause: FailureCause, reason: string): void {
    this.fail(cause, undefined, reason);
  }

  onWait(): void {
    this.#movedMs = this.#edge.transport.nowMs();
    this.#client.watch();
  }

  // --- from the worker ---

  onConnected(): void {
    this.#assignment?.onConnected();
  }

  onAnswerHead(head: ResponseHead): void {
    this.#movedMs = this.#edge.transport.nowMs();
    if (head.status < 200 && head.status !== 101) {
      // 100 is the router's own affair: the client was told to go on when its body was asked for.
      if (head.status !== 100) this.#answer.interim(head, undefined);
      return;
    }
    this.#assignment?.onAnswered(head.status, this.#movedMs);
    if (head.status === 101) {
      this.#openTunnel(head);
    } else {
      this.#body.dropHeld();
      this.#closes = this.#answer.begin(head, this.#mustClose, this.#generation);
      if (this.#answer.isEventStream) this.#beginEvents();
      if (!this.#isRequestWhole) this.#client.watch();
    }
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): void {
    this.#movedMs = this.#edge.transport.nowMs();
    (this.#events ?? this.#answer).body(bytes, start, end);
    if (!this.#client.stream.isBlocked || this.#isAnswerHeld || this.#stage === 'over') return;
    this.#isAnswerHeld = true;
    this.#assignment?.upstream?.stream.pause();
    this.#client.watch();
  }

  onAnswerTrailers(fields: Fields): void {
    this.#answer.trailers(fields);
  }

  onAnswerEnd(isReusable: boolean): void {
    this.#answer.end();
    const isWhole = this.#isRequestWhole;
    if (this.#isAnswerHeld) this.#assignment?.upstream?.stream.resume();
    this.#assignment?.finish(isReusable && isWhole, this.#movedMs);
    this.#over({ status: this.#answer.status, fate: this.#closes || !isWhole ? 'close' : 'keep' });
  }

  onUpstreamDrain(): void {
    this.#movedMs = this.#edge.transport.nowMs();
    this.#holdBody(false);
  }

  onFault(fault: UpstreamFault, reason: string): void {
    if (fault === 'unreachable') {
      this.#assignment?.onUnreachable(reason);
      return;
    }
    const mayReplay = fault === 'closed' && !this.#answer.hasBegun;
    const isReplayed = mayReplay && this.#assignment?.mayReplay(this.#head.method, this.#body) === true;
    this.#assignment?.onLost(this.#answer.hasBegun || fault === 'garbage', reason);
    if (isReplayed) {
      this.#stage = 'assigning';
      this.#assignment?.replay();
    } else {
      this.fail(fault === 'closed' ? 'worker-closed' : 'worker-garbage', undefined, reason);
    }
  }

  /** Ends the exchange for a reason other than its answer. `page` is told to the client, `detail` only to the log. */
  fail(cause: FailureCause, page?: Refusal, detail = page?.reason ?? ''): void {
    if (this.#stage === 'over' || this.#stage === 'tunnel') return;
    const verdict = judgeFailure(cause);
    if (verdict.blame === 'worker') this.#assignment?.onFailedByWorker();
    if (this.#answer.hasBegun) {
      const fate = this.#answer.endsByClose ? 'reset' : 'cut';
      this.#over({ status: this.#answer.status, fate, cause, detail });
    } else if (verdict.status === 499) {
      this.#over({ status: verdict.status, fate: 'cut', cause, detail });
    } else {
      this.#sendPage(cause, page ?? { status: verdict.status, reason: verdict.message }, detail);
    }
  }

  // --- steps ---

  /** Of the worker that has the request, if clients are to be told. */
  get #generation(): string | undefined {
    return this.#edge.settings.generationHeader ? this.#assignment?.target?.instance : undefined;
  }

  get #isRequestWhole(): boolean {
    const { framing } = this.#head;
    return this.#hasRequestEnded || framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
  }

  /** The connection cannot carry another exchange after this one. */
  get #mustClose(): boolean {
    return (
      !this.#head.keepAlive || !this.#isRequestWhole || this.#edge.retirement !== undefined || this.#client.isAtEnd
    );
  }

  #isTooLarge(bytes: number): boolean {
    const limit = this.#assignment?.pool.route.limitPost ?? 0;
    return limit > 0 && bytes > limit;
  }

  #sendBody(bytes: Buffer, start: number, end: number): void {
    const stream = this.#assignment?.upstream?.stream;
    if (stream === undefined) return;
    this.#body.send(stream, bytes, start, end);
    if (stream.isBlocked) this.#holdBody(true);
  }

  #askForBody(): void {
    this.#answer.continue();
    this.#client.watch();
  }

  #hold(): void {
    this.#holdTimer = this.#edge.transport.after(longestHoldMs, () => {
      this.#holdTimer = undefined;
      if (this.#stage === 'holding') this.#dispatch();
    });
    this.#client.watch();
  }

  #onHeldBody(): void {
    if (this.#head.framing.kind === 'length' || this.#body.isFull) this.#dispatch();
    else if (this.#holdTimer === undefined) this.#hold();
  }

  #dispatch(): void {
    this.#holdTimer?.cancel();
    this.#stage = 'assigning';
    this.#assignment?.start(this.#edge.transport.nowMs());
  }

  #holdBody(isHeld: boolean): void {
    if (this.#isBodyHeld === isHeld) return;
    this.#isBodyHeld = isHeld;
    if (!isHeld) this.#clientMovedMs = this.#edge.transport.nowMs();
    this.#client.holdBody(isHeld);
    this.#client.watch();
  }

  #openTunnel(head: ResponseHead): void {
    const upstream = this.#assignment?.upstream;
    if (upstream === undefined) return;
    this.#answer.interim(head, this.#generation);
    this.#stage = 'tunnel';
    this.#assignment?.detachUpstream();
    const pending = this.#client.detach();
    this.#tunnel = new Tunnel({
      edge: this.#edge,
      holder: this.#assignment,
      client: this.#client.stream,
      worker: upstream.detach(),
      isWebSocket: head.upgrade?.toLowerCase() === 'websocket',
      onOver: (result) => {
        this.#onTunnelOver(result);
      },
      onGone: () => {
        this.#client.onTunnelGone();
      },
    });
    const { handler } = this.#client.stream;
    if (pending !== undefined) handler.onData(pending, 0, pending.length);
  }

  #onTunnelOver({ endedBy, bytesIn, bytesOut }: TunnelResult): void {
    this.#stage = 'over';
    this.#body.receivedBytes = bytesIn;
    this.#answer.bodyBytes = bytesOut;
    this.#assignment?.cancel(this.#edge.transport.nowMs());
    this.#record({ status: 101, endedBy });
  }

  #beginEvents(): void {
    this.#events = new EventStream(this.#edge, this.#assignment, this.#answer, () => {
      const fate = this.#closes || !this.#isRequestWhole ? 'close' : 'keep';
      this.#over({ status: this.#answer.status, fate, endedBy: 'router' });
    });
  }

  #sendPage(cause: FailureCause, { status, reason }: Refusal, detail: string): void {
    const closes = this.#mustClose || cause === 'client-malformed';
    this.#answer.bodyBytes = this.#client.sendPage({
      ...{ cause, status, message: reason, requestId: this.requestId, closes },
      ...{ head: this.#head, generation: this.#generation },
    });
    this.#over({ status, fate: closes ? 'close' : 'keep', cause, detail });
  }

  #over(ending: Ending): void {
    this.#stage = 'over';
    this.#holdTimer?.cancel();
    this.#events?.stop();
    this.#assignment?.cancel(this.#edge.transport.nowMs());
    this.#record(ending);
    this.#client.onExchangeOver(ending.fate);
  }

  #record(ending: { status: number; cause?: FailureCause; detail?: string; endedBy?: string }): void {
    if (ending.cause === undefined && !this.#edge.settings.accessLog) return;
    recordExchange(this.#edge, {
      ...describeRequest(this.#head, this.#assignment),
      status: ending.status,
      bytesIn: this.#body.receivedBytes,
      bytesOut: this.#answer.bodyBytes,
      startedMs: this.#startedMs,
      client: this.#client.address,
      requestId: this.requestId,
      cause: ending.cause,
      detail: ending.detail ?? '',
      endedBy: ending.endedBy,
    });
  }
}
