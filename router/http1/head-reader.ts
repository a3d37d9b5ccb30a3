// Collects one head (a start line and its fields) or one trailer section (fields only) from whatever pieces it comes in.
// A head that comes whole is read in place and copied once, exactly, or not at all; pieces are kept in a buffer that
// never exceeds the limit. The verdict depends on the bytes alone, never on how they were cut.
import { Buffer } from 'node:buffer';
import { ByteView, noBytes } from './byte-view.ts';
import { FieldScanner } from './field-scanner.ts';
import { FieldTable } from './field-table.ts';
import { HeadBytes } from './head-bytes.ts';
import type { HeadLimits } from './message.ts';

/** The first line of a head, read byte by byte; it can stop at any byte. */
export interface StartLine {
  /** Longest line without its CRLF, in bytes. */
  readonly maxBytes: number;
  readonly isComplete: boolean;
  /** True once the line cannot become valid. */
  readonly isRefused: boolean;
  reset(): void;
  /** Reads from `from` up to `end` of the bytes that the head is in; returns where it stopped. */
  scan(head: HeadBytes, from: number, end: number): number;
}

/** `line`: the start line says why. `fields`: `fault` says why. The others: a limit. */
export type HeadFault = 'line' | 'fields' | 'line-too-long' | 'head-too-large' | 'too-many-fields';

export interface HeadReaderOptions {
  /** None in a trailer section. */
  readonly line?: StartLine;
  readonly limits: HeadLimits;
  /** The fields stay until the next head; else they are valid only until `read` is called again, or its bytes change. */
  readonly isKept: boolean;
}

/** A kept buffer above this is given back when a head fits into this many bytes again. */
const usualHeadBytes = 4096;
const smallestBuffer = 512;

export class HeadReader {
  readonly fields: FieldTable;
  readonly head = new HeadBytes();
  readonly #line: StartLine | undefined;
  readonly #scanner: FieldScanner;
  readonly #limits: HeadLimits;
  readonly #isKept: boolean;
  #own = noBytes;
  /** Bytes of an unfinished head in #own. */
  #held = 0;
  #isComplete = false;
  #fault: HeadFault | undefined;

  constructor({ line, limits, isKept }: HeadReaderOptions) {
    this.#line = line;
    this.#limits = limits;
    this.#isKept = isKept;
    this.fields = new FieldTable(this.head, limits.maxFields);
    this.#scanner = new FieldScanner(this.fields);
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get fault(): HeadFault | undefined {
    return this.#fault;
  }

  /** What is wrong with a field line, where the fault is `fields`. */
  get faultOfFields(): string {
    return this.#scanner.fault ?? '';
  }

  /** Must be called before each head; what the last one handed out ends to be valid here. */
  reset(): void {
    this.#line?.reset();
    this.#scanner.reset();
    this.#held = 0;
    this.#isComplete = false;
    this.#fault = undefined;
  }

  /** Reads bytes[start, end); returns the index after the head where it is complete, else where it stopped. */
  read(bytes: Buffer, start: number, end: number): number {
    return this.#held === 0 ? this.#readInPlace(bytes, start, end) : this.#readOn(bytes, start, end);
  }

  #readInPlace(bytes: Buffer, start: number, end: number): number {
    this.head.lookAt(bytes, start);
    const stop = this.#scan(start, Math.min(end, start + this.#limits.maxHeadBytes));
    if (this.#fault === undefined && (this.#isKept || !this.#isComplete)) this.#keep(this.head.view, start, stop);
    return stop;
  }

  #readOn(bytes: Buffer, start: number, end: number): number {
    const held = this.#held;
    this.head.lookAt(bytes, start);
    this.#keep(this.head.view, start, start + Math.min(end - start, this.#limits.maxHeadBytes - held));
    return start + this.#scan(held, this.#held) - held;
  }

  #scan(from: number, end: number): number {
    const line = this.#line;
    let pos = from;
    if (line !== undefined && !line.isComplete) pos = this.#scanLine(line, from, end);
    return this.#isAtFields() ? this.#scanFields(pos, end) : pos;
  }

  #isAtFields(): boolean {
    return this.#line === undefined || this.#line.isComplete;
  }

  #scanFields(from: number, end: number): number {
    const scanner = this.#scanner;
    const pos = scanner.scan(from, end);
    if (scanner.fault !== undefined) this.#fault = 'fields';
    else if (!scanner.isComplete) {
      if (pos - this.head.base === this.#limits.maxHeadBytes) this.#fault = 'head-too-large';
    } else if (scanner.lines > this.#limits.maxFields) this.#fault = 'too-many-fields';
    else this.#isComplete = true;
    return pos;
  }

  #scanLine(line: StartLine, from: number, end: number): number {
    const { base } = this.head;
    const longest = Math.min(line.maxBytes + 2, this.#limits.maxHeadBytes);
    const pos = line.scan(this.head, from, Math.min(end, base + longest));
    if (line.isRefused) this.#fault = 'line';
    else if (!line.isComplete && pos - base === longest) this.#fault = 'line-too-long';
    return pos;
  }

  /** Appends to the buffer of our own, where the head is from now on. */
  #keep(source: ByteView, start: number, end: number): void {
    const total = this.#held + end - start;
    const capacity = this.#own.bytes.length;
    if (total > capacity || (capacity > usualHeadBytes && total <= usualHeadBytes)) this.#replaceBuffer(total);
    this.#own.copy(this.#held, source, start, end);
    this.#held = total;
    this.head.moveTo(this.#own);
  }

  #replaceBuffer(total: number): void {
    let capacity = smallestBuffer;
    while (capacity < total) capacity *= 2;
    // Not from Buffer's shared pool: a kept head must not hold 8 KB of other people's bytes alive.
    const bytes = Buffer.allocUnsafeSlow(Math.min(capacity, Math.max(total, this.#limits.maxHeadBytes)));
    this.#own.bytes.copy(bytes, 0, 0, this.#held);
    this.#own = new ByteView(bytes);
  }
}
