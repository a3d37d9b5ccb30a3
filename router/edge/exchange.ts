// The life of one request, top to bottom: find the app, hold the body, get a worker, send, pass the answer on; and
// what becomes of it when any of these fails. It is the only place that acts on both connections.
import type { Buffer } from 'node:buffer';
import { judgeAdmission } from '../core/admission.ts';
import type { Limit } from '../core/patience.ts';
import { requestIdOf, writeRequestHead } from '../core/request-fields.ts';
import { givenId, type RequestId } from '../core/request-ids.ts';
import { hasEncodedNul, writeRequestVariables, type GatewayOrigin } from '../core/request-variables.ts';
import { isIdempotent } from '../core/retry.ts';
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { Fields, Refusal, RequestHead, ResponseHead } from '../http1/message.ts';
import { Answer } from './answer.ts';
import { Assignment, type AssignmentOwner } from './assignment.ts';
import type { Edge } from './edge.ts';
import { EventStream } from './event-stream.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { endWithoutPage, type Ending } from './exchange-ending.ts';
import { ExchangeFlow } from './exchange-flow.ts';
import { describeExchange, recordExchange, type Outcome } from './exchange-record.ts';
import { RequestBody } from './request-body.ts';
import type { ReadExchange } from './request-reading.ts';
import type { Tunnel, TunnelResult } from './tunnel.ts';
import { openTunnel } from './upgrade.ts';
import type { UpstreamConnection, UpstreamFault } from './upstream-connection.ts';

/** `holding`: for the body. `assigning`: a worker is looked for. `over`: nothing more happens. */
type Stage = 'holding' | 'assigning' | 'sending' | 'tunnel' | 'over';

export class Exchange implements AssignmentOwner, ReadExchange {
  readonly requestId: RequestId;
  readonly #edge: Edge;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #answer: Answer;
  readonly #body: RequestBody;
  readonly #flow: ExchangeFlow;
  /** Of the domain that it was routed by. */
  #prefix = '';
  #stage: Stage = 'holding';
  #assignment: Assignment | undefined;
  #tunnel: Tunnel | undefined;
  #events: EventStream | undefined;
  /** The client connection ends after the answer. */
  #closes = false;

  constructor(edge: Edge, client: ExchangeClient, head: RequestHead) {
    this.#edge = edge;
    this.#client = client;
    this.#head = head;
    this.#answer = new Answer(edge, client.stream, head);
    this.#body = new RequestBody(edge.writer, head.framing, isIdempotent(head.method));
    const given = client.isTrusted ? requestIdOf(head) : undefined;
    this.requestId = given === undefined ? edge.requestIds.next() : givenId(given);
    this.#flow = new ExchangeFlow(edge, client);
  }

  get fraction(): number {
    return this.#client.fraction;
  }

  get hasRequestEnded(): boolean {
    return this.#body.hasEnded;
  }

  get isAlone(): boolean {
    return this.#head.expectsContinue || this.#head.minorVersion === 0;
  }

  begin(): void {
    const head = this.#head;
    const mount = this.#edge.apps.find(head.host, head.target);
    if (mount !== undefined) {
      this.#prefix = mount.prefix;
      this.#assignment = new Assignment(this.#edge, mount.app, this, isIdempotent(head.method));
    }
    const admission = judgeAdmission(head, mount?.app);
    if (typeof admission === 'object') {
      this.fail(admission.cause, admission.page, admission.detail);
    } else if (admission === 'invite') {
      this.#invite();
    } else if (admission === 'serve') {
      this.#dispatch();
    }
  }

  // --- from the client ---

