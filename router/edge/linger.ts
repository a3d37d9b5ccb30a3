// The end of a client connection that was sent its last answer. Closing at once would make the kernel answer the
// client's remaining bytes with a reset, which can destroy an answer that it has not read yet (RFC 9112 section 9.6).
// So: our direction ends, what still comes is read and dropped, bounded, and then the connection is closed. A client that
// asked for the end itself sends nothing more (section 9.6 again): where nothing unread is there, its connection is closed
// at once.
import type { ByteStream, Deadline } from '../transports/transport.ts';
import type { Edge } from './edge.ts';

/** How long the client may take to end its direction, and how much it may send, once it has our last byte. */
const longestDrainMs = 3000;
const mostDrainedBytes = 16 * 1024 * 1024;
const lookEveryMs = 1000;

export class Linger {
  readonly #stream: ByteStream;
  readonly #deadline: Deadline;
  readonly #edge: Edge;
  #hasPeerEnded = false;
  #drainedBytes = 0;
  #pendingBytes = 0;
  #movedMs = 0;
  /** Since when the kernel has all of the answer. */
  #flushedMs: number | undefined;

  constructor(stream: ByteStream, edge: Edge) {
    this.#stream = stream;
    this.#edge = edge;
    this.#deadline = edge.transport.createDeadline(() => {
      this.#onDeadline();
    });
  }

  /** `isLast`: the client said that it has nothing more to say (it asked for the end), so nothing need be waited for. */
  begin(hasPeerEnded: boolean, isLast: boolean): void {
    this.#hasPeerEnded = hasPeerEnded;
    this.#movedMs = this.#edge.transport.nowMs();
    this.#pendingBytes = this.#stream.pendingBytes;
    if (isLast && this.#stream.finish !== undefined) this.#stream.finish();
    else this.#stream.end();
    this.#stream.resume();
    this.#deadline.arm(lookEveryMs);
  }

  onData(length: number): void {
    this.#drainedBytes += length;
    if (this.#drainedBytes > mostDrainedBytes) this.#stream.destroy();
  }

  /** Both directions ended: nothing can be reset any more, and the transport closes after the last byte. */
  onPeerEnd(): void {
    this.#hasPeerEnded = true;
    if (this.#stream.pendingBytes === 0) this.#stream.destroy();
  }

  /** The connection is closed. */
  stop(): void {
    this.#deadline.disarm();
  }

  #onDeadline(): void {
    const nowMs = this.#edge.transport.nowMs();
    const { pendingBytes } = this.#stream;
    if (pendingBytes > 0) {
      // A slow reader may take its time as long as it reads at all.
      if (pendingBytes < this.#pendingBytes) this.#movedMs = nowMs;
      this.#pendingBytes = pendingBytes;
      const patienceMs = this.#edge.settings.idleTimeoutMs;
      if (patienceMs > 0 && nowMs - this.#movedMs > patienceMs) this.#stream.reset();
      else this.#deadline.arm(lookEveryMs);
      return;
    }
    this.#flushedMs ??= nowMs;
    if (this.#hasPeerEnded || nowMs - this.#flushedMs >= longestDrainMs) this.#stream.destroy();
    else this.#deadline.arm(lookEveryMs);
  }
}
