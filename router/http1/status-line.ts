// The status line of a worker: `HTTP/1.x NNN reason`, where the reason and the blank before it may be missing.
import { CR, LF, SP, nameOfByte, valueBytes } from './byte-classes.ts';
import { wordOf } from './byte-view.ts';
import type { HeadBytes } from './head-bytes.ts';
import type { StartLine } from './head-reader.ts';
import { LastText } from './last-text.ts';

/** `HTTP/1.d ddd` by position; 0 stands for a digit. */
const pattern = Uint8Array.from('HTTP/1.0 000', (char) => (char === '0' ? 0 : char.charCodeAt(0)));
const versionStart = wordOf('HTTP');
const versionEnd = wordOf('/1.1');

export class StatusLine implements StartLine {
  readonly maxBytes = Number.MAX_SAFE_INTEGER - 2;
  #isComplete = false;
  #fault: string | undefined;
  #minorVersion: 0 | 1 = 1;
  #status = 0;
  /** Relative to the head. */
  #lineEnd = 0;
  readonly #phrase = new LastText();
  #isCanonical = false;

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get isRefused(): boolean {
    return this.#fault !== undefined;
  }

  get fault(): string {
    return this.#fault ?? '';
  }

  get status(): number {
    return this.#status;
  }

  get minorVersion(): 0 | 1 {
    return this.#minorVersion;
  }

  /** Nobody would write it otherwise: it says HTTP/1.1, and has a blank behind the status. */
  get isCanonical(): boolean {
    return this.#isCanonical && this.#lineEnd > pattern.length;
  }

  /** With its CRLF. */
  get length(): number {
    return this.#lineEnd + 2;
  }

  /** The reason phrase, out of the head's own bytes; `''` where there is none. */
  reasonPhrase({ view, base }: HeadBytes): string {
    const start = base + pattern.length + 1;
    return this.#phrase.read(view, start, Math.max(base + this.#lineEnd, start));
  }

  reset(): void {
    this.#isComplete = false;
    this.#isCanonical = false;
    this.#fault = undefined;
    this.#status = 0;
    this.#lineEnd = 0;
  }

  scan(head: HeadBytes, from: number, end: number): number {
    let pos = from;
    if (from === head.base) pos = this.#scanUsualStart(head, end);
    pos = this.#scanVersionAndStatus(head, pos, end);
    return this.#fault === undefined && pos < end ? this.#scanReason(head, pos, end) : pos;
  }

  /** Reads as much of the line as nearly every worker writes: the version. */
  #scanUsualStart({ view, base }: HeadBytes, end: number): number {
    const { words } = view;
    if (base + 8 > end) return base;
    if (words.getInt32(base, true) !== versionStart || words.getInt32(base + 4, true) !== versionEnd) return base;
    this.#minorVersion = 1;
    this.#isCanonical = true;
    return base + 8;
  }

  #scanVersionAndStatus({ bytes, base }: HeadBytes, from: number, end: number): number {
    const stop = Math.min(end, base + pattern.length);
    let pos = from;
    for (; pos < stop; pos++) {
      const byte = bytes[pos] as number;
      const at = pos - base;
      const expected = pattern[at];
      if (expected === 0 ? byte < 0x30 || byte > 0x39 : byte !== expected) {
        this.#fault = 'malformed status line';
        return pos;
      }
      if (at === 7) this.#minorVersion = byte === 0x30 ? 0 : 1;
      else if (at > 8) this.#status = this.#status * 10 + byte - 0x30;
    }
    return pos;
  }

  #scanReason({ bytes, base }: HeadBytes, from: number, end: number): number {
    let pos = from;
    if (this.#lineEnd === 0) {
      if (pos === base + pattern.length && !this.#isStatusEnded(bytes[pos] as number)) return pos;
      while (pos < end && valueBytes[bytes[pos] as number] === 1) pos++;
      if (pos === end) return pos;
      if (bytes[pos] !== CR) {
        this.#fault = `byte ${nameOfByte(bytes[pos] as number)} in the status line`;
        return pos;
      }
      this.#lineEnd = pos - base;
      pos++;
      if (pos === end) return pos;
    }
    if (bytes[pos] !== LF) this.#fault = 'carriage return without a line feed in the status line';
    else this.#isComplete = true;
    return pos + 1;
  }

  #isStatusEnded(byte: number): boolean {
    if (this.#status < 100) this.#fault = 'status below 100';
    else if (byte !== SP && byte !== CR && byte !== LF) this.#fault = 'status is not three digits';
    return this.#fault === undefined;
  }
}
