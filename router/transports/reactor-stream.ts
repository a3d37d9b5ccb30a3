// One stream of the reactor behind the seam of transport.ts. It has a number while it has a descriptor; what it is told
// to do becomes commands of the present turn.
import { Buffer } from 'node:buffer';
import { formatIpv4 } from './ip-text.ts';
import type { Order, ReactorCommands } from './reactor-commands.ts';
import { highWaterBytes, type ByteStream, type StreamHandler } from './transport.ts';

/** The transport as its streams see it. */
export interface StreamKeeper {
  readonly commands: ReactorCommands;
  /** Something was written or ordered: outside of a turn there is nobody to execute it. */
  soil(): void;
  /** The number belongs to nobody any more. */
  release(number: number): void;
  /** Has `tell` called in a later turn. */
  tellLater(stream: ReactorStream): void;
  /** Bytes of the stream are in the present batch that it was not shown yet. */
  hasUntold(number: number): boolean;
  relay(from: number, to: number, bytes: number): boolean;
  stopRelay(from: number): void;
  relayedBytes(from: number): number;
  /** -1 where that cannot be. */
  detach(number: number): number;
}

/** Not connected to anything: before the connect, and after the end. */
const none = -1;

export class ReactorStream implements ByteStream {
  handler: StreamHandler;
  /** Of an accepted stream, set by who accepts it: the peer's port in the high 16 bits, ours in the low. */
  ports = 0;
  readonly #keeper: StreamKeeper;
  #number: number;
  /** As text, or an IPv4 address whose text nobody wanted yet. */
  #address: string | number;
  /** Bytes written in round `#round` of the commands. */
  #gathered = 0;
  #round = -1;
  /** What was written before there was a number. */
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #isBlocked = false;
  #isPaused = false;
  #isEnding = false;
  #isFinishing = false;
  #isGone = false;
  #hasPeerEnded = false;
  #isConnectUntold = false;
  #isCloseUntold = false;
  #code: string | undefined;

  constructor(keeper: StreamKeeper, handler: StreamHandler, number: number, address: string | number) {
    this.#keeper = keeper;
    this.handler = handler;
    this.#number = number;
    this.#address = address;
  }