  onBody(bytes: Buffer, start: number, end: number): void {
    const body = this.#body;
    body.receivedBytes += end - start;
    this.#flow.onClientMove();
    const { pool, upstream } = this.#assignment ?? {};
    if (pool?.isTooLarge(body.receivedBytes) === true) {
      this.fail('body-too-large');
    } else if (this.#stage === 'sending' && upstream !== undefined) {
      body.send(upstream.stream, bytes, start, end);
      if (upstream.stream.isBlocked) this.#flow.holdBody(true);
    } else if (this.#stage === 'holding' || this.#stage === 'assigning') {
      body.hold(bytes, start, end);
      if (body.isFull) this.#flow.holdBody(true);
      if (this.#stage === 'holding' && body.isHeldEnough) this.#dispatch();
    }
  }

  /** All that arrived was read. */
  onReadOut(): void {
    this.#body.keep();
    if (this.#client.bodyLeft > 0) this.#relayBody();
    const isAsked = this.#head.expectsContinue && this.#body.receivedBytes === 0;
    if (this.#stage !== 'holding' || this.#body.isEndAwaited || isAsked) return;
    this.#body.awaitEnd(this.#edge.transport, () => {
      if (this.#stage === 'holding') this.#dispatch();
    });
    this.#client.watch();
  }

  /** The relay of its body is over; so many bytes went past. */
  onBodyRelayed(bytes: number): void {
    this.#body.countRelayed(bytes);
    this.#flow.onBodyRelayed();
  }

  onTrailers(fields: Fields): void {
    this.#body.holdTrailers(fields);
  }

  onRequestEnd(): void {
    this.#body.hasEnded = true;
    const upstream = this.#assignment?.upstream;
    if (this.#stage === 'holding') {
      this.#dispatch();
    } else if (this.#stage === 'sending' && upstream !== undefined && this.#head.framing.kind !== 'none') {
      this.#body.sendEnd(upstream.stream);
      this.#client.watch();
    }
  }

  onClientDrain(): void {
    this.#flow.goOn(this.#assignment?.upstream?.stream);
    this.onMove();
  }

  /** Something moved, or something else is waited for than before. */
  onMove(): void {
    this.#flow.onMove();
    this.#client.watch();
  }

  limit(): Limit | undefined {
    if (this.#stage === 'tunnel' || this.#stage === 'over') return undefined;
    const wantsBody = !this.#body.isWhole && !this.#answer.hasBegun && !this.#awaitsContinue;
    const isConnecting = this.#assignment?.isConnecting === true;
    // The pool keeps the time of who waits in it.
    return this.#flow.limit(wantsBody, this.#stage === 'sending' ? 'worker' : isConnecting ? 'connection' : 'nothing');
  }

  get isRelaying(): boolean {
    return this.#flow.isRelaying;
  }

  /** It never ends by itself, and is to end as its client understands it; any other exchange just goes on. */
  endGracefully(): void {
    (this.#tunnel ?? this.#events)?.endGracefully();
  }

  /** The router ends now. */
  cut(): void {
    if (this.#tunnel === undefined) this.fail('shutdown');
    else this.#tunnel.cut();
  }

  // --- from the assignment ---

  onAssigned(upstream: UpstreamConnection): void {
    const { isGateway } = upstream.target;
    if (isGateway && hasEncodedNul(this.#head.target)) {
      // Nothing was sent: the next request may have it.
      this.#assignment?.finish(true, this.#flow.movedMs);
      this.fail('path-with-nul');
      return;
    }
    const { writer } = this.#edge;
    const { stream } = upstream;
    this.#stage = 'sending';
    this.#flow.onMove();
    // Its app had gateway workers when the request came, and has others now. Before anything is written for the worker.
    if (!isGateway && this.#awaitsContinue) this.#invite();
    upstream.expect(this.#head.method, this.#head.upgrade !== undefined && !isGateway);
    writer.clear();
    if (isGateway) {
      this.#writeVariables();
    } else {
      const { address: clientAddress, isTrusted } = this.#client;
      const origin = { clientAddress, isTrusted, requestId: this.requestId };
      writeRequestHead(writer, this.#head, origin, this.#body.decideFraming(true));
    }
    this.#body.sendHeld(stream, writer.send(stream));
    this.#flow.holdBody(stream.isBlocked);
    this.#client.watch();
  }

  // --- from the worker ---

  onAnswerHead(head: ResponseHead): void {
    this.#flow.onMove();
    if (head.status < 200 && head.status !== 101) {
      this.#onInterim(head);
      return;
    }
    this.#assignment?.onAnswered(head.status, this.#flow.movedMs);
    if (head.status === 101) {
      this.#openTunnel(head);
    } else {
      this.#body.dropHeld();
      this.#closes = this.#answer.begin(head, this.#mustClose, this.#assignment?.generation);
      if (this.#answer.isEventStream) this.#beginEvents();
      if (!this.#body.isWhole) this.#client.watch();
    }
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): void {
    this.#flow.onMove();
    (this.#events ?? this.#answer).body(bytes, start, end);
    if (this.#stage !== 'over') this.#flow.stopIfBehind(this.#assignment?.upstream?.stream);
  }

  onAnswerLeft(bytes: number): void {
    const from = this.#assignment?.upstream?.stream;
    if (this.#stage === 'sending' && from !== undefined) this.#flow.relayAnswer(from, bytes);
  }

  onAnswerRelayed(bytes: number): void {
    this.#answer.bodyBytes += bytes;
    this.#flow.onAnswerRelayed();
  }

  onAnswerTrailers(fields: Fields): void {
    this.#answer.trailers(fields);
  }

  onAnswerEnd(isReusable: boolean): void {
    this.#answer.end();
    this.#flow.goOn(this.#assignment?.upstream?.stream);
    this.#assignment?.finish(isReusable && this.#body.isWhole, this.#flow.movedMs);
    this.#over({ status: this.#answer.status, fate: this.#fateOfAnswered });
  }

  onUpstreamDrain(): void {
    this.#flow.onMove();
    this.#flow.holdBody(false);
  }

  onFault(fault: UpstreamFault, reason: string): void {
    if (this.#answer.hasBegun || fault === 'garbage') {
      this.#assignment?.onLostAnswered();
    } else if (this.#assignment?.onLost(this.#head.method, this.#body, reason) === true) {
      this.#stage = 'assigning';
      this.#assignment.replay();
      return;
    }
    this.fail(fault === 'closed' ? 'worker-closed' : 'worker-garbage', undefined, reason);
  }

  /** Ends the exchange for a reason other than its answer. `page` is told to the client, `detail` only to the log. */
  fail(cause: FailureCause, page?: Refusal, detail = page?.reason ?? ''): void {
    if (this.#stage === 'over' || this.#stage === 'tunnel') return;
    const { blame, status, message } = judgeFailure(cause);
    if (blame === 'worker') this.#assignment?.onFailedByWorker();
    const ending = endWithoutPage(cause, this.#answer, detail);
    if (ending !== undefined) this.#over(ending);
    else this.#sendPage(cause, page ?? { status, reason: message }, detail);
  }

  // --- steps ---

  get #fateOfAnswered(): 'close' | 'keep' {
    return this.#closes || !this.#body.isWhole ? 'close' : 'keep';
  }

  /** The connection cannot carry another exchange after this one. */
  get #mustClose(): boolean {
    return !this.#head.keepAlive || !this.#body.isWhole || this.#edge.retirement !== undefined || this.#client.isAtEnd;
  }

  /** Its client waits for the word of a worker to send its body. */
  get #awaitsContinue(): boolean {
    return this.#head.expectsContinue && !this.#answer.isInvited && this.#body.receivedBytes === 0;
  }

  #writeVariables(): void {
    const { writer, settings } = this.#edge;
    const { address: clientAddress, isTrusted, stream } = this.#client;
    const origin: GatewayOrigin = {
      clientAddress,
      isTrusted,
      requestId: this.requestId,
      remotePort: stream.remotePort,
      localPort: stream.localPort,
      proxies: settings.trustedProxies,
      prefix: this.#prefix,
      awaitsContinue: this.#awaitsContinue,
    };
    writeRequestVariables(writer, this.#head, origin, this.#body.decideFraming(false));
  }

  #onInterim(head: ResponseHead): void {
    if (head.status !== 100) this.#answer.interim(head, undefined);
    // Else whoever asked for the body, the router or an earlier 100, has said so to the client.
    else if (this.#awaitsContinue) this.#invite();
  }

  #invite(): void {
    this.#answer.continue();
    this.#flow.onClientMove();
    this.#client.watch();
  }

  #dispatch(): void {
    this.#body.stopAwaitingEnd();
    this.#stage = 'assigning';
    this.#assignment?.start(this.#edge.transport.nowMs());
  }

  /** Not what may have to be sent again, nor before a tunnel, which takes the streams as they are. */
  #relayBody(): void {
    const to = this.#assignment?.upstream?.stream;
    if (this.#stage !== 'sending' || to === undefined) return;
    if (!this.#body.isReplayable && this.#head.upgrade === undefined) this.#flow.relayBody(to);
  }

  #openTunnel(head: ResponseHead): void {
    const assignment = this.#assignment;
    if (assignment?.upstream === undefined) return;
    this.#answer.interim(head, assignment.generation);
    this.#stage = 'tunnel';
    this.#tunnel = openTunnel(this.#edge, {
      ...{ client: this.#client, assignment, upstream: assignment.upstream, protocol: head.upgrade ?? '' },
      onOver: this.#onTunnelOver.bind(this),
    });
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
      this.#over({ status: this.#answer.status, fate: this.#fateOfAnswered, endedBy: 'router' });
    });
  }

  #sendPage(cause: FailureCause, { status, reason }: Refusal, detail: string): void {
    const closes = this.#mustClose || cause === 'client-malformed';
    this.#answer.bodyBytes = this.#client.sendPage({
      ...{ cause, status, message: reason, requestId: this.requestId.text, closes },
      ...{ head: this.#head, generation: this.#assignment?.generation },
    });
    this.#over({ status, fate: closes ? 'close' : 'keep', cause, detail });
  }

  #over(ending: Ending): void {
    this.#stage = 'over';
    this.#body.receivedBytes += this.#flow.untoldBodyBytes;
    this.#answer.bodyBytes += this.#flow.untoldAnswerBytes;
    this.#body.stopAwaitingEnd();
    this.#events?.stop();
    this.#assignment?.cancel(this.#edge.transport.nowMs());
    this.#record(ending);
    this.#client.onExchangeOver(ending.fate);
  }

  #record(outcome: Outcome): void {
    if (outcome.cause === undefined && !this.#edge.settings.accessLog) return;
    const record = describeExchange(this.#head, this.#assignment, outcome, {
      bytesIn: this.#body.receivedBytes,
      bytesOut: this.#answer.bodyBytes,
      durationMs: this.#flow.elapsedMs,
      client: this.#client.address,
      requestId: this.requestId.text,
    });
    recordExchange(this.#edge, record);
  }
}
