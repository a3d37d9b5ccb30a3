// Connections that a transport accepted and that its owner has no room for. The reactor accepts a batch before it asks:
// what is beyond the room waits here as it would have waited in the kernel's queue, with what it said by then.
import { Buffer } from 'node:buffer';
import type { ByteStream, StreamHandler } from './transport.ts';

export class WaitingStreams {
  readonly #waiting = new Set<WaitingStream>();

  add(stream: ByteStream): void {
    const waiting = new WaitingStream(stream, () => {
      this.#waiting.delete(waiting);
    });
    this.#waiting.add(waiting);
  }

  /** Gives them up in the order in which they came, while `hasRoom`. */
  release(hasRoom: () => boolean, onStream: (stream: ByteStream) => void): void {
    for (const waiting of this.#waiting) {
      if (!hasRoom()) return;
      this.#waiting.delete(waiting);
      onStream(waiting.stream);
      waiting.retell();
    }
  }
}

class WaitingStream implements StreamHandler {
  readonly stream: ByteStream;
  readonly #onGone: () => void;
  /** What was read already; nothing more is, for it was paused at once. */
  readonly #received: Buffer[] = [];
  #hasEnded = false;

  constructor(stream: ByteStream, onGone: () => void) {
    this.stream = stream;
    this.#onGone = onGone;
    stream.handler = this;
    stream.pause();
  }

  /** Tells the handler that the stream has by now what happened meanwhile. */
  retell(): void {
    this.stream.resume();
    for (const bytes of this.#received) this.stream.handler.onData(bytes, 0, bytes.length);
    if (this.#hasEnded) this.stream.handler.onEnd();
  }

  onConnect(): void {
    // It was accepted.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#received.push(Buffer.from(bytes.subarray(start, end)));
  }

  onEnd(): void {
    this.#hasEnded = true;
  }

  onDrain(): void {
    // Nothing is written.
  }

  onClose(): void {
    this.#onGone();
  }
}
