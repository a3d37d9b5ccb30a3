// The body of one request on its way to a worker. It is held while no worker is there to take it, and a small one of
// a request that may be repeated is kept until the answer begins. Bounded: who fills it must stop when it is full.
import { Buffer } from 'node:buffer';
import type { Timer } from '../../lib/clock.ts';
import type { BodyFraming } from '../core/request-fields.ts';
import type { HeadWriter } from '../http1/head-writer.ts';
import type { Fields, Framing } from '../http1/message.ts';
import { isTrailerCopied } from '../core/request-fields.ts';
import type { ByteStream, Transport } from '../transports/transport.ts';
import { HeldBytes } from './held-bytes.ts';

/** Bytes held, or kept for a repetition. */
const heldBodyBytes = 64 * 1024;
/** A chunked body's request waits this long at most for the body's end. */
const longestHoldMs = 100;

/** All that sending takes of a stream. */
export type Outlet = Pick<ByteStream, 'write'>;

export class RequestBody {
  readonly #writer: HeadWriter;
  readonly #framing: Framing;
  readonly #isRepeatable: boolean;
  /** None yet, or none any more. */
  #held: HeldBytes | undefined;
  /** Everything that came is still held. */
  #isComplete = true;
  #trailers: Buffer | undefined;
  /** Body bytes that came from the client. */
  receivedBytes = 0;
  /** Bytes of the request, its head included, that went to the present worker. */
  bytesSent = 0;
  /** The client sent the request whole, and the parser said so. */
  hasEnded = false;
  /** Runs while it is held for its end. */
  #endTimer: Timer | undefined;
  #isChunkedUpstream = false;
  #takesTrailers = true;

  /** `isRepeatable`: keep what was sent as long as it is small, the request might be sent again. */
  constructor(writer: HeadWriter, framing: Framing, isRepeatable: boolean) {
    this.#writer = writer;
    this.#framing = framing;
    this.#isRepeatable = isRepeatable;
  }

  /** Nothing more of the request comes. */
  get isWhole(): boolean {
    const framing = this.#framing;
    return this.hasEnded || framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
  }

  get isFull(): boolean {
    return this.#heldBytes >= heldBodyBytes;
  }

  /** It need not be held for its end: a body with a length is sent on as it comes, and so is what cannot be held. */
  get isHeldEnough(): boolean {
    return this.isFull || this.#framing.kind === 'length';
  }

  get isEndAwaited(): boolean {
    return this.#endTimer !== undefined;
  }

  /** A chunked body that is not whole is held for a moment, then `onDue`: its end proves it well-formed. */
  awaitEnd(transport: Pick<Transport, 'after'>, onDue: () => void): void {
    this.#endTimer = transport.after(longestHoldMs, () => {
      this.#endTimer = undefined;
      onDue();
    });
  }

  /** It came, or nobody waits for it any more. */
  stopAwaitingEnd(): void {
    this.#endTimer?.cancel();
  }

  /** True while all that came can be sent (again) from the start. */
  get isReplayable(): boolean {
    return this.#isComplete;
  }

  /** Holds bytes[start, end), which must stay as they are until `keep`. */
  hold(bytes: Buffer, start: number, end: number): void {
    this.#held ??= new HeldBytes();
    this.#held.add(bytes, start, end);
  }

  /** The bytes that were held since it was last called are about to change. */
  keep(): void {
    this.#held?.keep();
  }

  /** Trailers are written out at once: their fields do not outlive the call that reports them. */
  holdTrailers(fields: Fields): void {
    const writer = this.#writer;
    writer.clear();
    for (let i = 0; i < fields.count; i++) if (isTrailerCopied(fields, i)) writer.copy(fields, i);
    this.#trailers = writer.length > 0 ? writer.take() : undefined;
  }

  /**
   * How the body goes to the worker, decided when its head is written: a whole one has a length. `takesTrailers`: the
   * worker is sent those of a chunked one.
   */
  decideFraming(takesTrailers: boolean): BodyFraming {
    const { kind } = this.#framing;
    this.#isChunkedUpstream = false;
    this.#takesTrailers = takesTrailers;
    if (kind === 'length') return this.#framing;
    if (kind !== 'chunked') return { kind: 'none' };
    if (this.hasEnded && this.#isComplete && !(takesTrailers && this.#trailers !== undefined)) {
      return { kind: 'length', length: this.#heldBytes };
    }
    this.#isChunkedUpstream = true;
    return { kind: 'chunked' };
  }

  /** Sends what is held, after the head, which had `headBytes`. */
  sendHeld(stream: Outlet, headBytes: number): void {
    this.bytesSent = headBytes;
    this.#held?.sendTo((bytes, start, end) => {
      this.#write(stream, bytes, start, end);
    });
    if (!this.#isRepeatable) this.#forget();
    if (this.hasEnded) this.sendEnd(stream);
  }

  /** Sends bytes that just came; those that may have to be sent again are held. */
  send(stream: Outlet, bytes: Buffer, start: number, end: number): void {
    if (this.#isComplete) {
      if (this.#isRepeatable && this.#heldBytes + end - start <= heldBodyBytes) this.hold(bytes, start, end);
      else this.#forget();
    }
    this.#write(stream, bytes, start, end);
  }

  /** Bytes on their way past us; they cannot be sent again. */
  countRelayed(bytes: number): void {
    this.receivedBytes += bytes;
    this.bytesSent += bytes;
  }

  /** Ends the body. */
  sendEnd(stream: Outlet): void {
    if (!this.#isChunkedUpstream) return;
    stream.write(lastChunk, 0, lastChunk.length);
    if (this.#trailers !== undefined && this.#takesTrailers) stream.write(this.#trailers, 0, this.#trailers.length);
    stream.write(lineEnd, 0, lineEnd.length);
  }

  /** The answer began: nothing will be sent again. */
  dropHeld(): void {
    if (this.receivedBytes > 0) this.#forget();
  }

  #write(stream: Outlet, bytes: Buffer, start: number, end: number): void {
    this.bytesSent += end - start;
    if (this.#isChunkedUpstream) writeChunk(stream, this.#writer, bytes, { start, end });
    else stream.write(bytes, start, end);
  }

  get #heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  #forget(): void {
    this.#held = undefined;
    if (this.receivedBytes > 0) this.#isComplete = false;
  }
}

const lineEnd = Buffer.from('\r\n');
const lastChunk = Buffer.from('0\r\n');

/** Writes bytes[start, end) as one chunk. */
export function writeChunk(
  stream: Outlet,
  writer: HeadWriter,
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  if (end === start) return;
  writer.clear();
  writer.chunkHead(end - start);
  writer.send(stream);
  stream.write(bytes, start, end);
  stream.write(lineEnd, 0, lineEnd.length);
}
