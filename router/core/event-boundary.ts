// Whether an event stream (text/event-stream) is between two events, which is behind a blank line: a client drops an
// event whose blank line it did not see. Looks at the last bytes of each piece only. Pure.
import type { Buffer } from 'node:buffer';

const cr = 0x0d;
const lf = 0x0a;

export class EventBoundary {
  /** The last three bytes, the newest lowest. Before the first event is as good as between two. */
  #last = (lf << 8) | lf;

  /** An event, or none yet, ended with the last byte. */
  get isReached(): boolean {
    const two = this.#last & 0xffff;
    // Lines end with CRLF, LF or CR, in any mixture.
    if (two === ((cr << 8) | lf)) return isLineEnd(this.#last >> 16);
    return isLineEnd(two & 0xff) && isLineEnd(two >> 8);
  }

  /** Follows bytes[start, end). */
  follow(bytes: Buffer, start: number, end: number): void {
    for (let at = Math.max(start, end - 3); at < end; at++) this.#push(bytes[at] ?? 0);
  }

  /** Follows bytes[start, end) up to the first boundary, and returns where that is; `end` if there is none. */
  followToBoundary(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      this.#push(bytes[at] ?? 0);
      if (this.isReached) return at + 1;
    }
    return end;
  }

  #push(byte: number): void {
    this.#last = ((this.#last << 8) | byte) & 0xffffff;
  }
}

function isLineEnd(byte: number): boolean {
  return byte === cr || byte === lf;
}
