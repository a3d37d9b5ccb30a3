// A transport without sockets: what is written is copied into one buffer and forgotten when the turn ends, so that what
// an exchange costs is the router's own work. It never blocks, loses or ends anything by itself.
import { Buffer } from 'node:buffer';
import { systemClock, type Timer } from '../../../lib/clock.ts';
import type { Listener } from '../../../lib/listeners.ts';
import { ByteView } from '../../../router/http1/byte-view.ts';
import type { HeadSpace } from '../../../router/http1/head-space.ts';
import { TimerWheel } from '../../../router/transports/timer-wheel.ts';
import {
  deadlineGrainMs,
  type AcceptHandler,
  type Acceptor,
  type ByteStream,
  type Deadline,
  type StreamHandler,
  type Transport,
} from '../../../router/transports/transport.ts';

const outgoingBytes = 1024 * 1024;
/** Up to this many bytes a loop is faster than Buffer.copy. */
const shortPieceBytes = 48;

export class MemoryTransport implements Transport, HeadSpace {
  readonly view: ByteView;
  readonly name = 'memory';
  readonly reason = 'the cost of the edge is measured';
  /** Connections to workers with bytes that no answer was given to yet, in the order they were first written to. */
  readonly owing: MemoryStream[] = [];
  readonly #wheel = new TimerWheel(deadlineGrainMs, performance.now());
  readonly #outgoing = Buffer.allocUnsafeSlow(outgoingBytes);
  #outgoingLength = 0;
  #connecting: MemoryStream[] = [];
  #onStream: ((stream: ByteStream) => void) | undefined;
  #turnMs = performance.now();

  constructor() {
    this.view = new ByteView(this.#outgoing);
  }

  get headSpace(): HeadSpace {
    return this;
  }

  get at(): number {
    return this.#outgoingLength;
  }

  empty(): void {
    this.#outgoingLength = 0;
  }

  nowMs(): number {
    return this.#turnMs;
  }

  run(act: () => void): void {
    this.beginTurn();
    act();
    this.endTurn();
  }

  beginTurn(): void {
    this.#turnMs = performance.now();
    this.#outgoingLength = 0;
  }

  /** Connects that were asked for come about, each in a turn of its own. */
  endTurn(): void {
    while (this.#connecting.length > 0) {
      const connecting = this.#connecting;
      this.#connecting = [];
      for (const stream of connecting) stream.handler.onConnect();
    }
  }

  /** A client connects. */
  accept(): MemoryStream {
    const stream = new MemoryStream(this, false);
    this.#onStream?.(stream);
    return stream;
  }

  connect(_address: string, handler: StreamHandler): ByteStream {
    const stream = new MemoryStream(this, true);
    stream.handler = handler;
    this.#connecting.push(stream);
    return stream;
  }

  adopt(): undefined {
    return undefined;
  }

  listen(listener: Listener, handler: AcceptHandler): Promise<Acceptor> {
    this.#onStream = handler.onStream.bind(handler);
    return Promise.resolve({
      address: listener.address,
      pause: () => false,
      resume: () => undefined,
      duplicate: () => undefined,
      close: () => undefined,
    });
  }

  after(delayMs: number, fire: () => void): Timer {
    return systemClock.after(delayMs, fire);
  }

  /** As the portable transport makes it; none of them is ever due. */
  createDeadline(onExpire: () => void): Deadline {
    const wheel = this.#wheel;
    const entry = wheel.createEntry(onExpire);
    return {
      arm: (delayMs) => {
        wheel.arm(entry, this.nowMs() + delayMs);
      },
      disarm: () => {
        wheel.disarm(entry);
      },
    };
  }

  /** Takes what a stream writes. */
  send(stream: MemoryStream, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (bytes === this.#outgoing) this.#outgoingLength = end;
    else this.#copy(bytes, start, end);
    stream.writtenBytes += length;
    if (!stream.isWorker || stream.owes) return;
    stream.owes = true;
    this.owing.push(stream);
  }

  #copy(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#outgoingLength + length > outgoingBytes) this.#outgoingLength = 0;
    const at = this.#outgoingLength;
    const outgoing = this.#outgoing;
    if (length <= shortPieceBytes) for (let i = 0; i < length; i++) outgoing[at + i] = bytes[start + i] as number;
    else bytes.copy(outgoing, at, start, end);
    this.#outgoingLength = at + length;
  }
}

export class MemoryStream implements ByteStream {
  readonly isBlocked = false;
  readonly pendingBytes = 0;
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 40_000;
  readonly localPort = 80;
  readonly isWorker: boolean;
  handler: StreamHandler = silentHandler;
  writtenBytes = 0;
  /** The worker was sent something and has not answered. */
  owes = false;
  readonly #transport: MemoryTransport;

  constructor(transport: MemoryTransport, isWorker: boolean) {
    this.#transport = transport;
    this.isWorker = isWorker;
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.#transport.send(this, bytes, start, end);
    return true;
  }

  end(): void {
    throw new Error('no exchange of the benchmark ends a connection');
  }

  destroy(): void {
    this.end();
  }

  reset(): void {
    this.end();
  }

  detach(): undefined {
    return undefined;
  }

  pause(): void {
    // Its bytes come by hand.
  }

  resume(): void {
    // As pause.
  }
}

const silentHandler: StreamHandler = {
  onConnect: () => undefined,
  onData: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};
