// One listening socket on plain node:net. Node cannot stop accepting without closing the descriptor, so an inherited
// one is kept aside and only duplicates of it are ever listened on.
import { closeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Listener } from '../../lib/listeners.ts';
import { native } from '../../native/index.ts';
import { descriptorOf } from './descriptor-of.ts';
import { backlog, listenAddress, withPort } from './listening-socket.ts';
import type { Acceptor } from './transport.ts';

/** As the reactor's (native/src/reactor/tcp-options.h, which says why): a second more for each turn. */
const shortestProbeDelayMs = 60_000;
const probeTurns = 60;

type State = 'bound' | 'accepting' | 'paused' | 'closed';

export class PortableAcceptor implements Acceptor {
  readonly #listener: Listener;
  readonly #onError: (error: Error) => void;
  readonly #onSocket: (socket: Socket) => void;
  #server: Server | undefined;
  #address: string;
  #state: State = 'bound';
  /** The inherited descriptor is Node's, which closes it. */
  #isGivenAway = false;
  /** Connections that came to a listener of our own before the first `resume`. */
  #early: Socket[] = [];
  #accepted = 0;

  constructor(listener: Listener, onError: (error: Error) => void, onSocket: (socket: Socket) => void) {
    this.#listener = listener;
    this.#address = listener.address;
    this.#onError = onError;
    this.#onSocket = onSocket;
  }

  get address(): string {
    return this.#address;
  }

  /** Binds a listener of our own; an inherited one is bound already and must not be accepted on yet. */
  async bind(): Promise<void> {
    if (this.#listener.fd !== undefined) return;
    const server = this.#createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...bindTarget(this.#listener.address), backlog }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    if (bound !== null && typeof bound === 'object') this.#address = withPort(listenAddress(this.#address), bound.port);
    server.on('error', this.#onError);
    this.#server = server;
  }

  pause(): boolean {
    const { fd } = this.#listener;
    if (fd === undefined || native.addon === undefined || this.#state !== 'accepting') return false;
    this.#state = 'paused';
    this.#server?.close();
    this.#server = undefined;
    return true;
  }

  resume(): void {
    if (this.#state === 'closed' || this.#state === 'accepting') return;
    this.#state = 'accepting';
    const { fd } = this.#listener;
    if (fd !== undefined) this.#listenOn(fd);
    const early = this.#early;
    this.#early = [];
    for (const socket of early) this.#onSocket(socket);
  }

  duplicate(): number | undefined {
    const fd = this.#listener.fd ?? descriptorOf(this.#server);
    return fd === undefined || this.#state === 'closed' ? undefined : native.addon?.duplicateDescriptor(fd);
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#server?.close();
    this.#server = undefined;
    // A descriptor kept aside would hold the port, and its queue, for as long as connections go on.
    const { fd } = this.#listener;
    if (fd !== undefined && !this.#isGivenAway) closeSync(fd);
    for (const socket of this.#early) socket.destroy();
    this.#early = [];
  }

  #listenOn(fd: number): void {
    const server = this.#createServer();
    server.on('error', this.#onError);
    const copy = native.addon?.duplicateDescriptor(fd);
    this.#isGivenAway = copy === undefined;
    server.listen({ fd: copy ?? fd, backlog });
    this.#server = server;
  }

  #createServer(): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      // A peer that vanished without a word is found by probes; of those that came together each at another time.
      socket.setKeepAlive(true, shortestProbeDelayMs + 1000 * (this.#accepted++ % probeTurns));
      if (this.#state !== 'bound') {
        this.#onSocket(socket);
        return;
      }
      // Until it is taken up nobody listens, and an error event without a listener would end the process.
      socket.on('error', () => undefined);
      this.#early.push(socket);
    });
  }
}

function bindTarget(text: string): { path: string } | { port: number; host?: string } {
  const address = listenAddress(text);
  if (address.kind === 'unix') return { path: address.path };
  return address.host === '' ? { port: address.port } : { port: address.port, host: address.host };
}
