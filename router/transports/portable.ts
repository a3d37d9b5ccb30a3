// The transport over plain node:net sockets: no compiler needed, and the reference that others are compared with.
import { Buffer } from 'node:buffer';
import { Socket, type OnReadOpts, type SocketConnectOpts, type SocketConstructorOpts } from 'node:net';
import { systemClock, type Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import { Deadlines } from './deadlines.ts';
import { ignoringHandler } from './ignoring-handler.ts';
import { PatientSocket } from './patient-socket.ts';
import { PortableAcceptor } from './portable-acceptor.ts';
import { PortableStream, type TurnKeeper } from './portable-stream.ts';
import { targetAddress } from './target-address.ts';
import type {
  AcceptHandler,
  Acceptor,
  ByteStream,
  Deadline,
  Endpoints,
  StreamHandler,
  Transport,
} from './transport.ts';
import { WriteArena } from './write-arena.ts';

const readBytes = 64 * 1024;

export class PortableTransport implements Transport, TurnKeeper {
  readonly name = 'portable';
  readonly reason: string;
  readonly arena = new WriteArena();
  #depth = 0;
  /** When the present turn began, once somebody asked; else negative. */
  #turnMs = -1;
  #dirty: PortableStream[] = [];
  /** All connected sockets read into this one buffer: a read and its handler are one synchronous step. */
  readonly #readBuffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #deadlines = new Deadlines(this);

  constructor(reason: string) {
    this.reason = reason;
  }

  /** The time does not move within a turn: asking the clock costs as much as some of what it is asked for. */
  nowMs(): number {
    if (this.#depth === 0) return performance.now();
    if (this.#turnMs < 0) this.#turnMs = performance.now();
    return this.#turnMs;
  }

  run(act: () => void): void {
    this.enter();
    act();
    this.leave();
  }

  connect(address: string, handler: StreamHandler): ByteStream {
    const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
      allowHalfOpen: true,
      onread: {
        buffer: this.#readBuffer,
        callback: (length, bytes) => {
          stream.onBytes(bytes as Buffer, length);
          return true;
        },
      },
    };
    const socket = new PatientSocket(options);
    // The read callback must exist before the socket does, but nothing arrives before this function returned.
    const stream = new PortableStream(socket, this, handler);
    socket.connect({ ...connectOptions(address), noDelay: true } as SocketConnectOpts);
    socket.once('connect', () => {
      this.run(() => {
        stream.handler.onConnect();
      });
    });
    return stream;
  }

  async listen(listener: Listener, handler: AcceptHandler): Promise<Acceptor> {
    const acceptor = new PortableAcceptor(listener, handler.onError.bind(handler), (socket) => {
      this.run(() => {
        handler.onStream(this.#take(socket));
      });
    });
    await acceptor.bind();
    return acceptor;
  }

  adopt(fd: number, endpoints: Endpoints): ByteStream | undefined {
    try {
      return this.#take(new Socket({ fd, allowHalfOpen: true }), endpoints);
    } catch {
      // It is no socket, or none that Node knows.
      return undefined;
    }
  }

  after(delayMs: number, fire: () => void): Timer {
    return systemClock.after(delayMs, () => {
      this.run(fire);
    });
  }

  createDeadline(onExpire: () => void): Deadline {
    return this.#deadlines.create(onExpire);
  }

  enter(): void {
    this.#depth++;
  }

  leave(): void {
    if (this.#depth === 1) {
      // Flushing may tell a handler of room, which may write again: until nothing is left.
      while (this.#dirty.length > 0) {
        const dirty = this.#dirty;
        this.#dirty = [];
        for (const stream of dirty) stream.flush();
      }
      this.arena.reset();
      this.#turnMs = -1;
    }
    this.#depth--;
  }

  onDirty(stream: PortableStream): void {
    this.#dirty.push(stream);
    // Nothing outside a turn should write; what does is flushed all the same.
    if (this.#depth === 0) {
      queueMicrotask(() => {
        this.enter();
        this.leave();
      });
    }
  }

  #take(socket: Socket, endpoints?: Endpoints): PortableStream {
    const stream = new PortableStream(socket, this, ignoringHandler, endpoints);
    socket.on('data', (bytes: Buffer) => {
      stream.onBytes(bytes, bytes.length);
    });
    return stream;
  }
}

function connectOptions(text: string): { path: string } | { host: string; port: number } {
  const address = targetAddress(text);
  return address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
}
