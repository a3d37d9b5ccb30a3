// Reads field lines byte by byte, up to and with the empty line that ends the section, and can stop at any byte.
// Strict where parsers differ: CRLF only, no folding, no blank before the colon, no control character in a value.
import type { Buffer } from 'node:buffer';
import { COLON, CR, HTAB, LF, SP, nameOfByte, tokenBytes, valueBytes } from './byte-classes.ts';
import type { FieldTable } from './field-table.ts';

const atLineStart = 0;
const inName = 1;
const beforeValue = 2;
const inValue = 3;
const atLineEnd = 4;
const atSectionEnd = 5;

export class FieldScanner {
  readonly #table: FieldTable;
  #state = atLineStart;
  #lines = 0;
  /** Of the line being read, relative to the section. */
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;
  #isComplete = false;
  #fault: string | undefined;

  constructor(table: FieldTable) {
    this.#table = table;
  }

  /** The empty line was read. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What is wrong with the bytes, or undefined so far. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Lines read, also those the table had no place for. */
  get lines(): number {
    return this.#lines;
  }

  reset(): void {
    this.#table.clear();
    this.#state = atLineStart;
    this.#lines = 0;
    this.#isComplete = false;
    this.#fault = undefined;
  }

  /** Reads bytes[from, end) of the section that begins at `base`; returns where it stopped. */
  scan(bytes: Buffer, base: number, from: number, end: number): number {
    let pos = from;
    while (pos < end && !this.#isComplete && this.#fault === undefined) {
      switch (this.#state) {
        case atLineStart:
          pos = this.#lineStart(bytes, base, pos, end);
          break;
        case inName:
          pos = this.#name(bytes, base, pos, end);
          break;
        case beforeValue:
          pos = this.#blanks(bytes, base, pos, end);
          break;
        case inValue:
          pos = this.#value(bytes, base, pos, end);
          break;
        default:
          pos = this.#lineFeed(bytes, pos);
      }
    }
    return pos;
  }

  /**
   * Reads the lines that are all here and written as nearly everyone writes them, `Name: value` CRLF, in one go.
   * Stops at the beginning of any other line and leaves it, and what is wrong with it, to the states below.
   */
  #plainLines(bytes: Buffer, base: number, from: number, end: number): number {
    const isToken = tokenBytes;
    const table = this.#table;
    let lineStart = from;
    for (;;) {
      let pos = lineStart;
      while (pos < end && isToken[bytes[pos] as number] === 1) pos++;
      const valueEnd = pos > lineStart ? endOfPlainValue(bytes, pos, end) : -1;
      if (valueEnd === -1) return lineStart;
      table.add(lineStart - base, pos - base, pos + 2 - base, valueEnd - base);
      this.#lines++;
      lineStart = valueEnd + 2;
    }
  }

  #lineStart(bytes: Buffer, base: number, from: number, end: number): number {
    const pos = this.#plainLines(bytes, base, from, end);
    if (pos === end) return pos;
    const byte = bytes[pos] as number;
    if (byte === CR) {
      this.#state = atSectionEnd;
      return pos + 1;
    }
    if (isBlank(byte)) {
      this.#fault = `${this.#where()} begins with a blank (folded lines are not accepted)`;
      return pos;
    }
    this.#nameStart = pos - base;
    this.#state = inName;
    return pos;
  }

  #name(bytes: Buffer, base: number, from: number, end: number): number {
    let pos = from;
    while (pos < end && tokenBytes[bytes[pos] as number] === 1) pos++;
    if (pos === end) return pos;
    if (bytes[pos] !== COLON || pos === base + this.#nameStart) {
      this.#fault = `${this.#where()}: ${faultOfName(bytes[pos] as number)}`;
      return pos;
    }
    this.#nameEnd = pos - base;
    this.#state = beforeValue;
    return pos + 1;
  }

  #blanks(bytes: Buffer, base: number, from: number, end: number): number {
    let pos = from;
    while (pos < end && isBlank(bytes[pos])) pos++;
    if (pos === end) return pos;
    this.#valueStart = pos - base;
    this.#state = inValue;
    return pos;
  }

  #value(bytes: Buffer, base: number, from: number, end: number): number {
    let pos = from;
    while (pos < end && valueBytes[bytes[pos] as number] === 1) pos++;
    if (pos === end) return pos;
    const byte = bytes[pos] as number;
    if (byte !== CR) {
      this.#fault = `${this.#where()}: ${faultOfValue(byte)}`;
      return pos;
    }
    let last = pos;
    while (last > base + this.#valueStart && isBlank(bytes[last - 1])) last--;
    this.#table.add(this.#nameStart, this.#nameEnd, this.#valueStart, last - base);
    this.#state = atLineEnd;
    return pos + 1;
  }

  #lineFeed(bytes: Buffer, pos: number): number {
    if (bytes[pos] !== LF) {
      this.#fault = `${this.#where()}: carriage return without a line feed`;
      return pos;
    }
    if (this.#state === atSectionEnd) {
      this.#isComplete = true;
      return pos + 1;
    }
    this.#lines++;
    this.#state = atLineStart;
    return pos + 1;
  }

  #where(): string {
    return `field line ${this.#lines + 1}`;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

/** The end of the value behind a name that ends at `nameEnd`, where colon, one blank, value and CRLF are here; else -1. */
function endOfPlainValue(bytes: Buffer, nameEnd: number, end: number): number {
  const isValue = valueBytes;
  if (nameEnd + 4 >= end || bytes[nameEnd] !== COLON || bytes[nameEnd + 1] !== SP) return -1;
  let pos = nameEnd + 2;
  if (isBlank(bytes[pos])) return -1;
  // Four at a time: most bytes of a head are those of values.
  while (pos + 4 < end && isPlainQuad(bytes, pos)) pos += 4;
  while (pos < end && isValue[bytes[pos] as number] === 1) pos++;
  return isLineEnd(bytes, pos, end) && !isBlank(bytes[pos - 1]) ? pos : -1;
}

function isLineEnd(bytes: Buffer, pos: number, end: number): boolean {
  return pos + 1 < end && bytes[pos] === CR && bytes[pos + 1] === LF;
}

/**
 * Whether the next four bytes are SP or visible ASCII: arithmetic on literals is faster here than
 * loads from a table, or of imported constants (which V8 fetches anew each time).
 */
function isPlainQuad(bytes: Buffer, pos: number): boolean {
  return (
    ((bytes[pos] as number) - 0x20) >>> 0 < 0x5f &&
    ((bytes[pos + 1] as number) - 0x20) >>> 0 < 0x5f &&
    ((bytes[pos + 2] as number) - 0x20) >>> 0 < 0x5f &&
    ((bytes[pos + 3] as number) - 0x20) >>> 0 < 0x5f
  );
}

function faultOfName(byte: number): string {
  switch (byte) {
    case COLON:
      return 'empty name';
    case SP:
    case HTAB:
      return 'blank in or after the name';
    case CR:
    case LF:
      return 'no colon';
    default:
      return `byte ${nameOfByte(byte)} in the name`;
  }
}

function faultOfValue(byte: number): string {
  if (byte === LF) return 'line feed without a carriage return';
  return `control character ${nameOfByte(byte)} in the value`;
}
