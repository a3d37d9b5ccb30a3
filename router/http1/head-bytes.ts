// Where the bytes of a head are: with the transport while they are read in place, else in a buffer of the reader's. Who
// reads them asks here each time, so that nobody keeps a place that is no longer theirs.
import type { Buffer } from 'node:buffer';
import { ByteView, noBytes } from './byte-view.ts';

export class HeadBytes {
  #view = noBytes;
  #base = 0;
  /** Of the transport's buffer that was seen last: a transport mostly has one. */
  #lent = noBytes;

  get view(): ByteView {
    return this.#view;
  }

  get bytes(): Buffer {
    return this.#view.bytes;
  }

  /** The index of the head's first byte: offsets of lines and fields count from it. */
  get base(): number {
    return this.#base;
  }

  /** The head begins at `base` of a buffer that is somebody else's. */
  lookAt(bytes: Buffer, base: number): void {
    // Making a view takes 76 ns (Node 20).
    if (this.#lent.bytes !== bytes) this.#lent = new ByteView(bytes);
    this.#view = this.#lent;
    this.#base = base;
  }

  /** The head, or what came of it, is at the beginning of this one. */
  moveTo(view: ByteView): void {
    this.#view = view;
    this.#base = 0;
  }
}
