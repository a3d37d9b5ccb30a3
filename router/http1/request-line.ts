// The request line: `METHOD target HTTP/1.x`, exactly one blank between, CRLF behind. Judges method and version;
// what the target means is decided with the Host (request-target.ts).
import type { Buffer } from 'node:buffer';
import { CR, LF, SP, isText, nameOfByte, targetBytes, tokenBytes } from './byte-classes.ts';
import { skipTarget, wordOf, type ByteView } from './byte-view.ts';
import type { HeadBytes } from './head-bytes.ts';
import type { StartLine } from './head-reader.ts';
import type { Refusal } from './message.ts';

/** The longest request line, without its CRLF. Beyond: 414. */
export const maxRequestLineBytes = 8192;

/** The methods of the IANA registry, and PURGE, which caches take. Case counts (RFC 9110 section 9.1). */
const methods = new Set(
  (
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR ' +
    'MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND ' +
    'REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL'
  ).split(' '),
);
const commonMethods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS'];
const maxMethodBytes = 32;
/** How most requests begin. */
const getBlank = wordOf('GET ');
const post = wordOf('POST');
/** How all of them should end, together with CR LF. */
const versionStart = wordOf('HTTP');
const versionEnd = wordOf('/1.1');
const versionBytes = 'HTTP/1.1\r\n'.length;

const inMethod = 0;
const inTarget = 1;
const inVersion = 2;

/** `HTTP/d.d` CRLF by position; 0 stands for a digit. */
const versionPattern = Uint8Array.from('HTTP/0.0\r\n', (char) => (char === '0' ? 0 : char.charCodeAt(0)));

export class RequestLine implements StartLine {
  readonly maxBytes = maxRequestLineBytes;
  #state = inMethod;
  #isComplete = false;
  #refusal: Refusal | undefined;
  #method = '';
  #minorVersion: 0 | 1 = 1;
  #major = 0;
  /** Relative to the head. */
  #targetStart = 0;
  #targetEnd = 0;
  #isCanonical = false;

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get isRefused(): boolean {
    return this.#refusal !== undefined;
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  get method(): string {
    return this.#method;
  }

  get minorVersion(): 0 | 1 {
    return this.#minorVersion;
  }

  get targetStart(): number {
    return this.#targetStart;
  }

  get targetEnd(): number {
    return this.#targetEnd;
  }

  /** Nobody would write it otherwise: single blanks, HTTP/1.1. */
  get isCanonical(): boolean {
    return this.#isCanonical;
  }

  /** With its CRLF; of a canonical one only. */
  get length(): number {
    return this.#targetEnd + 1 + versionBytes;
  }

  reset(): void {
    this.#isCanonical = false;
    this.#state = inMethod;
    this.#isComplete = false;
    this.#refusal = undefined;
  }

  scan(head: HeadBytes, from: number, end: number): number {
    let pos = from;
    if (this.#state === inMethod) {
      pos = this.#scanPlainLine(head, from, end);
      if (this.#isComplete) return pos;
    }
    if (this.#state === inMethod) pos = this.#scanMethod(head, pos, end);
    if (this.#state === inTarget && this.#refusal === undefined) pos = this.#scanTarget(head, pos, end);
    if (this.#state === inVersion && this.#refusal === undefined) pos = this.#scanVersion(head, pos, end);
    return pos;
  }

  /**
   * Reads a line that is all here and as most are, in one go. Any other it leaves to the states below, and what is wrong
   * with it, from the method or the target on.
   */
  #scanPlainLine({ view, base }: HeadBytes, from: number, end: number): number {
    const { bytes, words } = view;
    if (from !== base || from + 8 > end) return from;
    const first = words.getInt32(from, true);
    if (first === getBlank) this.#beginTarget('GET', 4);
    else if (first === post && bytes[from + 4] === SP) this.#beginTarget('POST', 5);
    else return from;
    const start = from + this.#targetStart;
    const stop = endOfTarget(view, start, end);
    if (stop === start || stop + 1 + versionBytes > end || bytes[stop] !== SP || !isVersion(view, stop + 1))
      return start;
    this.#targetEnd = stop - base;
    this.#minorVersion = 1;
    this.#isComplete = this.#isCanonical = true;
    return stop + 1 + versionBytes;
  }

  #beginTarget(method: string, start: number): void {
    this.#method = method;
    this.#targetStart = start;
    this.#state = inTarget;
  }

  #scanMethod({ bytes, base }: HeadBytes, from: number, end: number): number {
    let pos = from;
    while (pos < end && tokenBytes[bytes[pos] as number] === 1) pos++;
    if (pos - base > maxMethodBytes) {
      this.#refuse(501, `method longer than ${maxMethodBytes} bytes`);
      return pos;
    }
    if (pos === end) return pos;
    if (bytes[pos] !== SP || pos === base) {
      this.#refuse(400, `byte ${nameOfByte(bytes[pos] as number)} in the method`);
      return pos;
    }
    this.#beginTarget(methodOf(bytes, base, pos), pos + 1 - base);
    return pos + 1;
  }

  #scanTarget({ view, bytes, base }: HeadBytes, from: number, end: number): number {
    const pos = endOfTarget(view, from, end);
    if (pos === end) return pos;
    const byte = bytes[pos] as number;
    if (byte !== SP || pos === base + this.#targetStart) {
      this.#refuse(400, faultOfTarget(byte));
      return pos;
    }
    this.#targetEnd = pos - base;
    this.#state = inVersion;
    return pos + 1;
  }

  #scanVersion({ bytes, base }: HeadBytes, from: number, end: number): number {
    const start = base + this.#targetEnd + 1;
    let pos = from;
    for (; pos < end; pos++) {
      const expected = versionPattern[pos - start];
      const byte = bytes[pos] as number;
      if (expected === 0 ? byte < 0x30 || byte > 0x39 : byte !== expected) {
        this.#refuse(400, faultOfVersion(byte, pos - start));
        return pos;
      }
      if (pos - start === 5) this.#major = byte - 0x30;
      else if (pos - start === 7) this.#minorVersion = byte === 0x30 ? 0 : 1;
      else if (byte === LF) {
        this.#judge();
        return pos + 1;
      }
    }
    return pos;
  }

