// One request on a connection that was handed over, from its head to the end of its answer: it reaches the app as it
// would by way of the router, and so does its answer the client.
import type { ServerResponse } from 'node:http';
import type { HandoffLogEntry } from '../../../../lib/handoff.ts';
import { composeErrorPage, renderErrorPage, type ErrorPage } from '../../../../lib/error-page.ts';
import { hasNoBody, tellsLength, writeAnswerHead } from './answer-head.ts';
import { countAnswerBody, countRequestBody } from './body-counts.ts';
import { takenRequest, type HttpRequest, type HttpResponse } from './http-internals.ts';
import { isTrailerTaken, type TakenHead } from './request-fields.ts';
import { relayRequest } from './stray.ts';
import type { TakenConnection } from './taken-connection.ts';

export interface PreparedRequest {
  readonly id: string;
  /** Undefined: it is not this app's to answer. */
  readonly head: TakenHead | undefined;
}

type Write = (this: ServerResponse, status: number, reason?: unknown, fields?: unknown) => unknown;

export class TakenRequest {
  readonly request: HttpRequest;
  readonly #connection: TakenConnection;
  readonly #response: HttpResponse;
  readonly #id: string;
  readonly #head: TakenHead | undefined;
  /** The client, and the router, want the connection to go on after the answer. */
  readonly #isKept: boolean;
  readonly #startedMs: number;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Of an answer that is not the app's. */
  #ownStatus = 0;

  constructor(
    connection: TakenConnection,
    request: HttpRequest,
    response: HttpResponse,
    { id, head }: PreparedRequest,
  ) {
    this.request = request;
    this.#connection = connection;
    this.#response = response;
    this.#id = id;
    this.#head = head;
    const { owner } = connection;
    if (owner.hasEnded) response.shouldKeepAlive = false;
    this.#isKept = response.shouldKeepAlive;
    this.#startedMs = owner.isLogged ? performance.now() : 0;
  }

  get isStray(): boolean {
    return this.#head === undefined;
  }

