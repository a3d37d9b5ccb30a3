// The framing of a chunked body: sizes, extensions (checked, bounded, dropped) and the CRLF behind each chunk.
// Holds no bytes; says how many data bytes come next, and when the last chunk was read.
import type { Buffer } from 'node:buffer';
import { CR, DEL, LF, SP, hexValues, nameOfByte, tokenBytes } from './byte-classes.ts';

/** 16^13 = 2^52, so a size is always an exact integer. */
const maxSizeDigits = 13;
const maxExtensionBytesPerLine = 256;
const maxExtensionBytes = 16_384;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const inSize = 0;
const atExtensionName = 1;
const inExtensionName = 2;
const atExtensionValue = 3;
const inExtensionToken = 4;
const inQuotes = 5;
const escaped = 6;
const afterQuotes = 7;
const atSizeEnd = 8;
const inData = 9;
const atDataEnd = 10;
const atDataLineFeed = 11;

export class ChunkScanner {
  #state = inSize;
  #size = 0;
  #digits = 0;
  #lineExtensionBytes = 0;
  #extensionBytes = 0;
  #remaining = 0;
  #isLast = false;
  #fault: string | undefined;

  /** Data bytes of the current chunk still to come. The caller takes them and says so by consume(). */
  get remaining(): number {
    return this.#remaining;
  }

  /** The line of the last chunk was read: the trailer section follows. */
  get isLast(): boolean {
    return this.#isLast;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  reset(): void {
    this.#extensionBytes = 0;
    this.#remaining = 0;
    this.#isLast = false;
    this.#fault = undefined;
    this.#beginLine();
  }

  consume(length: number): void {
    this.#remaining -= length;
    if (this.#remaining === 0) this.#state = atDataEnd;
  }

  /** Reads framing bytes up to the next data, the end of the last chunk's line, a fault, or `end`. */
  scan(bytes: Buffer, from: number, end: number): number {
    let pos = from;
    while (pos < end && this.#remaining === 0 && !this.#isLast && this.#fault === undefined) {
      const byte = bytes[pos] as number;
      if (this.#state === inSize) this.#onSize(byte);
      else if (this.#state >= atSizeEnd) this.#onLineEnd(byte);
      else this.#onExtension(byte);
      pos++;
    }
    return pos;
  }

  #beginLine(): void {
    this.#state = inSize;
    this.#size = 0;
    this.#digits = 0;
    this.#lineExtensionBytes = 0;
  }

  #onSize(byte: number): void {
    const value = hexValues[byte] as number;
    if (value !== 255) {
      this.#size = this.#size * 16 + value;
      if (++this.#digits > maxSizeDigits) this.#fault = `chunk size of more than ${maxSizeDigits} digits`;
    } else if (this.#digits === 0 || !this.#endsElement(byte)) {
      this.#fault = `byte ${nameOfByte(byte)} in a chunk size`;
    }
  }

  #onExtension(byte: number): void {
    this.#extensionBytes++;
    if (++this.#lineExtensionBytes > maxExtensionBytesPerLine || this.#extensionBytes > maxExtensionBytes) {
      this.#fault = 'chunk extensions too long';
    } else if (!this.#takeExtensionByte(byte)) {
      this.#fault = `byte ${nameOfByte(byte)} in a chunk extension`;
    }
  }

  #takeExtensionByte(byte: number): boolean {
    switch (this.#state) {
      case atExtensionName:
        this.#state = inExtensionName;
        return tokenBytes[byte] === 1;
      case inExtensionName:
        if (byte !== EQUALS) return tokenBytes[byte] === 1 || this.#endsElement(byte);
        this.#state = atExtensionValue;
        return true;
      case atExtensionValue:
        this.#state = byte === QUOTE ? inQuotes : inExtensionToken;
        return byte === QUOTE || tokenBytes[byte] === 1;
      case inExtensionToken:
        return tokenBytes[byte] === 1 || this.#endsElement(byte);
      case afterQuotes:
        return this.#endsElement(byte);
      default:
        return this.#takeQuotedByte(byte);
    }
  }

  #takeQuotedByte(byte: number): boolean {
    if (this.#state === escaped) this.#state = inQuotes;
    else if (byte === QUOTE) this.#state = afterQuotes;
    else if (byte === BACKSLASH) this.#state = escaped;
    return byte >= SP && byte !== DEL;
  }

  /** A size, name or value is ended by another extension or by the line's end. */
  #endsElement(byte: number): boolean {
    if (byte === SEMICOLON) this.#state = atExtensionName;
    else if (byte === CR) this.#state = atSizeEnd;
    else return false;
    return true;
  }

  #onLineEnd(byte: number): void {
    if (this.#state === atDataEnd) {
      if (byte === CR) this.#state = atDataLineFeed;
      else this.#fault = 'chunk data is not followed by CRLF';
      return;
    }
    if (byte !== LF) {
      this.#fault = 'carriage return without a line feed in chunked framing';
      return;
    }
    if (this.#state === atDataLineFeed) this.#beginLine();
    else if (this.#size === 0) this.#isLast = true;
    else {
      this.#remaining = this.#size;
      this.#state = inData;
    }
  }
}
