// The sockets that an app upgraded (WebSockets): server.close() waits for them and closes none, so an app that does
// not handle the stop signal would hold its clients until it is killed. They are only looked at until the end.
import { Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';

/** A WebSocket close frame of the server, unmasked: code 1012, "service restart" (RFC 6455 section 5.5.1, IANA). */
const serviceRestart = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

export class UpgradedSockets {
  readonly #sockets = new Map<Duplex, string>();
  readonly #watched = new WeakSet<Server>();
  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    this.#sockets.set(socket, request.headers.upgrade?.toLowerCase() ?? '');
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
  };

  /**
   * Looks on from now on, if it is an HTTP server. A listener of ours alone would make Node treat every Upgrade as one that the app takes, so
   * ours comes and goes with the app's.
   */
  watch(server: Server): void {
    if (!(server instanceof HttpServer) || this.#watched.has(server)) return;
    this.#watched.add(server);
    if (server.listenerCount('upgrade') > 0) server.prependListener('upgrade', this.#onUpgrade);
    server.on('newListener', (event, listener) => {
      if (event !== 'upgrade' || listener === this.#onUpgrade || this.#isOn(server)) return;
      server.prependListener('upgrade', this.#onUpgrade);
    });
    server.on('removeListener', (event) => {
      if (event === 'upgrade' && this.#isOn(server) && server.listenerCount('upgrade') === 1) {
        server.off('upgrade', this.#onUpgrade);
      }
    });
  }

  /** Ends each as its client understands: a close frame where the protocol has one, then the end of our direction. */
  end(): void {
    for (const [socket, protocol] of this.#sockets) {
      // What the app wrote before is whole frames: it writes them in one go, and we run between its turns.
      if (protocol === 'websocket' && socket.writable) socket.write(serviceRestart);
      socket.end();
    }
  }

  #isOn(server: Server): boolean {
    return server.listeners('upgrade').includes(this.#onUpgrade);
  }
}
