// Bytes of a body that wait for a worker. While the call that showed them lasts they are ranges of what it showed, and go
// out from there; only what outlives the call is copied. (A body of 10 KB in five chunks that came whole: a buffer for
// each piece, and the collector's work for it, were 5 µs.)
import { Buffer } from 'node:buffer';

/** More pieces than this are copied at once: chunks of a byte each would make longer lists than bodies. */
const mostRanges = 64;

/** Takes bytes[start, end), which it may not keep. */
export type PieceSink = (bytes: Buffer, start: number, end: number) => void;

const nothing = Buffer.alloc(0);

export class HeldBytes {
  /** All that came before the present call. */
  #kept: Buffer = nothing;
  #keptLength = 0;
  /** Starts and ends of pieces of `#shown`, by turns. */
  readonly #ranges: number[] = [];
  #shown: Buffer = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds bytes[start, end), which must stay as they are until `keep`. */
  add(bytes: Buffer, start: number, end: number): void {
    if (this.#ranges.length === 2 * mostRanges || this.#shown !== bytes) this.keep();
    this.#shown = bytes;
    this.#ranges.push(start, end);
    this.#length += end - start;
  }

  /** Makes them all its own: what was shown is about to change. */
  keep(): void {
    const ranges = this.#ranges;
    if (ranges.length === 0) return;
    this.#makeRoom();
    let at = this.#keptLength;
    for (let i = 0; i < ranges.length; i += 2) {
      at += this.#shown.copy(this.#kept, at, ranges[i], ranges[i + 1]);
    }
    this.#keptLength = at;
    ranges.length = 0;
    this.#shown = nothing;
  }

  /** Hands them over from the first to the last; they stay. */
  sendTo(sink: PieceSink): void {
    if (this.#keptLength > 0) sink(this.#kept, 0, this.#keptLength);
    const ranges = this.#ranges;
    for (let i = 0; i < ranges.length; i += 2) sink(this.#shown, ranges[i] as number, ranges[i + 1] as number);
  }

  #makeRoom(): void {
    if (this.#length <= this.#kept.length) return;
    // The first time exactly: most bodies came whole.
    const capacity = this.#keptLength === 0 ? this.#length : Math.max(this.#length, 2 * this.#kept.length);
    const larger = Buffer.allocUnsafe(capacity);
    this.#kept.copy(larger, 0, 0, this.#keptLength);
    this.#kept = larger;
  }
}
