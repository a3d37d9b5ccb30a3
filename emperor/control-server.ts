// control.sock: one socket for the two kinds that dial it. The first byte tells them apart: `{` begins the line
// protocol of our children, anything else is HTTP from the command line or a dashboard. Who is at the other end is
// the kernel's word, not the peer's.
import { chmodSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../lib/log.ts';
import { protocolVersion } from '../lib/protocol.ts';
import { decodeFromRouter, type RouterHello } from '../lib/router-messages.ts';
import { decodeFromVassal, type VassalHello } from '../lib/vassal-messages.ts';
import { native, type PeerCredentials } from '../native/index.ts';
import { Connection } from './connection.ts';

export interface ControlHandlers {
  readonly onRequest: RequestListener;
  onRouter(connection: Connection, hello: RouterHello): void;
  onVassal(connection: Connection, hello: VassalHello): void;
}

/** A peer that says nothing after so long is cut: our children and clients speak at once. */
const silenceMs = 10_000;

export class ControlServer {
  readonly #log: Logger;
  readonly #handlers: ControlHandlers;
  readonly #server: Server;
  readonly #http: HttpServer;
  readonly #sockets = new Set<Socket>();
  readonly #dialledIn = new Set<number>();

  constructor(handlers: ControlHandlers, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
    this.#server = createServer((socket) => {
      this.#onSocket(socket);
    });
    this.#http = createHttpServer(handlers.onRequest);
    // Streams of events and logs last as long as their client.
    this.#http.requestTimeout = 0;
  }

  /** Pids of all children that ever dialled in. */
  get dialledIn(): ReadonlySet<number> {
    return this.#dialledIn;
  }

  /** The listening socket, for the program that replaces us; undefined where it cannot be told. */
  get descriptor(): number | undefined {
    const handle = (this.#server as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle;
    return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
  }

  /** Listens at `path`, or goes on with the socket that the replaced program bound there. */
  async listen(path: string, inherited: number | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const where = inherited === undefined ? { path } : { fd: inherited };
      this.#server.listen({ ...where, backlog: 1024 }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => {
      // Out of descriptors, say: this connection is lost, the next may not be.
      this.#log.error({ err: error }, 'control socket');
    });
    chmodSync(path, 0o600);
  }

  /** Resolves when the answers that are known by now were written: a local socket takes a small one at once. */
  async answered(): Promise<void> {
    for (let turn = 1; turn <= 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes the socket and every connection; children dial on and find the next emperor. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const onError = (): void => {
      // A peer that resets has gone; `close` follows.
    };
    socket.on('error', onError);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.once('data', (chunk) => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.pause();
      socket.off('error', onError);
      socket.unshift(chunk);
      if (chunk[0] === openingBrace) this.#onChild(socket);
      else this.#http.emit('connection', socket);
      // Node's HTTP server attaches its readers in this turn; flowing again before that would lose the bytes.
      process.nextTick(() => socket.resume());
    });
  }

  #onChild(socket: Socket): void {
    const credentials = credentialsOf(socket);
    const connection = new Connection(socket, {
      onMessage: (message) => {
        const problem = this.#onHello(connection, message, credentials);
        if (problem === undefined) return;
        this.#log.warn({ peer: credentials, why: problem }, 'connection refused');
        connection.destroy(problem);
      },
      onClose: () => undefined,
    });
  }

  /** Hands the connection to its handle; returns what is wrong with the first message. */
  #onHello(connection: Connection, message: unknown, credentials: PeerCredentials | undefined): string | undefined {
    const role = typeof message === 'object' && message !== null && 'role' in message ? message.role : undefined;
    const hello = role === 'router' ? decodeFromRouter(message) : decodeFromVassal(message);
    if (typeof hello === 'string') return hello;
    if (hello.type !== 'hello') return 'the first message is no hello';
    if (hello.protocol !== protocolVersion) {
      return `it speaks protocol ${hello.protocol}, we speak ${protocolVersion}: it belongs to another version`;
    }
    const stranger = whyStranger(credentials, hello.pid);
    if (stranger !== undefined) return stranger;
    // Later words that belong to nobody (a stray that was told to stop) are not ours to act on.
    connection.handTo({ onMessage: () => undefined, onClose: () => undefined });
    this.#dialledIn.add(hello.pid);
    if (hello.role === 'router') this.#handlers.onRouter(connection, hello);
    else this.#handlers.onVassal(connection, hello);
    return undefined;
  }
}

const openingBrace = 0x7b;

function whyStranger(credentials: PeerCredentials | undefined, pid: number): string | undefined {
  if (credentials === undefined) return undefined;
  const own = process.getuid?.() ?? credentials.uid;
  if (credentials.uid !== own && credentials.uid !== 0) return `it runs as uid ${credentials.uid}`;
  return credentials.pid === pid ? undefined : `it says it is pid ${pid} but is ${credentials.pid}`;
}

/** Undefined without the addon; the mode of the run directory is the guard then. */
function credentialsOf(socket: Socket): PeerCredentials | undefined {
  // Node has no public way to a socket's descriptor; `_handle.fd` is there on every system with unix sockets.
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle;
  if (native.addon === undefined || handle?.fd === undefined || handle.fd < 0) return undefined;
  return native.addon.peerCredentials(handle.fd);
}
