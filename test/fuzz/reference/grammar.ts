// The reference reader: a second reading of HTTP/1.1, written to be read and not to be fast, of whole texts and without
// a line of the parser's. This file: lines and lists, and the fields that say how a message is framed.
import { isIPv6 } from 'node:net';
import type { Framing, HeadLimits } from '../../../router/http1/message.ts';
import type { Lines } from '../transcript.ts';

/** Latin-1 text of a connection's direction, read from `at` on. */
export interface Text {
  readonly text: string;
  readonly at: number;
}

export interface Section {
  readonly lines: readonly string[];
  /** Behind the empty line. */
  readonly end: number;
}

export const tokenPattern = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const token = new RegExp(`^${tokenPattern}$`);
const visible = '[\\x21-\\x7e\\x80-\\xff]';
const fieldLine = new RegExp(`^(${tokenPattern}):[\\t ]*((?:${visible}(?:[\\t ]*${visible})*)?)[\\t ]*$`);

/** The lines up to the first empty one. Undefined: there is none, or it comes too late. */
export function readSection({ text, at }: Text, { maxHeadBytes }: HeadLimits): Section | undefined {
  if (text.startsWith('\r\n', at)) return { lines: [], end: at + 2 };
  const empty = text.indexOf('\r\n\r\n', at);
  const end = empty + 4;
  if (empty === -1 || end - at > maxHeadBytes) return undefined;
  return { lines: text.slice(at, empty).split('\r\n'), end };
}

/** Names in lower case, values without the blanks around them. Undefined: a line is malformed, or there are too many. */
export function readFields(lines: readonly string[], { maxFields }: HeadLimits): Lines | undefined {
  if (lines.length > maxFields) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const parts = fieldLine.exec(line);
    if (parts === null) return undefined;
    fields.push([(parts[1] ?? '').toLowerCase(), parts[2] ?? '']);
  }
  return fields;
}

export function valuesOf(fields: Lines, name: string): string[] {
  const values: string[] = [];
  for (const field of fields) if (field[0] === name) values.push(field[1]);
  return values;
}

export function elementsOf(list: string): string[] {
  return list.split(',').map((element) => element.replace(/^[\t ]+/, '').replace(/[\t ]+$/, ''));
}

/** Undefined: nobody can say for sure where the body ends. */
export function readFraming(fields: Lines, minorVersion: 0 | 1): Framing | undefined {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (codings.length + lengths.length > 1) return undefined;
  const [coding] = codings;
  if (coding !== undefined) {
    return minorVersion === 1 && coding.toLowerCase() === 'chunked' ? { kind: 'chunked' } : undefined;
  }
  const [length] = lengths;
  if (length === undefined) return { kind: 'none' };
  const isExact = /^(?:0|[1-9]\d*)$/.test(length) && Number.isSafeInteger(Number(length));
  return isExact ? { kind: 'length', length: Number(length) } : undefined;
}

export interface Connection {
  readonly closes: boolean;
  readonly keepsAlive: boolean;
  readonly upgrades: boolean;
  readonly nominated: readonly string[];
}

const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];
const indispensable = [
  ...['host', 'expect', 'transfer-encoding'],
  ...['content-length', 'content-type', 'content-encoding', 'content-range'],
];

/** Undefined: malformed, it names too much, or what must not be taken away. */
export function readConnection(fields: Lines): Connection | undefined {
  const options: string[] = [];
  for (const value of valuesOf(fields, 'connection')) {
    for (const element of elementsOf(value)) if (element !== '') options.push(element.toLowerCase());
  }
  if (!options.every((option) => token.test(option) && !indispensable.includes(option))) return undefined;
  const nominated = options.filter((option) => option !== 'close' && !hopByHop.includes(option));
  if (nominated.length > 32) return undefined;
  return {
    closes: options.includes('close'),
    keepsAlive: options.includes('keep-alive'),
    upgrades: options.includes('upgrade'),
    nominated,
  };
}

/** HTTP/1.0 closes unless it says otherwise. */
export function staysOpen({ closes, keepsAlive }: Connection, minorVersion: 0 | 1): boolean {
  return !closes && (minorVersion === 1 || keepsAlive);
}

const protocol = new RegExp(`^${tokenPattern}(?:/${tokenPattern})?$`);

/** The value of Upgrade; `null` where it is refused, undefined where there is none. */
export function readUpgrade(fields: Lines): string | null | undefined {
  const [value, ...more] = valuesOf(fields, 'upgrade');
  if (value === undefined) return undefined;
  const isOffered = (element: string): boolean => protocol.test(element) && !/^h2c?(?:\/.*)?$/i.test(element);
  return more.length === 0 && elementsOf(value).every(isOffered) ? value : null;
}

/** The host that routing looks up; undefined where this is no authority of ours. */
export function hostOf(authority: string): string | undefined {
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)(?::(\d{0,5}))?$/.exec(authority);
  const host = parts?.[1] ?? '';
  if (host === '' || host.length > 255 || Number(parts?.[2] ?? 0) > 65_535) return undefined;
  if (host.startsWith('[') && !isIPv6(host.slice(1, -1))) return undefined;
  return host.replace(/\.$/, '').toLowerCase();
}
