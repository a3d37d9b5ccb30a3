// Where the frames of one direction of a WebSocket begin and end (RFC 6455 section 5.2), read from their headers only:
// payloads are counted and never looked at. What cannot be frames ends the tracking for good. Pure.
import { Buffer } from 'node:buffer';

/** Who sends this direction: a client masks every frame, a server none. */
export type FrameSender = 'client' | 'server';

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** A bit for each. */
const knownOpcodes = Object.values<number>(opcodes).reduce((bits, opcode) => bits | (1 << opcode), 0);
const longestControlPayload = 125;
/** Two bytes, up to eight of length, four of mask. */
const longestHeader = 14;

export class WebSocketFrames {
  readonly #sender: FrameSender;
  readonly #header = Buffer.alloc(longestHeader);
  /** Bytes of the present frame's header that came, and how many it has as far as that is known. */
  #headerBytes = 0;
  #headerLength = 2;
  #payloadLeft = 0;
  #opcode = 0;
  #isLost = false;
  #hasClosed = false;

  constructor(sender: FrameSender) {
    this.#sender = sender;
  }

  /** Nothing of a next frame came yet. */
  get isAtBoundary(): boolean {
    return !this.#isLost && this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** These are no frames: nobody knows where the next one begins. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** A whole Close frame came. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Follows bytes[start, end). */
  follow(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) at = this.followToBoundary(bytes, at, end);
  }

  /** Follows bytes[start, end) up to the end of a frame, and returns where that is; `end` if none ends before. */
  followToBoundary(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#isLost) return end;
      if (this.#payloadLeft > 0) {
        const length = Math.min(this.#payloadLeft, end - at);
        this.#payloadLeft -= length;
        at += length;
      } else {
        const stop = Math.min(end, at + this.#headerLength - this.#headerBytes);
        for (; at < stop; at++) this.#header[this.#headerBytes++] = bytes[at] as number;
        if (!this.#isHeaderWhole()) continue;
      }
      if (this.#payloadLeft > 0) continue;
      if (this.#opcode === opcodes.close) this.#hasClosed = true;
      return at;
    }
    return end;
  }

  /** Looks at the header as far as it came; true once it is whole, and then the payload's length is known. */
  #isHeaderWhole(): boolean {
    if (this.#headerBytes === 2) this.#onFirstBytes();
    if (this.#isLost || this.#headerBytes < this.#headerLength) return false;
    this.#payloadLeft = this.#payloadLength();
    this.#headerBytes = 0;
    this.#headerLength = 2;
    return !this.#isLost;
  }

  #onFirstBytes(): void {
    const first = this.#header[0] as number;
    const second = this.#header[1] as number;
    const isFinal = (first & 0x80) !== 0;
    const isMasked = (second & 0x80) !== 0;
    const length = second & 0x7f;
    this.#opcode = first & 0x0f;
    const isControl = this.#opcode >= opcodes.close;
    // The three reserved bits belong to extensions, which the two ends agreed on without us.
    this.#isLost =
      (knownOpcodes & (1 << this.#opcode)) === 0 ||
      isMasked !== (this.#sender === 'client') ||
      (isControl && (!isFinal || length > longestControlPayload));
    this.#headerLength = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (isMasked ? 4 : 0);
  }

  #payloadLength(): number {
    const short = (this.#header[1] ?? 0) & 0x7f;
    if (short < 126) return short;
    const length =
      short === 126
        ? this.#header.readUInt16BE(2)
        : this.#header.readUInt32BE(2) * 2 ** 32 + this.#header.readUInt32BE(6);
    // A longer form than needed is no frame, nor is a length whose first bit is set.
    if (length < (short === 126 ? 126 : 2 ** 16) || length > Number.MAX_SAFE_INTEGER) this.#isLost = true;
    return this.#isLost ? 0 : length;
  }
}

const closePayload = (code: number, reason: string): Buffer =>
  Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);

/** What a client is told when its WebSocket ends because the app's instance, or the router, does. */
export const closeToClient: Buffer = framed(closePayload(1012, 'service restart'), false);
/** What the worker is told when the client does not end it: 1001, this end goes away. */
export const closeToWorker: Buffer = framed(closePayload(1001, 'service restart'), true);

/** A Close frame. The mask guards proxies against bytes that a script chose; these are ours, and zeros will do. */
function framed(payload: Buffer, isMasked: boolean): Buffer {
  const head = Buffer.from([0x80 | opcodes.close, (isMasked ? 0x80 : 0) | payload.length]);
  return Buffer.concat(isMasked ? [head, Buffer.alloc(4), payload] : [head, payload]);
}
