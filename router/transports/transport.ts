// The seam between the edge, which decides, and a transport, which moves bytes. Every call happens in turns: the
// transport calls a handler with what arrived, the handler issues commands, and what it wrote goes out in one piece
// per stream when it returns. So a transport may hand over a shared buffer and carry out commands as a batch.
import type { Buffer } from 'node:buffer';
import type { HeadSpace } from '../http1/head-space.ts';
import type { Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';

/** A write returns false while more than this waits for the peer. */
export const highWaterBytes = 64 * 1024;

/** What a stream tells its owner. After onClose nothing more is said. */
export interface StreamHandler {
  /** A connect succeeded; never called for accepted streams. */
  onConnect(): void;
  /** bytes[start, end) arrived; they are valid during the call only. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer ended its direction; ours stays open. */
  onEnd(): void;
  /** After a write returned false: enough went out to go on. */
  onDrain(): void;
  /** The stream is gone, whoever ended it, also where a connect failed. `code` is the errno name of a fault. */
  onClose(code: string | undefined): void;
  /** A relay that `relayTo` began is over, whole or not: so many bytes were moved. What arrives now is told again. */
  onRelayed?(bytes: number): void;
}

/** Who is at the two ends of an accepted connection. What is asked of one that we opened means nothing. */
export interface Endpoints {
  /** Numeric address of the peer (IPv4 in its own notation); empty on a unix socket. */
  readonly remoteAddress: string;
  /** The peer's TCP port; 0 on a unix socket, and where nobody knows. */
  readonly remotePort: number;
  /** The TCP port that the peer connected to; 0 as above. */
  readonly localPort: number;
}

export interface ByteStream extends Endpoints {
  /** Who is called; may be replaced at any time (an upgraded connection gets a tunnel). */
  handler: StreamHandler;
  /** True while a write would return false. */
  readonly isBlocked: boolean;
  /** Bytes written that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /**
   * Copies bytes[start, end); they go out when the present turn ends. False: more than the high-water mark waits,
   * stop until onDrain. A write after `end` or `destroy` does nothing.
   */
  write(bytes: Buffer, start: number, end: number): boolean;
  /** Ends our direction after what was written. The peer's direction goes on. */
  end(): void;
  /**
   * Where the transport can: as end, and once what was written is with the kernel it closes the connection, if nothing that
   * came is unread: onClose follows. A peer that sends more all the same may lose what it has not read yet.
   */
  finish?(): void;
  /** Drops the connection after what the kernel takes at once; onClose follows in a later turn. */
  destroy(): void;
  /** As destroy, but so that the peer cannot take it for a regular end (TCP: RST) where the transport can. */
  reset(): void;
  /** Stops onData and onEnd soon: what was read already may still come. */
  pause(): void;
  resume(): void;
  /**
   * Takes the connection out of the transport: its descriptor is the caller's from now on, and nothing more is told, not
   * even onClose. Undefined, and nothing has changed, where bytes wait in either direction, an end was seen or asked
   * for, or the transport cannot. To be called in a turn of its own (`Transport.run`): within another the stream may
   * have events that are still to be told.
   */
  detach(): number | undefined;
  /**
   * Where the transport can: moves the next `bytes` (0 to 2 ** 53 - 1) that arrive here to `to`, behind what was written
   * to it, and shows them to nobody; a slow `to` slows this stream down. onRelayed says how it ended: before onEnd or
   * onClose of this stream where either came first, and also where `to` was closed. Until then nothing may be written to
   * `to`. False: not now; bytes of this stream are still to be told, or one of the two relays already.
   */
  relayTo?(to: ByteStream, bytes: number): boolean;
  /** Ends a relay before its time; onRelayed follows in a later turn. */
  stopRelay?(): void;
  /** What the running relay has moved so far; 0 where none runs. */
  readonly relayedBytes?: number;
}

/** A coarse timer that is armed often and fires seldom; it fires at most `deadlineGrainMs` late, never early. */
export interface Deadline {
  /** Fires once after `delayMs`, instead of when it was to fire before. */
  arm(delayMs: number): void;
  disarm(): void;
}

export const deadlineGrainMs = 250;

export interface Acceptor {
  /** Where it listens, with the real port. */
  readonly address: string;
  /** Leaves further connections in the kernel's queue until `resume`. False: this listener cannot wait. */
  pause(): boolean;
  resume(): void;
  /**
   * A further descriptor of the listening socket, the caller's to close: whoever has it can accept, whatever becomes of
   * this process. Undefined where there is none to be had.
   */
  duplicate(): number | undefined;
  /** Accepts no more, and lets go of the listening socket; connections go on. */
  close(): void;
}

export interface AcceptHandler {
  /** The owner sets the stream's handler before it returns. */
  onStream(stream: ByteStream): void;
  onError(error: Error): void;
}

export interface Transport {
  readonly name: string;
  /** Why this transport runs, in words. */
  readonly reason: string;
  /** Where heads are best written: its streams send from there without a copy. Undefined: anywhere. */
  readonly headSpace?: HeadSpace;
  /** Milliseconds of a monotonic clock. */
  nowMs(): number;
  /** Runs `act` as a turn of its own; for what is caused by neither a stream nor a timer of this transport. */
  run(act: () => void): void;
  /** Address as lib/address spells it. The outcome is told by onConnect or onClose, never before it returns. */
  connect(address: string, handler: StreamHandler): ByteStream;
  /**
   * Takes up a connected socket, whose descriptor is the transport's from now on and whose options (O_NONBLOCK,
   * TCP_NODELAY) are as detach left them. What it tells comes in later turns. Undefined, and the descriptor stays the
   * caller's, where the transport cannot.
   */
  adopt(fd: number, endpoints: Endpoints): ByteStream | undefined;
  /** Takes up a listener; streams come from the first `resume` of the acceptor on. */
  listen(listener: Listener, handler: AcceptHandler): Promise<Acceptor>;
  /** A precise timer, for what is rare. */
  after(delayMs: number, fire: () => void): Timer;
  createDeadline(onExpire: () => void): Deadline;
}
