// The HTTP server that connections which were handed over are read by. It is ours and listens nowhere: so the app's own
// server serves all others as if there were none of this, and its timeouts and closings do not end what can be given
// back. Requests go on to the app's server as events.
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  configureAs,
  isKnown,
  makesPlainHeaders,
  onEachRead,
  takenConnection,
  type HttpRequest,
  type HttpSocket,
} from './http-internals.ts';
import type { TakenConnection } from './taken-connection.ts';

export class TakingServer {
  /** What an app's own code sees as the server of a connection. */
  readonly adopted: HttpServer;
  /** Reads the connections. */
  readonly own: HttpServer;
  /** False where this Node's HTTP server is not as we know it: nothing can be taken over. */
  readonly isAble: boolean;
  /** Requests have the `headers` that Node makes, and nobody makes them otherwise. */
  readonly hasPlainHeaders: boolean;

  constructor(adopted: HttpServer) {
    this.adopted = adopted;
    // Idle connections are given back and never closed. A missing Host is for the router to refuse.
    this.own = createServer({ keepAliveTimeout: 0, requireHostHeader: false });
    configureAs(this.own, adopted);
    // A client that ended its direction still gets its answer.
    Reflect.set(this.own, 'httpAllowHalfOpen', true);
    this.own.maxHeadersCount = 0;
    this.isAble = isKnown(this.own);
    this.hasPlainHeaders = makesPlainHeaders(this.own);
    // Begins to look for heads and bodies that take too long, as for a server that listens.
    this.own.emit('listening');
    this.own.on('request', onRequest);
    this.own.on('upgrade', onUpgrade);
    this.own.on('connect', onUpgrade);
  }

  /** How long a connection may be silent before the app's server would have it closed, in ms; 0: for ever. */
  get silenceMs(): number {
    return this.adopted.timeout;
  }

  take(socket: HttpSocket, connection: TakenConnection): void {
    this.own.timeout = this.adopted.timeout;
    socket[takenConnection] = connection;
    this.own.emit('connection', socket);
    // Apps look for their server here, and hang things on it.
    socket.server = this.adopted;
    const { parser } = socket;
    if (parser === null || parser === undefined) return;
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepAlive) => {
      connection.prepare(request);
      return onIncoming(request, keepAlive);
    };
    onEachRead(parser, () => {
      connection.onRead();
    });
  }
}

function onRequest(request: HttpRequest, response: ServerResponse): void {
  connectionOf(request)?.onRequest(request, response);
}

/** The connection is out of Node's HTTP server by now. */
function onUpgrade(request: HttpRequest, stream: Duplex, head: Buffer): void {
  connectionOf(request)?.onUpgrade(request, stream, head);
}

function connectionOf(request: HttpRequest): TakenConnection | undefined {
  return (request.socket as HttpSocket)[takenConnection];
}
