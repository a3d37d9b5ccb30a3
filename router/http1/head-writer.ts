// Writes heads and chunk framing, one after the other, into memory that is used again and again. What it writes is
// canonical: `Name: value` CRLF; and no text from outside can end a line. (Not assert.ok: the calls would cost more than
// the writing.)
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { COLON, hexValues, tokenBytes, variableBytes } from './byte-classes.ts';
import { ByteView, noBytes } from './byte-view.ts';
import { OwnHeadSpace, type HeadSpace } from './head-space.ts';
import type { Fields, LineWriter } from './message.ts';

/** From so many characters on Buffer.write (60 ns, Node 20) is faster than a loop. */
const longText = 24;
const COLON_BLANK = ': ';
const LINE_END = '\r\n';
const PERCENT = 0x25;
/** Ten digits, of any length that there is memory for, and the colon. */
const netstringGap = 11;

/** Where a head goes: a stream. */
export interface HeadOutlet {
  write(bytes: Buffer, start: number, end: number): unknown;
}

/** A text that is written again and again, as `constant` takes it. Latin-1. */
export function constantText(text: string): ByteView {
  return new ByteView(Buffer.from(text, 'latin1'));
}

export class HeadWriter implements LineWriter {
  readonly #space: HeadSpace;
  #out = noBytes;
  /** What was written: #out[#start, #end). */
  #start = 0;
  #end = 0;
  /** A range to be copied that the next raw() may still extend: neighbouring lines become one copy. */
  #source = noBytes;
  #sourceStart = 0;
  #sourceEnd = 0;

  /** `space`: of the transport, whose streams then send what is written without another copy. */
  constructor(space: HeadSpace = new OwnHeadSpace()) {
    this.#space = space;
    this.clear();
  }

  /** Bytes written since clear() or send(). */
  get length(): number {
    return this.#end - this.#start + (this.#sourceEnd - this.#sourceStart);
  }

  /** To be called before anything is written: where it goes may have changed since. */
  clear(): void {
    this.#out = this.#space.view;
    this.#start = this.#end = this.#space.at;
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
    this.#end = at + length;
  }

  /** A whole number, 0 or more, as toString(36) spells it. */
  base36(value: number): void {
    let length = 1;
    for (let rest = value; rest >= 36; rest = Math.floor(rest / 36)) length++;
    const at = this.#reserve(length);
    const { bytes } = this.#out;
    let rest = value;
    for (let i = length - 1; i >= 0; i--) {
      const digit = rest % 36;
      bytes[at + i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
      rest = Math.floor(rest / 36);
    }
    this.#end = at + length;
  }

  /** Begins a netstring, in place of a head's first line: what is written until endNetstring() is its content. */
  beginNetstring(): void {
    this.#end = this.#reserve(netstringGap) + netstringGap;
  }

  /** Ends it, which must be all that was written, and puts its length in front: decimal, without a leading zero. */
  endNetstring(): void {
    this.#flush();
    let rest = this.#end - this.#start - netstringGap;
    this.text(',');
    const { bytes } = this.#out;
    let at = this.#start + netstringGap - 1;
    bytes[at] = COLON;
    do {
      at--;
      bytes[at] = 0x30 + (rest % 10);
      rest = (rest / 10) | 0;
    } while (rest > 0);
    // What is left of the gap belongs to nobody.
    this.#start = at;
  }

  /**
   * Appends text[start, end) with its percent-escapes as the bytes that they stand for. A `%` that no two hexadecimal
   * digits follow stays as it is.
   */
  decoded(text: string, start: number, end: number): void {
    let at = this.#reserve(end - start);
    const { bytes } = this.#out;
    for (let i = start; i < end; i++) {
      let code = text.charCodeAt(i);
      if (code === PERCENT && i + 2 < end) {
        const high = hexValues[text.charCodeAt(i + 1)] as number;
        const low = hexValues[text.charCodeAt(i + 2)] as number;
        if (high < 16 && low < 16) {
          code = high * 16 + low;
          i += 2;
        }
      }
      bytes[at] = code;
      at++;
    }
    this.#end = at;
  }

  /** Appends text[start, end), without making a string of it. Latin-1, unchecked. */
  part(text: string, start: number, end: number): void {
    const at = this.#reserve(end - start);
    const { bytes } = this.#out;
    for (let i = start; i < end; i++) bytes[at + i - start] = text.charCodeAt(i);
    this.#end = at + end - start;
  }

  /** Appends a lower-case field name of letters, digits and `-` as CGI spells it: upper case, `-` as `_`. */
  variableName(name: string): void {
    const at = this.#reserve(name.length);
    const { bytes } = this.#out;
    const spelled = variableBytes;
    for (let i = 0; i < name.length; i++) bytes[at + i] = spelled[name.charCodeAt(i)] as number;
    this.#end = at + name.length;
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
    return this.#out.bytes.subarray(this.#start, this.#end);
  }

  /** Writes to a stream what view() would show (which takes 44 ns), and returns how many bytes that were. Then it is empty. */
  send(outlet: HeadOutlet): number {
    this.#flush();
    const length = this.#end - this.#start;
    outlet.write(this.#out.bytes, this.#start, this.#end);
    this.clear();
    return length;
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
    this.#end = at + text.length;
  }

  /** Appends what constantText made: copied by words, where a text takes 2 ns a character. */
  constant(text: ByteView): void {
    const { length } = text.bytes;
    const at = this.#reserve(length);
    this.#out.copy(at, text, 0, length);
    this.#end = at + length;
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
    this.#end = at + text.length;
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
    this.#end = at + text.length;
  }

  /** Makes room for that many bytes and returns where they go. */
  #reserve(length: number): number {
    if (this.#sourceEnd > this.#sourceStart) this.#flush();
    if (this.#end + length > this.#out.bytes.length) this.#grow(length);
    return this.#end;
  }

  #flush(): void {
    const length = this.#sourceEnd - this.#sourceStart;
    if (length === 0) return;
    if (this.#end + length > this.#out.bytes.length) this.#grow(length);
    this.#out.copy(this.#end, this.#source, this.#sourceStart, this.#sourceEnd);
    this.#end += length;
    this.#source = noBytes;
    this.#sourceStart = this.#sourceEnd = 0;
  }

  #grow(more: number): void {
    const { bytes } = this.#out;
    const start = this.#start;
    const end = this.#end;
    const total = end - start + more;
    this.#space.empty();
    if (total <= bytes.length && start > 0) {
      bytes.copyWithin(0, start, end);
    } else {
      const larger = Buffer.allocUnsafeSlow(Math.max(total, 2 * bytes.length));
      bytes.copy(larger, 0, start, end);
      this.#out = new ByteView(larger);
    }
    this.#start = 0;
    this.#end = end - start;
  }
}
