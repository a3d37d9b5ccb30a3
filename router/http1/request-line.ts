// The request line: `METHOD target HTTP/1.x`, exactly one blank between, CRLF behind. Judges method and version;
// what the target means is decided with the Host (request-target.ts).
import type { Buffer } from 'node:buffer';
import { CR, LF, SP, isText, nameOfByte, targetBytes, tokenBytes } from './byte-classes.ts';
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

  reset(): void {
    this.#state = inMethod;
    this.#isComplete = false;
    this.#refusal = undefined;
  }

  scan(bytes: Buffer, base: number, from: number, end: number): number {
    let pos = from;
    if (this.#state === inMethod) pos = this.#scanMethod(bytes, base, pos, end);
    if (this.#state === inTarget && this.#refusal === undefined) pos = this.#scanTarget(bytes, base, pos, end);
    if (this.#state === inVersion && this.#refusal === undefined) pos = this.#scanVersion(bytes, base, pos, end);
    return pos;
  }

  #scanMethod(bytes: Buffer, base: number, from: number, end: number): number {
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
    this.#method = methodOf(bytes, base, pos);
    this.#targetStart = pos + 1 - base;
    this.#state = inTarget;
    return pos + 1;
  }

  #scanTarget(bytes: Buffer, base: number, from: number, end: number): number {
    const isTarget = targetBytes;
    let pos = from;
    while (pos < end && isTarget[bytes[pos] as number] === 1) pos++;
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

  #scanVersion(bytes: Buffer, base: number, from: number, end: number): number {
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
