// The field lines of one head or trailer section as offsets into its bytes: no object and no string per line.
// The scanner fills it; it owns no bytes and checks none.
import { Buffer } from 'node:buffer';
import { CR, SP } from './byte-classes.ts';
import { fieldIdCount, findFieldId, nameOfField } from './field-names.ts';
import type { Fields, LineWriter } from './message.ts';

/** Integers per line: start and end of the name, start and end of the value (relative to the section), id. */
const stride = 5;
const initialLines = 24;

export class FieldTable implements Fields {
  #bytes: Buffer = Buffer.alloc(0);
  #offsets: Int32Array;
  #count = 0;
  readonly #maxLines: number;
  /** By id: one more than the index of its first line, and how many lines there are. */
  readonly #firstLines = new Int32Array(fieldIdCount);
  readonly #lineCounts = new Int32Array(fieldIdCount);

  /** Lines beyond `maxLines` are not kept; who fills the table counts them and refuses. */
  constructor(maxLines: number) {
    this.#maxLines = maxLines;
    this.#offsets = new Int32Array(Math.min(initialLines, maxLines) * stride);
  }

  get count(): number {
    return this.#count;
  }

  /** The section's bytes, whose index 0 is where the offsets count from. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  id(i: number): number {
    return this.#offset(i, 4);
  }

  name(i: number): string {
    const id = this.id(i);
    if (id !== 0) return nameOfField(id);
    return this.#bytes.toString('latin1', this.#offset(i, 0), this.#offset(i, 1)).toLowerCase();
  }

  value(i: number): string {
    return this.#bytes.toString('latin1', this.#offset(i, 2), this.#offset(i, 3));
  }

  first(id: number): string | undefined {
    const line = this.firstLine(id);
    return line === -1 ? undefined : this.value(line);
  }

  copyLine(i: number, into: LineWriter): void {
    const nameStart = this.#offset(i, 0);
    const nameEnd = this.#offset(i, 1);
    const valueStart = this.#offset(i, 2);
    const valueEnd = this.#offset(i, 3);
    const bytes = this.#bytes;
    // `Name: value` CRLF as nearly everyone writes it is canonical already; such neighbours join into one copy.
    if (valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SP && bytes[valueEnd] === CR) {
      into.raw(bytes, nameStart, valueEnd + 2);
      return;
    }
    into.raw(bytes, nameStart, nameEnd + 1);
    into.text(' ');
    into.raw(bytes, valueStart, valueEnd);
    into.text('\r\n');
  }

  /** The index of the first line with that id, or -1. */
  firstLine(id: number): number {
    return (this.#firstLines[id] ?? 0) - 1;
  }

  /** How many lines have that id. */
  linesOf(id: number): number {
    return this.#lineCounts[id] ?? 0;
  }

  valueStart(i: number): number {
    return this.#offset(i, 2);
  }

  valueEnd(i: number): number {
    return this.#offset(i, 3);
  }

  clear(): void {
    const offsets = this.#offsets;
    for (let i = 0; i < this.#count; i++) {
      const id = offsets[i * stride + 4] as number;
      this.#firstLines[id] = 0;
      this.#lineCounts[id] = 0;
    }
    this.#count = 0;
  }

  /** Appends a line; where there is no place for it, drops it. */
  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.#count * stride;
    if (at === this.#offsets.length && !this.#grow()) return;
    const offsets = this.#offsets;
    offsets[at] = nameStart;
    offsets[at + 1] = nameEnd;
    offsets[at + 2] = valueStart;
    offsets[at + 3] = valueEnd;
    offsets[at + 4] = 0;
    this.#count++;
  }

  /** The section is complete and these are its bytes: recognises the names. */
  bind(bytes: Buffer): void {
    this.#bytes = bytes;
    const offsets = this.#offsets;
    const end = this.#count * stride;
    for (let at = 0, line = 1; at < end; at += stride, line++) {
      const id = findFieldId(bytes, offsets[at] as number, offsets[at + 1] as number);
      if (id === 0) continue;
      offsets[at + 4] = id;
      if (this.#lineCounts[id] === 0) this.#firstLines[id] = line;
      this.#lineCounts[id] = (this.#lineCounts[id] as number) + 1;
    }
  }

  #offset(i: number, which: number): number {
    return this.#offsets[i * stride + which] as number;
  }

  #grow(): boolean {
    const lines = Math.min((this.#offsets.length / stride) * 2, this.#maxLines);
    if (lines <= this.#count) return false;
    const larger = new Int32Array(lines * stride);
    larger.set(this.#offsets);
    this.#offsets = larger;
    return true;
  }
}
