// Collects one head (a start line and its fields) or one trailer section (fields only) from whatever pieces it comes in.
// A head that comes whole is read in place and copied once, exactly; pieces are kept in a buffer that never exceeds
// the limit. The verdict depends on the bytes alone, never on how they were cut.
import { Buffer } from 'node:buffer';
import { FieldScanner } from './field-scanner.ts';
import { FieldTable } from './field-table.ts';
import type { HeadLimits } from './message.ts';

/** The first line of a head, read byte by byte; it can stop at any byte. */
export interface StartLine {
  /** Longest line without its CRLF, in bytes. */
  readonly maxBytes: number;
  readonly isComplete: boolean;
  /** True once the line cannot become valid. */
  readonly isRefused: boolean;
  reset(): void;
  /** Reads bytes[from, end) of the head that begins at `base`; returns where it stopped. */
  scan(bytes: Buffer, base: number, from: number, end: number): number;
}

/** `line`: the start line says why. `fields`: `fault` says why. The others: a limit. */
export type HeadFault = 'line' | 'fields' | 'line-too-long' | 'head-too-large' | 'too-many-fields';

/** A kept buffer above this is given back when a head fits into this many bytes again. */
const usualHeadBytes = 4096;
const smallestBuffer = 512;

export class HeadReader {
  readonly fields: FieldTable;
  readonly #line: StartLine | undefined;
  readonly #scanner: FieldScanner;
  readonly #limits: HeadLimits;
  #own: Buffer = Buffer.alloc(0);
  /** Bytes of an unfinished head in #own. */
  #held = 0;
  #isComplete = false;
  #fault: HeadFault | undefined;

  constructor(line: StartLine | undefined, limits: HeadLimits) {
    this.#line = line;
    this.#limits = limits;
    this.fields = new FieldTable(limits.maxFields);
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
    const stop = this.#held === 0 ? this.#readInPlace(bytes, start, end) : this.#readOn(bytes, start, end);
    if (this.#isComplete) this.fields.bind(this.#own);
    return stop;
  }

  #readInPlace(bytes: Buffer, start: number, end: number): number {
    const stop = this.#scan(bytes, start, start, Math.min(end, start + this.#limits.maxHeadBytes));
    if (this.#fault === undefined) this.#keep(bytes, start, stop - start);
    return stop;
  }

  #readOn(bytes: Buffer, start: number, end: number): number {
    const held = this.#held;
    this.#keep(bytes, start, Math.min(end - start, this.#limits.maxHeadBytes - held));
    return start + this.#scan(this.#own, 0, held, this.#held) - held;
  }

  #scan(bytes: Buffer, base: number, from: number, end: number): number {
    const line = this.#line;
    let pos = from;
    if (line !== undefined && !line.isComplete) pos = this.#scanLine(line, bytes, base, { from, end });
    return this.#isAtFields() ? this.#scanFields(bytes, base, pos, end) : pos;
  }

  #isAtFields(): boolean {
    return this.#line === undefined || this.#line.isComplete;
  }

  #scanFields(bytes: Buffer, base: number, from: number, end: number): number {
    const scanner = this.#scanner;
    const pos = scanner.scan(bytes, base, from, end);
    if (scanner.fault !== undefined) this.#fault = 'fields';
    else if (!scanner.isComplete) {
      if (pos - base === this.#limits.maxHeadBytes) this.#fault = 'head-too-large';
    } else if (scanner.lines > this.#limits.maxFields) this.#fault = 'too-many-fields';
    else this.#isComplete = true;
    return pos;
  }

  #scanLine(line: StartLine, bytes: Buffer, base: number, range: { from: number; end: number }): number {
    const longest = Math.min(line.maxBytes + 2, this.#limits.maxHeadBytes);
    const pos = line.scan(bytes, base, range.from, Math.min(range.end, base + longest));
    if (line.isRefused) this.#fault = 'line';
    else if (!line.isComplete && pos - base === longest) this.#fault = 'line-too-long';
    return pos;
  }

  /** Appends to the buffer of our own, which is also what the fields refer to once the head is complete. */
  #keep(bytes: Buffer, start: number, length: number): void {
    const total = this.#held + length;
    if (total > this.#own.length || (this.#own.length > usualHeadBytes && total <= usualHeadBytes)) {
      this.#replaceBuffer(total);
    }
    bytes.copy(this.#own, this.#held, start, start + length);
    this.#held = total;
  }

  #replaceBuffer(total: number): void {
    let capacity = smallestBuffer;
    while (capacity < total) capacity *= 2;
    // Not from Buffer's shared pool: a kept head must not hold 8 KB of other people's bytes alive.
    const own = Buffer.allocUnsafeSlow(Math.min(capacity, Math.max(total, this.#limits.maxHeadBytes)));
    this.#own.copy(own, 0, 0, this.#held);
    this.#own = own;
  }
}
