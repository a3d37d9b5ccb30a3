// The larger part of a body of known length on its way past us: the transport moves it, and nobody looks at it. Its end
// is not relayed: what comes with it has to be seen, and the one who is sent it may have to be waited for.
import type { ByteStream } from '../transports/transport.ts';

/** A body of which less is to come passes through us: what a relay saves of it is not more than what it takes to begin one. */
const leastBytes = 512 * 1024;
/** What is left of it for us. */
const endBytes = 16 * 1024;
/** How often it is to be asked whether anything moved. */
export const relayLookMs = 500;

export interface RelayEnds {
  readonly from: ByteStream;
  readonly to: ByteStream;
}

export class BodyRelay {
  readonly #ends: RelayEnds;
  #movedBytes = 0;
  #pendingBytes: number;

  private constructor(ends: RelayEnds) {
    this.#ends = ends;
    this.#pendingBytes = ends.to.pendingBytes;
  }

  /**
   * Relays most of the `bytes` that are still to come; undefined where that does not pay, or cannot be now. Its end is told to
   * the handler of `from` (onRelayed). `to` must not be blocked, and may be written nothing until then.
   */
  static begin(ends: RelayEnds, bytes: number): BodyRelay | undefined {
    if (bytes < leastBytes) return undefined;
    return ends.from.relayTo?.(ends.to, bytes - endBytes) === true ? new BodyRelay(ends) : undefined;
  }

  /** Bytes moved so far, for one who will not be told. */
  get movedBytes(): number {
    return this.#ends.from.relayedBytes ?? 0;
  }

  /** More waits for the receiver than it takes. */
  get isReceiverBehind(): boolean {
    return this.#ends.to.pendingBytes > 0;
  }

  /** Whether anything came in or went out since it was last asked. */
  hasMoved(): boolean {
    const { movedBytes } = this;
    const { pendingBytes } = this.#ends.to;
    const hasMoved = movedBytes !== this.#movedBytes || pendingBytes !== this.#pendingBytes;
    this.#movedBytes = movedBytes;
    this.#pendingBytes = pendingBytes;
    return hasMoved;
  }
}