  get remoteAddress(): string {
    if (typeof this.#address === 'number') this.#address = formatIpv4(this.#address);
    return this.#address;
  }

  get remotePort(): number {
    return this.ports >>> 16;
  }

  get localPort(): number {
    return this.ports & 0xffff;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get pendingBytes(): number {
    if (this.#isGone) return 0;
    if (this.#number === none) return this.#earlyBytes;
    const { commands } = this.#keeper;
    const gathered = this.#round === commands.round ? this.#gathered : 0;
    return gathered + commands.pending(this.#number);
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isEnding || this.#isGone || end === start) return !this.#isBlocked;
    if (this.#number === none) {
      this.#writeEarly(bytes, start, end);
      return !this.#isBlocked;
    }
    const { commands } = this.#keeper;
    commands.send(this.#number, bytes, start, end);
    this.#keeper.soil();
    if (this.#round !== commands.round) {
      this.#round = commands.round;
      this.#gathered = 0;
    }
    this.#gathered += end - start;
    if (!this.#isBlocked && this.#gathered + commands.pending(this.#number) > highWaterBytes) this.#askForRoom();
    return !this.#isBlocked;
  }

  end(): void {
    if (this.#isEnding || this.#isGone) return;
    this.#isEnding = true;
    this.#order('end');
  }

  finish(): void {
    if (this.#isEnding || this.#isGone) return;
    this.#isEnding = true;
    this.#isFinishing = true;
    this.#order('finish');
  }

  destroy(): void {
    this.#leave('close');
  }

  reset(): void {
    this.#leave('reset');
  }

  pause(): void {
    if (this.#isPaused || this.#isGone) return;
    this.#isPaused = true;
    this.#order('pause');
  }

  resume(): void {
    if (!this.#isPaused || this.#isGone) return;
    this.#isPaused = false;
    this.#order('resume');
  }

  detach(): number | undefined {
    const keeper = this.#keeper;
    const number = this.#number;
    if (number === none || this.#isEnding || this.#hasPeerEnded || this.#isConnectUntold) return undefined;
    if (keeper.hasUntold(number)) return undefined;
    keeper.commands.flush();
    const fd = keeper.detach(number);
    if (fd < 0) return undefined;
    this.#isGone = true;
    this.#release();
    return fd;
  }

  relayTo(to: ByteStream, bytes: number): boolean {
    const keeper = this.#keeper;
    if (!(to instanceof ReactorStream) || this.#number === none || to.#number === none) return false;
    if (keeper.hasUntold(this.#number)) return false;
    // What was written before goes before.
    keeper.commands.flush();
    return keeper.relay(this.#number, to.#number, bytes);
  }

  stopRelay(): void {
    if (this.#number !== none) this.#keeper.stopRelay(this.#number);
  }

  get relayedBytes(): number {
    return this.#number === none ? 0 : this.#keeper.relayedBytes(this.#number);
  }

  // --- for the transport ---

  /** No connect is under way any more, and none can be: it was destroyed. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** A connect began, and is over already where `isConnected`. */
  onNumber(number: number, isConnected: boolean): void {
    this.#number = number;
    if (this.#isPaused) this.#order('pause');
    for (const bytes of this.#early ?? []) this.#keeper.commands.send(number, bytes, 0, bytes.length);
    this.#early = undefined;
    if (this.#isEnding) this.#order(this.#isFinishing ? 'finish' : 'end');
    this.#keeper.soil();
    if (!isConnected) return;
    this.#isConnectUntold = true;
    this.#keeper.tellLater(this);
  }

  /** The connect failed, but another one may follow. */
  onNoNumber(): void {
    this.#number = none;
  }

  /** Gives up the connect that is under way, for another one. */
  abandon(): void {
    this.#order('close');
    this.#release();
  }

  /** The connect failed for good, without a number. */
  onFailure(code: string): void {
    if (this.#isGone) return;
    this.#code = code;
    this.#close();
  }

  /** What happened to a stream without a call of its own; told in the order in which it happened. */
  tell(): void {
    if (this.#isConnectUntold) {
      this.#isConnectUntold = false;
      if (!this.#isGone) this.handler.onConnect();
    }
    if (!this.#isCloseUntold) return;
    this.#isCloseUntold = false;
    this.handler.onClose(this.#code);
  }

  onDrained(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.handler.onDrain();
  }

  onPeerEnd(): void {
    this.#hasPeerEnded = true;
    this.handler.onEnd();
  }

  /** The reactor closed it. */
  onGone(code: string | undefined): void {
    this.#isGone = true;
    this.#number = none;
    this.handler.onClose(code);
  }

  // --- steps ---

  #order(order: Order): void {
    if (this.#number === none) return;
    this.#keeper.commands.order(order, this.#number);
    this.#keeper.soil();
  }

  #leave(order: 'close' | 'reset'): void {
    if (this.#isGone) return;
    this.#order(order);
    this.#release();
    this.#close();
  }

  #release(): void {
    if (this.#number !== none) this.#keeper.release(this.#number);
    this.#number = none;
  }

  #close(): void {
    this.#isGone = true;
    this.#isCloseUntold = true;
    this.#keeper.tellLater(this);
  }

  /** So much was written that only the kernel can tell whether the writer must wait. */
  #askForRoom(): void {
    const { commands } = this.#keeper;
    commands.flush();
    this.#isBlocked = commands.pending(this.#number) > highWaterBytes;
  }

  #writeEarly(bytes: Buffer, start: number, end: number): void {
    this.#early ??= [];
    this.#early.push(Buffer.from(bytes.subarray(start, end)));
    this.#earlyBytes += end - start;
    if (this.#earlyBytes > highWaterBytes) this.#isBlocked = true;
  }
}
