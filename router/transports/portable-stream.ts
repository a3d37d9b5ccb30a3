// One net.Socket behind the seam of transport.ts. What is written during a turn is gathered and leaves by one write.
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { errnoOf } from '../../lib/errors.ts';
import { native } from '../../native/index.ts';
import { descriptorOf } from './descriptor-of.ts';
import { ignoringHandler } from './ignoring-handler.ts';
import { highWaterBytes, type ByteStream, type Endpoints, type StreamHandler } from './transport.ts';
import { Gathered, type WriteArena } from './write-arena.ts';

/** The transport as its streams see it. */
export interface TurnKeeper {
  readonly arena: WriteArena;
  enter(): void;
  leave(): void;
  /** The stream has something to flush when the turn ends. */
  onDirty(stream: PortableStream): void;
}

export class PortableStream implements ByteStream {
  handler: StreamHandler;
  readonly #socket: Socket;
  readonly #turns: TurnKeeper;
  readonly #gathered = new Gathered();
  #gatheredBytes = 0;
  #isDirty = false;
  #isBlocked = false;
  #isEnding = false;
  #isGone = false;
  #code: string | undefined;
  /** What was asked of the socket, or is known of a connection that came here through others. */
  #endpoints: Endpoints | undefined;
  #hasPeerEnded = false;

  /** `endpoints`: of a connection that came here through others. */
  constructor(socket: Socket, turns: TurnKeeper, handler: StreamHandler, endpoints?: Endpoints) {
    this.#socket = socket;
    this.#endpoints = endpoints;
    this.#turns = turns;
    this.handler = handler;
    this.#listen();
  }

  get remoteAddress(): string {
    return this.#ends.remoteAddress;
  }

  get remotePort(): number {
    return this.#ends.remotePort;
  }

  get localPort(): number {
    return this.#ends.localPort;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get pendingBytes(): number {
    return this.#isGone ? 0 : this.#gatheredBytes + this.#socket.writableLength;
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isEnding || this.#isGone || end === start) return !this.#isBlocked;
    this.#turns.arena.append(this.#gathered, bytes, start, end);
    this.#gatheredBytes += end - start;
    this.#soil();
    if (this.#gatheredBytes + this.#socket.writableLength > highWaterBytes) this.#isBlocked = true;
    return !this.#isBlocked;
  }

  end(): void {
    if (this.#isEnding || this.#isGone) return;
    this.#isEnding = true;
    this.#soil();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#write();
    this.#isGone = true;
    this.#socket.destroy();
  }

  reset(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    // Only TCP has a reset; on a unix socket Node throws, and the end of the connection must do.
    if (this.#socket.remoteAddress === undefined) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  detach(): number | undefined {
    const socket = this.#socket;
    if (this.#isGone || this.#isEnding || this.#hasPeerEnded) return undefined;
    if (this.pendingBytes > 0 || socket.readableLength > 0 || !socket.readable) return undefined;
    const fd = descriptorOf(socket);
    const copy = fd === undefined ? undefined : native.addon?.duplicateDescriptor(fd);
    if (copy === undefined) return undefined;
    this.#isGone = true;
    this.handler = ignoringHandler;
    // Who takes it up asks what it was.
    this.#endpoints = this.#ends;
    // The connection lives on by the copy.
    socket.destroy();
    return copy;
  }

  /** Bytes that arrived, from whichever way the transport reads this socket. */
  onBytes(bytes: Buffer, end: number): void {
    if (this.#isGone) return;
    this.#turns.enter();
    this.handler.onData(bytes, 0, end);
    this.#turns.leave();
  }

  /** The turn ends: hands to the kernel what was gathered. */
  flush(): void {
    this.#isDirty = false;
    if (this.#isGone) return;
    this.#write();
    if (this.#isEnding) this.#socket.end();
    this.#unblock();
  }

  get #ends(): Endpoints {
    return (this.#endpoints ??= endpointsOf(this.#socket));
  }

  #soil(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#turns.onDirty(this);
  }

  #write(): void {
    if (this.#gatheredBytes === 0) return;
    this.#gatheredBytes = 0;
    const gathered = this.#gathered;
    const socket = this.#socket;
    gathered.seal();
    const { pieces } = gathered;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) {
      socket.write(only);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    pieces.length = 0;
    // Node's socket writes at once and keeps only what the kernel did not take (libuv's uv_try_write).
    if (socket.writableLength > 0) this.#turns.arena.pin();
  }

  #unblock(): void {
    if (!this.#isBlocked || this.#socket.writableLength > 0 || this.#gatheredBytes > 0) return;
    this.#isBlocked = false;
    this.handler.onDrain();
  }

  #listen(): void {
    const socket = this.#socket;
    const turns = this.#turns;
    socket.on('drain', () => {
      if (!this.#isBlocked || this.#isGone) return;
      turns.enter();
      this.#unblock();
      turns.leave();
    });
    socket.on('end', () => {
      this.#hasPeerEnded = true;
      if (this.#isGone) return;
      turns.enter();
      this.handler.onEnd();
      turns.leave();
    });
    socket.on('error', (error) => {
      this.#code ??= errnoOf(error) ?? error.name;
    });
    socket.on('close', () => {
      this.#isGone = true;
      turns.enter();
      this.handler.onClose(this.#code);
      turns.leave();
    });
  }
}

function endpointsOf({ remoteAddress = '', remotePort = 0, localPort = 0 }: Socket): Endpoints {
  return { remoteAddress: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), remotePort, localPort };
}
