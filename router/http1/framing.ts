// Content-Length and Transfer-Encoding: where a body ends. What two parsers could read differently is refused, even
// where the RFC would let a recipient repair it.
import type { Buffer } from 'node:buffer';
import { equalsIgnoringCase } from './byte-classes.ts';
import { fieldIds } from './field-names.ts';
import type { FieldTable } from './field-table.ts';
import { elementsOf } from './list-value.ts';
import type { Framing, Refusal } from './message.ts';

export const noBody: Framing = { kind: 'none' };
export const untilClose: Framing = { kind: 'until-close' };
const chunked: Framing = { kind: 'chunked' };
const emptyBody: Framing = { kind: 'length', length: 0 };

/** What the fields say (`none` where they say nothing), or why they are refused: the status is for a request. */
export function readFraming(fields: FieldTable, minorVersion: 0 | 1): Framing | Refusal {
  const lengths = fields.linesOf(fieldIds.contentLength);
  const codings = fields.linesOf(fieldIds.transferEncoding);
  if (codings > 0) {
    if (lengths > 0) return refused('both Content-Length and Transfer-Encoding');
    if (minorVersion === 0) return refused('Transfer-Encoding in an HTTP/1.0 message');
    return readTransferEncoding(fields, codings);
  }
  if (lengths === 0) return noBody;
  if (lengths > 1) return refused('more than one Content-Length');
  const line = fields.firstLine(fieldIds.contentLength);
  const length = parseLength(fields.bytes, fields.valueStart(line), fields.valueEnd(line));
  if (length === -1) return refused('malformed Content-Length');
  return length === 0 ? emptyBody : { kind: 'length', length };
}

function readTransferEncoding(fields: FieldTable, lines: number): Framing | Refusal {
  const first = fields.firstLine(fieldIds.transferEncoding);
  const isChunked = equalsIgnoringCase(fields.bytes, fields.valueStart(first), fields.valueEnd(first), 'chunked');
  if (lines === 1 && isChunked) return chunked;
  const values: string[] = [];
  for (let i = first; i < fields.count; i++) {
    if (fields.id(i) === fieldIds.transferEncoding) values.push(fields.value(i));
  }
  return refusalOfCodings(values.join(','));
}

/** Codings that we do not know before a final chunked: 501. Everything else has no certain end: 400. */
function refusalOfCodings(list: string): Refusal {
  const codings = elementsOf(list.toLowerCase());
  if (!codings.every((coding) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(coding)))
    return refused('empty or malformed Transfer-Encoding');
  if (codings.at(-1) !== 'chunked') return refused('Transfer-Encoding does not end in chunked');
  if (codings.indexOf('chunked') !== codings.length - 1) return refused('Transfer-Encoding names chunked twice');
  return { status: 501, reason: 'Transfer-Encoding other than chunked' };
}

/** Digits without leading zeros, at most 2^53 - 1; else -1. */
function parseLength(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > 16 || (bytes[start] === 0x30 && end - start > 1)) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}

function refused(reason: string): Refusal {
  return { status: 400, reason };
}
