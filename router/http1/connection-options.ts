// What the Connection lines of a message say: close, keep-alive, upgrade, and which other fields are hop-by-hop.
import type { Buffer } from 'node:buffer';
import { HTAB, SP, equalsIgnoringCase, tokenBytes } from './byte-classes.ts';
import type { ByteView } from './byte-view.ts';
import { endOfName, fieldIds, findFieldId, longestKnownName } from './field-names.ts';
import type { FieldTable } from './field-table.ts';

/** More names than this in Connection are refused: policies compare each of them with each line. */
const maxNominated = 32;
const noNames: readonly string[] = [];
const COMMA = 0x2c;

/** Always hop-by-hop, so naming them adds nothing. */
const wellKnown = new Set<number>([
  fieldIds.connection,
  fieldIds.keepAlive,
  fieldIds.proxyConnection,
  fieldIds.te,
  fieldIds.trailer,
  fieldIds.upgrade,
]);
/** Removing these would change where the message goes or where it ends. */
const indispensable = new Set<number>([
  fieldIds.host,
  fieldIds.contentLength,
  fieldIds.transferEncoding,
  fieldIds.contentType,
  fieldIds.contentEncoding,
  fieldIds.contentRange,
  fieldIds.expect,
]);

/** One per parser, filled anew for each message. */
export class ConnectionOptions {
  #close = false;
  #keepAlive = false;
  #upgrade = false;
  #nominated: string[] | undefined;

  get close(): boolean {
    return this.#close;
  }

  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  get upgrade(): boolean {
    return this.#upgrade;
  }

  /** Lower-case names beyond the well-known ones. */
  get nominated(): readonly string[] {
    return this.#nominated ?? noNames;
  }

  /** Reads all Connection lines; returns what is wrong with them, or undefined. Empty list elements are allowed. */
  read(fields: FieldTable): string | undefined {
    this.#close = false;
    this.#keepAlive = false;
    this.#upgrade = false;
    this.#nominated = undefined;
    let lines = fields.linesOf(fieldIds.connection);
    for (let i = fields.firstLine(fieldIds.connection); lines > 0; i++) {
      if (fields.id(i) !== fieldIds.connection) continue;
      lines--;
      const start = fields.valueStart(i);
      const end = fields.valueEnd(i);
      // What nearly every such line says.
      if (isKeepAlive(fields.section.view, start, end)) {
        this.#keepAlive = true;
        continue;
      }
      const fault = this.#readLine(fields.bytes, start, end);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #readLine(bytes: Buffer, start: number, end: number): string | undefined {
    let from = start;
    for (let pos = start; pos <= end; pos++) {
      if (pos < end && bytes[pos] !== COMMA) continue;
      const fault = this.#readElement(bytes, from, pos);
      if (fault !== undefined) return fault;
      from = pos + 1;
    }
    return undefined;
  }

  #readElement(bytes: Buffer, from: number, to: number): string | undefined {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start])) start++;
    while (end > start && isBlank(bytes[end - 1])) end--;
    if (start === end) return undefined;
    for (let pos = start; pos < end; pos++) {
      if (tokenBytes[bytes[pos] as number] !== 1) return 'malformed Connection';
    }
    return this.#option(bytes, start, end);
  }

  #option(bytes: Buffer, start: number, end: number): string | undefined {
    if (equalsIgnoringCase(bytes, start, end, 'close')) {
      this.#close = true;
      return undefined;
    }
    const id = findFieldId(bytes, start, end);
    if (id === fieldIds.keepAlive) this.#keepAlive = true;
    else if (id === fieldIds.upgrade) this.#upgrade = true;
    else if (indispensable.has(id)) return 'Connection names a field that routing or framing depends on';
    else if (!wellKnown.has(id)) {
      this.#nominated ??= [];
      if (this.#nominated.length === maxNominated) return `Connection names more than ${maxNominated} fields`;
      this.#nominated.push(bytes.toString('latin1', start, end).toLowerCase());
    }
    return undefined;
  }
}

function isKeepAlive({ bytes, words }: ByteView, start: number, end: number): boolean {
  return start + longestKnownName <= bytes.length && endOfName(fieldIds.keepAlive, words, start) === end;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}
