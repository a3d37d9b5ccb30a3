// Writes heads and chunk framing into one growing buffer that is used again and again. What it writes is canonical:
// `Name: value` CRLF; and no text from outside can end a line. (Not assert.ok: the calls would cost more than the writing.)
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { tokenBytes } from './byte-classes.ts';
import type { Fields, LineWriter } from './message.ts';

const initialCapacity = 2048;
const COLON_BLANK = ': ';
const LINE_END = '\r\n';

export class HeadWriter implements LineWriter {
  #bytes = Buffer.allocUnsafeSlow(initialCapacity);
  #length = 0;
  /** A range to be copied that the next raw() may still extend: neighbouring lines become one copy. */
  #source: Buffer | undefined;
  #sourceStart = 0;
  #sourceEnd = 0;

  /** Bytes written since the last take() or clear(). */
  get length(): number {
    return this.#length + (this.#sourceEnd - this.#sourceStart);
  }

  clear(): void {
    this.#length = 0;
    this.#source = undefined;
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
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Buffer {
    const taken = Buffer.from(this.view());
    this.clear();
    return taken;
  }

  raw(bytes: Buffer, start: number, end: number): void {
    if (this.#source === bytes && start === this.#sourceEnd) {
      this.#sourceEnd = end;
      return;
    }
    this.#flush();
    this.#source = bytes;
    this.#sourceStart = start;
    this.#sourceEnd = end;
  }

  text(text: string): void {
    const at = this.#reserve(text.length);
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    this.#length = at + text.length;
  }

  #token(text: string): void {
    const at = this.#reserve(text.length);
    const bytes = this.#bytes;
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
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // CR, LF and NUL, as literals: see isPlainQuad in field-scanner.ts.
      if (code === 0x0d || code === 0x0a || code === 0 || code > 0xff) {
        assert.fail('CR, LF, NUL or a character beyond latin-1 in a head line');
      }
      bytes[at + i] = code;
    }
    this.#length = at + text.length;
  }

  /** Makes room for that many bytes and returns where they go. */
  #reserve(length: number): number {
    this.#flush();
    this.#grow(this.#length + length);
    return this.#length;
  }

  #flush(): void {
    const source = this.#source;
    if (source === undefined) return;
    const length = this.#sourceEnd - this.#sourceStart;
    this.#grow(this.#length + length);
    source.copy(this.#bytes, this.#length, this.#sourceStart, this.#sourceEnd);
    this.#length += length;
    this.#source = undefined;
    this.#sourceStart = this.#sourceEnd = 0;
  }

  #grow(total: number): void {
    if (total <= this.#bytes.length) return;
    let capacity = this.#bytes.length * 2;
    while (capacity < total) capacity *= 2;
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
