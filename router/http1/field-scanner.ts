// Reads field lines byte by byte, up to and with the empty line that ends the section, and can stop at any byte.
// Strict where parsers differ: CRLF only, no folding, no blank before the colon, no control character in a value.
import { nameOfByte, tokenBytes, valueBytes } from './byte-classes.ts';
import { skipText, type ByteView } from './byte-view.ts';
import { endOfName, fieldIdCount, findFieldId, longestKnownName } from './field-names.ts';
import type { FieldTable } from './field-table.ts';

// Not the imported ones: V8 fetches and checks an imported constant each time (Node 20), a tenth of all of this.
const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;

const atLineStart = 0;
const inName = 1;
const beforeValue = 2;
const inValue = 3;
const atLineEnd = 4;
const atSectionEnd = 5;

export class FieldScanner {
  readonly #table: FieldTable;
  /**
   * By the id of a line's name: which name came behind it last time, 0 = none that is known. Whoever speaks sends its
   * fields in its own order each time, and to see whether a name is the expected one takes a fifth of finding it.
   */
  readonly #followers = new Uint8Array(fieldIdCount);
  /** Of the line before; 0 at the section's beginning. */
  #lastId = 0;
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
    this.#lastId = 0;
    this.#state = atLineStart;
    this.#lines = 0;
    this.#isComplete = false;
    this.#fault = undefined;
  }

  /** Reads up to `end` of the bytes that the section is in; returns where it stopped. */
  scan(from: number, end: number): number {
    let pos = from;
    while (pos < end && !this.#isComplete && this.#fault === undefined) {
      switch (this.#state) {
        case atLineStart:
          pos = this.#lineStart(pos, end);
          break;
        case inName:
          pos = this.#name(pos, end);
          break;
        case beforeValue:
          pos = this.#blanks(pos, end);
          break;
        case inValue:
          pos = this.#value(pos, end);
          break;
        default:
          pos = this.#lineFeed(pos);
      }
    }
    return pos;
  }

  /**
   * Reads the lines that are all here and written as nearly everyone writes them, `Name: value` CRLF, in one go.
   * Stops at the beginning of any other line and leaves it, and what is wrong with it, to the states below.
   */
  #plainLines(from: number, end: number): number {
    const table = this.#table;
    const { view, base } = table.section;
    const { bytes, words } = view;
    const followers = this.#followers;
    /** Beyond, the words do not reach as far as endOfName looks. */
    const lastExpected = bytes.length - longestKnownName;
    let lastId = this.#lastId;
    let lineStart = from;
    for (;;) {
      let id = followers[lastId] as number;
      let nameEnd = id === 0 || lineStart > lastExpected ? -1 : endOfName(id, words, lineStart);
      const isExpected = nameEnd !== -1;
      if (!isExpected) nameEnd = endOfToken(view, lineStart, end);
      const valueEnd = nameEnd > lineStart ? endOfPlainValue(view, nameEnd, end) : -1;
      if (valueEnd === -1) break;
      if (!isExpected) {
        id = findFieldId(bytes, lineStart, nameEnd);
        followers[lastId] = id;
      }
      table.addCanonical(lineStart - base, nameEnd - base, valueEnd - base, id);
      this.#lines++;
      lastId = id;
      lineStart = valueEnd + 2;
    }
    this.#lastId = lastId;
    return lineStart;
  }

  #lineStart(from: number, end: number): number {
    const pos = this.#plainLines(from, end);
    if (pos === end) return pos;
    const { bytes, base } = this.#table.section;
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

  #name(from: number, end: number): number {
    const { view, bytes, base } = this.#table.section;
    const pos = endOfToken(view, from, end);
    if (pos === end) return pos;
    if (bytes[pos] !== COLON || pos === base + this.#nameStart) {
      this.#fault = `${this.#where()}: ${faultOfName(bytes[pos] as number)}`;
      return pos;
    }
    this.#nameEnd = pos - base;
    this.#state = beforeValue;
    return pos + 1;
  }

  #blanks(from: number, end: number): number {
    const { bytes, base } = this.#table.section;
    let pos = from;
    while (pos < end && isBlank(bytes[pos])) pos++;
    if (pos === end) return pos;
    this.#valueStart = pos - base;
    this.#state = inValue;
    return pos;
  }

  #value(from: number, end: number): number {
    const { view, bytes, base } = this.#table.section;
    const pos = endOfValue(view, from, end);
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

  #lineFeed(pos: number): number {
    if (this.#table.bytes[pos] !== LF) {
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

function endOfToken({ bytes }: ByteView, start: number, end: number): number {
  const isToken = tokenBytes;
  let pos = start;
  while (pos < end && isToken[bytes[pos] as number] === 1) pos++;
  return pos;
}

/** The index of the first byte from `start` on that no value holds. */
function endOfValue(view: ByteView, start: number, end: number): number {
  const isValue = valueBytes;
  const { bytes } = view;
  let pos = skipText(view, start, end);
  while (pos < end && isValue[bytes[pos] as number] === 1) pos++;
  return pos;
}

/** The end of the value behind a name that ends at `nameEnd`, where colon, one blank, value and CRLF are here; else -1. */
function endOfPlainValue(view: ByteView, nameEnd: number, end: number): number {
  const { bytes } = view;
  if (nameEnd + 4 >= end || bytes[nameEnd] !== COLON || bytes[nameEnd + 1] !== SP) return -1;
  if (isBlank(bytes[nameEnd + 2])) return -1;
  const pos = endOfValue(view, nameEnd + 2, end);
  return isLineEnd(bytes, pos, end) && !isBlank(bytes[pos - 1]) ? pos : -1;
}

function isLineEnd(bytes: Uint8Array, pos: number, end: number): boolean {
  return pos + 1 < end && bytes[pos] === CR && bytes[pos + 1] === LF;
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
