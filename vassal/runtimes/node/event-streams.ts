// Server-sent events: answers that never end by themselves, so server.close() would wait for them until the worker is
// killed and their clients see a cut. Ended in order, a client dials again by itself. Only looked at until the end.
import { Server as HttpServer, type ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';

/** The answer under way on a connection, as Node has kept it since 0.x; asking connections costs requests nothing. */
interface HttpSocket extends Socket {
  readonly _httpMessage?: (ServerResponse & { readonly _header?: string | null }) | null;
}

export class EventStreams {
  readonly #sockets = new Set<HttpSocket>();
  readonly #watched = new WeakSet<Server>();

  /** Looks on from now on, if it is an HTTP server. */
  watch(server: Server): void {
    if (!(server instanceof HttpServer) || this.#watched.has(server)) return;
    this.#watched.add(server);
    server.on('connection', (socket: HttpSocket) => {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
      });
    });
  }

  /** Ends those that run now. */
  end(): void {
    for (const socket of this.#sockets) endEventStream(socket);
  }
}

/** Ends the answer under way on the connection, if it is a stream of events. */
export function endEventStream({ _httpMessage: answer }: HttpSocket): void {
  // The head as it was sent: what writeHead was given is kept nowhere else.
  if (answer?.writableEnded !== false || !/^content-type: *text\/event-stream/im.test(answer._header ?? '')) return;
  // The app does not know, and may write on: that must not end the other requests.
  answer.on('error', () => undefined);
  answer.end();
}
