// Writes heads and chunk framing into one growing buffer that is used again and again. What it writes is canonical:
// `Name: value` CRLF; and no text from outside can end a line. (Not assert.ok: the calls would cost more than the writing.)
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { tokenBytes } from './byte-classes.ts';
import { ByteView, noBytes } from './byte-view.ts';
import type { Fields, LineWriter } from './message.ts';

const initialCapacity = 2048;
/** From so many characters on Buffer.write (60 ns, Node 20) is faster than a loop. */
const longText = 24;
const COLON_BLANK = ': ';
const LINE_END = '\r\n';

/** Where a head goes: a stream. */
export interface HeadOutlet {
  write(bytes: Buffer, start: number, end: number): unknown;
}

/** A text that is written again and again, as `constant` takes it. Latin-1. */
export function constantText(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export class HeadWriter implements LineWriter {
  #out = new ByteView(Buffer.allocUnsafeSlow(initialCapacity));
  #length = 0;
  /** A range to be copied that the next raw() may still extend: neighbouring lines become one copy. */
  #source = noBytes;
  #sourceStart = 0;
  #sourceEnd = 0;

  /** Bytes written since the last take() or clear(). */
  get length(): number {
    return this.#length + (this.#sourceEnd - this.#sourceStart);
  }

  clear(): void {
    this.#length = 0;
    this.#source = noBytes;
    this.#sourceStart = this.#sourceEnd = 0;
  }

  /** Always HTTP/1.1. */
  requestLine(method: string, target: string): void {
    if (target === '' || target.includes(' ')) assert.fail('a request target is not empty and holds no blank');
    this.#token(method);
    this.text(' ');
    this.#line(target);
    this.text(' HTTP/1.1\r\n');
  }

  /** Always HTTP/1.1. `status` is 100–999. */
  statusLine(status: number, reason: string): void {
    if (!Number.isInteger(status) || status < 100 || status > 999) assert.fail('a status is 100–999');
    this.text('HTTP/1.1 ');
    this.text(String(status));
    this.text(' ');
    this.#line(reason);
    this.text(LINE_END);
  }

  /** One field line. Latin-1; throws where CR, LF, NUL or a wider character is in it, or the name is no token. */
  field(name: string, value: string): void {
    this.#token(name);
    this.text(COLON_BLANK);
    this.#line(value);
    this.text(LINE_END);
  }

  /** Field line `i` as it came, without strings. The bytes of `fields` must stay until end(), view() or take(). */
  copy(fields: Fields, i: number): void {
    fields.copyLine(i, this);
  }

  /** The empty line that ends a head. */
  end(): void {
    this.text(LINE_END);
  }

  /** The size line of a chunk; its data and chunkEnd() follow. 0 would end the body: that is lastChunk(). */
  chunkHead(length: number): void {
    if (!Number.isSafeInteger(length) || length <= 0) assert.fail('a chunk holds at least one byte');
    this.text(length.toString(16));
    this.text(LINE_END);
  }

  /** A whole number, 0 or more, in decimal digits. */
  decimal(value: number): void {
    // A short one by hand: making its text takes 26 ns.
    if (value >= 100_000 || !(value >= 0)) {
      this.text(String(value));
      return;
    }
    const length = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5;
    const at = this.#reserve(length);
    const { bytes } = this.#out;
    let rest = value;
    for (let i = length - 1; i >= 0; i--) {
      bytes[at + i] = 0x30 + (rest % 10);
      rest = (rest / 10) | 0;
    }
    this.#length = at + length;
  }

  chunkEnd(): void {
    this.text(LINE_END);
  }

  /** Ends a chunked body. */
  lastChunk(trailers?: Fields): void {
    this.text('0\r\n');
    for (let i = 0; trailers !== undefined && i < trailers.count; i++) trailers.copyLine(i, this);
    this.text(LINE_END);
  }

  /** What was written, valid until the next call of any other method. */
  view(): Buffer {
    this.#flush();
    return this.#out.bytes.subarray(0, this.#length);
  }

  /** Writes to a stream what view() would show (which takes 44 ns), and returns how many bytes that are. */
  send(outlet: HeadOutlet): number {
    this.#flush();
    outlet.write(this.#out.bytes, 0, this.#length);
    return this.#length;
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Buffer {
    const taken = Buffer.from(this.view());
    this.clear();
    return taken;
  }

  raw(source: ByteView, start: number, end: number): void {
    if (this.#source === source && start === this.#sourceEnd) {
      this.#sourceEnd = end;
      return;
    }
    this.#flush();
    this.#source = source;
    this.#sourceStart = start;
    this.#sourceEnd = end;
  }

  text(text: string): void {
    const at = this.#reserve(text.length);
    const { bytes } = this.#out;
    if (text.length > longText) bytes.write(text, at, 'latin1');
    else for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    this.#length = at + text.length;
  }

  /** Appends what constantText made: a copy of 19 ns, where a text takes 2 ns a character. */
  constant(text: Uint8Array): void {
    const at = this.#reserve(text.length);
    this.#out.bytes.set(text, at);
    this.#length = at + text.length;
  }

  #token(text: string): void {
    const at = this.#reserve(text.length);
    const { bytes } = this.#out;
    const isToken = tokenBytes;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (isToken[code] !== 1) assert.fail('a method or field name is a token');
      bytes[at + i] = code;
    }
    if (text === '') assert.fail('a method or field name is not empty');
    this.#length = at + text.length;
  }

  /** Text from outside, which must not end the line it is on. */
  #line(text: string): void {
    const at = this.#reserve(text.length);
    const { bytes } = this.#out;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // CR, LF and NUL, as literals: V8 fetches imported constants anew each time.
      if (code === 0x0d || code === 0x0a || code === 0 || code > 0xff) {
        assert.fail('CR, LF, NUL or a character beyond latin-1 in a head line');
      }
      bytes[at + i] = code;
    }
    this.#length = at + text.length;
  }

  /** Makes room for that many bytes and returns where they go. */
  #reserve(length: number): number {
    if (this.#sourceEnd > this.#sourceStart) this.#flush();
    this.#grow(this.#length + length);
    return this.#length;
  }

  #flush(): void {
    const length = this.#sourceEnd - this.#sourceStart;
    if (length === 0) return;
    this.#grow(this.#length + length);
    this.#out.copy(this.#length, this.#source, this.#sourceStart, this.#sourceEnd);
    this.#length += length;
    this.#source = noBytes;
    this.#sourceStart = this.#sourceEnd = 0;
  }

  #grow(total: number): void {
    let capacity = this.#out.bytes.length;
    if (total <= capacity) return;
    while (capacity < total) capacity *= 2;
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#out.bytes.copy(larger, 0, 0, this.#length);
    this.#out = new ByteView(larger);
  }
}
