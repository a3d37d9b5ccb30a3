// The bytes of an input while they are made: one large buffer that is used again for each.
import { Buffer } from 'node:buffer';

/** Nothing grows beyond this: what would be longer is cut off. */
export const maxDraftBytes = 512 * 1024;

export class Draft {
  readonly #bytes = Buffer.alloc(maxDraftBytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid until the draft changes. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  at(index: number): number {
    return this.#bytes[index] as number;
  }

  set(index: number, byte: number): void {
    if (index < this.#length) this.#bytes[index] = byte;
  }

  clear(): void {
    this.#length = 0;
  }

  append(text: string): void {
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  appendBytes(bytes: Buffer): void {
    this.#length += bytes.copy(this.#bytes, this.#length);
  }

  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** Puts text in the place of the bytes [start, end). */
  replace(start: number, end: number, text: string): void {
    const tail = Math.min(this.#length - end, maxDraftBytes - start - text.length);
    if (tail < 0) return;
    this.#bytes.copyWithin(start + text.length, end, end + tail);
    this.#bytes.write(text, start, 'latin1');
    this.#length = start + text.length + tail;
  }

  slice(start: number, end: number): string {
    return this.#bytes.toString('latin1', start, end);
  }

  /** The index of the next byte of that value, or the length. */
  indexOf(byte: number, from: number): number {
    const index = this.#bytes.indexOf(byte, from);
    return index === -1 || index > this.#length ? this.#length : index;
  }
}
