// The field lines of one head or trailer section as offsets into its bytes: no object and no string per line.
// The scanner fills it; it owns no bytes and checks none.
import type { Buffer } from 'node:buffer';
import { isText } from './byte-classes.ts';
import { fieldIdCount, findFieldId, nameOfField } from './field-names.ts';
import type { HeadBytes } from './head-bytes.ts';
import type { Fields, LineWriter } from './message.ts';

/** Integers per line: start and end of the name, start and end of the value (relative to the section), id and form. */
const stride = 5;
const initialLines = 24;
/** Added to the id of a line that stands as a writer would write it: `Name: value` CRLF. */
const canonical = 0x100;
const idMask = 0xff;

export class FieldTable implements Fields {
  readonly #section: HeadBytes;
  #offsets: Int32Array;
  #count = 0;
  /** The length of a start line that can be passed on as it is; else 0. */
  #startLength = 0;
  readonly #maxLines: number;
  /** By id: one more than the index of its first line, and how many lines there are. */
  readonly #firstLines = new Int32Array(fieldIdCount);
  readonly #lineCounts = new Int32Array(fieldIdCount);

  /** Lines beyond `maxLines` are not kept; who fills the table counts them and refuses. */
  constructor(section: HeadBytes, maxLines: number) {
    this.#section = section;
    this.#maxLines = maxLines;
    this.#offsets = new Int32Array(Math.min(initialLines, maxLines) * stride);
  }

  get count(): number {
    return this.#count;
  }

  /** Where the section is now. */
  get section(): HeadBytes {
    return this.#section;
  }

  get bytes(): Buffer {
    return this.#section.bytes;
  }

  id(i: number): number {
    return this.#offset(i, 4) & idMask;
  }

  name(i: number): string {
    const id = this.id(i);
    if (id !== 0) return nameOfField(id);
    const { bytes, base } = this.#section;
    return bytes.toString('latin1', base + this.#offset(i, 0), base + this.#offset(i, 1)).toLowerCase();
  }

  value(i: number): string {
    return this.#section.bytes.toString('latin1', this.valueStart(i), this.valueEnd(i));
  }

  first(id: number): string | undefined {
    const line = this.firstLine(id);
    return line === -1 ? undefined : this.value(line);
  }

  copyStart(into: LineWriter): boolean {
    if (this.#startLength === 0) return false;
    const { view, base } = this.#section;
    into.raw(view, base, base + this.#startLength);
    return true;
  }

  copyLine(i: number, into: LineWriter): void {
    const { view, base } = this.#section;
    const nameStart = base + this.#offset(i, 0);
    const valueEnd = base + this.#offset(i, 3);
    // Canonical neighbours join into one copy.
    if ((this.#offset(i, 4) & canonical) !== 0) {
      into.raw(view, nameStart, valueEnd + 2);
      return;
    }
    into.raw(view, nameStart, base + this.#offset(i, 1) + 1);
    into.text(' ');
    into.raw(view, base + this.#offset(i, 2), valueEnd);
    into.text('\r\n');
  }

  copyLineAs(i: number, name: string, into: LineWriter): void {
    const { bytes, base } = this.#section;
    if (isText(bytes, base + this.#offset(i, 0), base + this.#offset(i, 1), name)) {
      this.copyLine(i, into);
      return;
    }
    into.text(name);
    into.text(': ');
    this.copyValue(i, into);
    into.text('\r\n');
  }

  copyValue(i: number, into: LineWriter): void {
    into.raw(this.#section.view, this.valueStart(i), this.valueEnd(i));
  }

  firstLine(id: number): number {
    return (this.#firstLines[id] ?? 0) - 1;
  }

  linesOf(id: number): number {
    return this.#lineCounts[id] ?? 0;
  }

  /** Where in `bytes` the value of line `i` begins. */
  valueStart(i: number): number {
    return this.#section.base + this.#offset(i, 2);
  }

  valueEnd(i: number): number {
    return this.#section.base + this.#offset(i, 3);
  }

  clear(): void {
    const offsets = this.#offsets;
    for (let i = 0; i < this.#count; i++) {
      const id = (offsets[i * stride + 4] as number) & idMask;
      this.#firstLines[id] = 0;
      this.#lineCounts[id] = 0;
    }
    this.#count = 0;
    this.#startLength = 0;
  }

  /** The start line, its CRLF included, has so many bytes and may be passed on as it is. */
  keepStart(length: number): void {
    this.#startLength = length;
  }

  /** Appends a line, by offsets in the section; where there is no place for it, drops it. */
  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const { bytes, base } = this.#section;
    const id = findFieldId(bytes, base + nameStart, base + nameEnd);
    const at = this.#append(nameStart, nameEnd, id);
    if (at === -1) return;
    this.#offsets[at + 2] = valueStart;
    this.#offsets[at + 3] = valueEnd;
  }

  /** As add, for a line that stands as a writer would write it, and whose name's id is known. */
  addCanonical(nameStart: number, nameEnd: number, valueEnd: number, id: number): void {
    const at = this.#append(nameStart, nameEnd, id);
    if (at === -1) return;
    const offsets = this.#offsets;
    offsets[at + 2] = nameEnd + 2;
    offsets[at + 3] = valueEnd;
    offsets[at + 4] = id | canonical;
  }

  /** Where its offsets are; -1 where there is no place for it. */
  #append(nameStart: number, nameEnd: number, id: number): number {
    const at = this.#count * stride;
    if (at === this.#offsets.length && !this.#grow()) return -1;
    const offsets = this.#offsets;
    offsets[at] = nameStart;
    offsets[at + 1] = nameEnd;
    offsets[at + 4] = id;
    this.#count++;
    const lines = this.#lineCounts[id] as number;
    this.#lineCounts[id] = lines + 1;
    if (lines === 0) this.#firstLines[id] = this.#count;
    return at;
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