  /** The line is well formed: does this server take its version and method? */
  #judge(): void {
    const method = this.#method;
    if (this.#major !== 1) this.#refuseVersion();
    else if (methods.has(method)) this.#isComplete = true;
    else if (method === 'TRACE') this.#refuse(405, 'TRACE is not allowed');
    else if (method === 'CONNECT') this.#refuse(400, 'CONNECT is not offered here: this server is no forward proxy');
    else this.#refuse(501, 'unknown method');
  }

  #refuseVersion(): void {
    if (this.#method === 'PRI') this.#refuse(400, 'HTTP/2 without negotiation is not offered on this connection');
    else if (this.#major === 0) this.#refuse(400, 'HTTP/0.9 is not supported');
    else this.#refuse(505, `HTTP/${this.#major} is not supported on this connection`);
  }

  #refuse(status: number, reason: string): void {
    this.#refusal = { status, reason };
  }
}

/** The index of the first byte from `start` on that no target holds. */
function endOfTarget(view: ByteView, start: number, end: number): number {
  const isTarget = targetBytes;
  const { bytes } = view;
  let pos = skipTarget(view, start, end);
  while (pos < end && isTarget[bytes[pos] as number] === 1) pos++;
  return pos;
}

/** Whether HTTP/1.1 CRLF stands there. */
function isVersion({ bytes, words }: ByteView, start: number): boolean {
  return (
    words.getInt32(start, true) === versionStart &&
    words.getInt32(start + 4, true) === versionEnd &&
    bytes[start + 8] === CR &&
    bytes[start + 9] === LF
  );
}

/** The method as a string; the usual ones without making one. */
function methodOf(bytes: Buffer, start: number, end: number): string {
  for (const method of commonMethods) {
    if (isText(bytes, start, end, method)) return method;
  }
  return bytes.toString('latin1', start, end);
}

function faultOfTarget(byte: number): string {
  switch (byte) {
    case SP:
      return 'more than one blank after the method';
    case CR:
    case LF:
      return 'no HTTP version in the request line';
    default:
      return `byte ${nameOfByte(byte)} in the request target`;
  }
}

function faultOfVersion(byte: number, position: number): string {
  if (position === 0 && byte === SP) return 'more than one blank before the HTTP version';
  if (position === 8 && byte === LF) return 'request line ends with a line feed without a carriage return';
  if (position === 9) return 'carriage return without a line feed in the request line';
  return 'malformed HTTP version in the request line';
}
