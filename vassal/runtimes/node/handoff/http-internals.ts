// What Node's HTTP server keeps of a connection and of an answer outside its documented types, the same in Node 20, 22,
// 24 and 26. `isKnown` finds out whether it is so in this Node; where it is not, nothing is taken over.
import { IncomingMessage, ServerResponse, type Server as HttpServer } from 'node:http';
import { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { TakenConnection } from './taken-connection.ts';
import type { TakenRequest } from './taken-request.ts';

/** Where a connection and an answer keep what is ours of them. */
export const takenConnection = Symbol('emperor.connection');
export const takenRequest = Symbol('emperor.request');

export interface HttpParser {
  /** Called with each head, before Node looks at it. */
  onIncoming: (request: HttpRequest, keepAlive: boolean) => number;
  /** For Node: the client ended its direction. It changes nothing; an Error says that a message is incomplete. */
  finish(): unknown;
}

/** Of libuv's stream. */
interface StreamHandle {
  reading: boolean;
  readonly writeQueueSize: number;
  readStart(): number;
  readStop(): number;
}

export interface HttpSocket extends Socket {
  server?: HttpServer;
  readonly parser?: HttpParser | null;
  readonly _handle?: StreamHandle | null;
  /** The answer whose turn it is. */
  readonly _httpMessage?: ServerResponse | null;
  /** Reading stopped because answers wait. */
  readonly _paused?: boolean;
  [takenConnection]?: TakenConnection;
}

export interface HttpRequest extends IncomingMessage {
  /** Sets the head's fields, of which `headers` is made when somebody asks for it; later, those of the trailers. */
  _addHeaderLines(fields: string[], count: number): void;
}

export interface HttpResponse extends ServerResponse {
  /** The head as text, once it is decided and until the answer is over. */
  _header?: string | null;
  /** The connection ends after it. */
  _last?: boolean;
  /** Sends a part, the head before the first. */
  _send?: (...data: unknown[]) => unknown;
  [takenRequest]?: TakenRequest;
}

/** Whether this Node is as described here. `server` is one of ours, without other connections. */
export function isKnown(server: HttpServer): boolean {
  const socket: HttpSocket = new Socket();
  server.emit('connection', socket);
  const { parser } = socket;
  const isSame =
    typeof parser?.onIncoming === 'function' &&
    typeof parser.finish === 'function' &&
    parser.finish() === undefined &&
    typeof readCallbackOf(parser) === 'function' &&
    typeof Reflect.get(ServerResponse.prototype, '_send') === 'function';
  socket.destroy();
  return isSame;
}

/** A head with names that Node has rules for, in several spellings. */
const sample = ['Host', 'a', 'USER-AGENT', 'b', 'cookie', 'c', 'X-Other', 'd', 'Content-Length', '1'];

/**
 * Whether a request's `headers` are an ordinary object of its fields by their names in small letters, and can be set.
 * Packages change that for all requests, and an app's server can have requests of a class of its own.
 */
export function makesPlainHeaders(server: HttpServer): boolean {
  const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'IncomingMessage');
  const Request = (symbol === undefined ? undefined : Reflect.get(server, symbol)) as
    typeof IncomingMessage | undefined;
  if (Request !== IncomingMessage) return false;
  const made = new Request(new Socket()) as HttpRequest;
  made._addHeaderLines(sample, sample.length);
  const { headers } = made;
  const ours = { host: 'a', 'user-agent': 'b', cookie: 'c', 'x-other': 'd', 'content-length': '1' };
  if (!isDeepStrictEqual(Object.entries(headers), Object.entries(ours))) return false;
  made.headers = ours;
  return made.headers === ours && Object.getPrototypeOf(headers) === Object.prototype;
}

/** True while no message was begun, or all that were are complete. */
export function isBetweenMessages(parser: HttpParser): boolean {
  return !(parser.finish() instanceof Error);
}

/** Calls `after` whenever the parser has worked off what was read. */
export function onEachRead(parser: HttpParser, after: () => void): void {
  const inner = readCallbackOf(parser) as (result: unknown) => void;
  Reflect.set(parser, readCallbackIndex(parser), (result: unknown) => {
    inner(result);
    after();
  });
}

function readCallbackOf(parser: HttpParser): unknown {
  return Reflect.get(parser, readCallbackIndex(parser)) as unknown;
}

function readCallbackIndex(parser: HttpParser): number {
  const { kOnExecute } = parser.constructor as { readonly kOnExecute?: number };
  return kOnExecute ?? -1;
}

/** By their descriptions: how an app's server makes requests and answers. */
const ownSymbols = new Set(['IncomingMessage', 'ServerResponse', 'kUniqueHeaders', 'OptimizeEmptyRequestsOption']);
const ownProperties = [
  'maxHeaderSize',
  'insecureHTTPParser',
  'httpValidation',
  'joinDuplicateHeaders',
  'rejectNonStandardBodyWrites',
  'requestTimeout',
  'headersTimeout',
] as const;

/** Lets `server` read requests and write answers as `model` does. */
export function configureAs(server: HttpServer, model: HttpServer): void {
  for (const key of [...ownProperties, ...Object.getOwnPropertySymbols(server)]) {
    const isOwn = typeof key === 'string' || ownSymbols.has(key.description ?? '');
    if (isOwn && key in model) Reflect.set(server, key, Reflect.get(model, key));
  }
}