  begin(): void {
    const response = this.#response;
    const { owner, address } = this.#connection;
    response[takenRequest] = this;
    response.on('close', onClose);
    if (this.#head === undefined) {
      this.#connection.onAnswering();
      relayRequest(this.request, response, { tunnel: owner.openTunnel(address), id: this.#id });
    } else if (owner.limitPost > 0 && this.#head.bodyLength > owner.limitPost) {
      this.#refuse();
    } else {
      this.#serve(this.#head);
    }
  }

  /** The connection ended before the answer was whole. */
  cut(): void {
    this.#connection.onRequestOver(this);
  }

  /** The answer is over. */
  onClose(): void {
    this.#connection.onRequestOver(this);
  }

  logEntry(): HandoffLogEntry {
    const response = this.#response;
    const { method = '', url = '' } = this.request;
    const isAnswered = this.#ownStatus > 0 || response.headersSent;
    const status = this.#ownStatus > 0 ? this.#ownStatus : response.statusCode;
    const hasBody = !hasNoBody({ status, isHead: method === 'HEAD' });
    return {
      method,
      host: this.#connection.hostName,
      path: url,
      // As the router's log has it for a client that left before it was answered.
      status: isAnswered ? status : 499,
      bytesIn: this.#bytesIn,
      bytesOut: hasBody ? this.#bytesOut : 0,
      durationMs: Math.round((performance.now() - this.#startedMs) * 100) / 100,
      client: this.#connection.address,
      requestId: this.#id,
      isCut: this.#ownStatus === 0 && !response.writableFinished,
    };
  }

  #serve(head: TakenHead): void {
    const response = this.#response;
    this.#countBodies(head);
    if (head.expectsContinue) response.writeContinue();
    // Nothing is said of a connection that goes on, as by the router.
    if (this.#isKept) response.removeHeader('connection');
    response.writeHead = writeHead;
    response._send = sendFirst;
    this.#connection.server.adopted.emit('request', this.request, response);
  }

  #countBodies({ bodyLength }: TakenHead): void {
    const { owner } = this.#connection;
    const { request } = this;
    if (bodyLength === -1) takeTrailersOf(request);
    if (bodyLength === -1 ? owner.limitPost > 0 || owner.isLogged : bodyLength > 0 && owner.isLogged) {
      const { limitPost } = owner;
      countRequestBody(request, (bytes) => {
        this.#bytesIn += bytes;
        if (limitPost === 0 || this.#bytesIn <= limitPost) return true;
        this.#cutBody();
        return false;
      });
    }
    if (owner.isLogged) {
      countAnswerBody(this.#response, (bytes) => {
        this.#bytesOut += bytes;
      });
    }
  }

  /** Bytes of the answer leave, with its head before them. */
  onSending(): void {
    this.#connection.onAnswering();
  }

  /** The app decides the head of its answer. What its class makes of it becomes the router's, as far as fields go. */
  writeHead(status: number, reason?: unknown, fields?: unknown): void {
    const response = this.#response;
    const { writeHead: write } = Object.getPrototypeOf(response) as { readonly writeHead: Write };
    write.call(response, status, reason, fields);
    this.#finishHead();
  }

  #finishHead(): void {
    const response = this.#response;
    const head = response._header;
    const status = response.statusCode;
    if (typeof head !== 'string' || status < 200) return;
    const isHead = this.request.method === 'HEAD';
    const closes = this.#isLast(head, { status, isHead });
    if (closes) this.#connection.expectEnd();
    const { generation } = this.#connection.owner;
    const date = response.sendDate ? undefined : new Date().toUTCString();
    response._header = writeAnswerHead(head, { status, isHead, closes, generation, date });
  }

  /** Whether the connection ends after the answer, which Node is told too. */
  #isLast(head: string, facts: { readonly status: number; readonly isHead: boolean }): boolean {
    const response = this.#response;
    // The router may have died while the app was at work.
    if (!this.#isKept || this.#connection.owner.hasEnded) response._last = true;
    else if (response._last === true) {
      // An app that says close means its connection with the router. Only a body without a length has to end so.
      const isDelimited = response.chunkedEncoding || hasNoBody(facts) || tellsLength(head);
      if (isDelimited) response._last = false;
    }
    return response._last === true;
  }

  get #page(): ErrorPage {
    return {
      status: 413,
      code: 'body-too-large',
      message: 'The request body is larger than this app accepts.',
      requestId: this.#id,
      retryAfter: 0,
      generation: undefined,
    };
  }

  /** Instead of the app. The body is not waited for. */
  #refuse(): void {
    const response = this.#response;
    const { fields, body } = composeErrorPage(this.#page, this.request.headers.accept);
    this.#ownStatus = 413;
    this.#bytesOut = body.length;
    response.shouldKeepAlive = false;
    this.#connection.expectEnd();
    this.#connection.onAnswering();
    response.writeHead(413, fields.flat());
    response.end(body);
  }

  /** The app has the request, but its body is larger than was known. What the app answers is not sent any more. */
  #cutBody(): void {
    const response = this.#response;
    const { socket } = this.request;
    this.#connection.expectEnd();
    // Node sends answers in their order, and the page has a place only where it is this one's turn.
    if (response.headersSent || response.socket !== socket) {
      socket.destroy();
      return;
    }
    const isHead = this.request.method === 'HEAD';
    const { accept } = this.request.headers;
    const date = new Date().toUTCString();
    const { bytes, bodyBytes } = renderErrorPage(this.#page, { accept, isHead, connection: 'close', date });
    this.#ownStatus = 413;
    this.#bytesOut = bodyBytes;
    this.#connection.onAnswering();
    socket.end(bytes, () => {
      this.#connection.onRequestOver(this);
      socket.destroy();
    });
  }
}

function onClose(this: HttpResponse): void {
  this[takenRequest]?.onClose();
}

/** Found on the answer itself, before that of its class, which frameworks change under way. */
function writeHead(this: HttpResponse, status: number, reason?: unknown, fields?: unknown): HttpResponse {
  this[takenRequest]?.writeHead(status, reason, fields);
  return this;
}

/** Found on the answer itself, once. An app may decide the head long before any byte of it leaves. */
function sendFirst(this: HttpResponse, ...data: unknown[]): unknown {
  const { _send: send } = Object.getPrototypeOf(this) as { readonly _send: NonNullable<HttpResponse['_send']> };
  this._send = send;
  this[takenRequest]?.onSending();
  return send.apply(this, data);
}

/** What the router would not have passed on is left out. */
function takeTrailersOf(request: HttpRequest): void {
  const addLines = request._addHeaderLines.bind(request);
  request._addHeaderLines = (fields, count) => {
    const taken: string[] = [];
    for (let i = 0; i + 1 < count; i += 2) {
      if (isTrailerTaken(fields[i] as string)) taken.push(fields[i] as string, fields[i + 1] as string);
    }
    addLines(taken, taken.length);
  };
}
