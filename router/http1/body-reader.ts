// Reads the body of one message after another, by its framing: reports data ranges uncopied, then the trailers.
// It never reports the message's end: the parser does, who knows what else hangs on it.
import type { Buffer } from 'node:buffer';
import { CR, LF } from './byte-classes.ts';
import { ChunkScanner } from './chunk-scanner.ts';
import { HeadReader } from './head-reader.ts';
import type { Fields, Framing, HeadLimits } from './message.ts';
import { findRefusedTrailer } from './trailer-rules.ts';

export interface BodySink {
  onBody(bytes: Buffer, start: number, end: number): void;
  onTrailers(fields: Fields): void;
}

/** `isLimit` tells an oversized trailer section from a malformed body. */
export interface BodyFault {
  readonly reason: string;
  readonly isLimit: boolean;
}

export class BodyReader {
  readonly #sink: BodySink;
  readonly #limits: HeadLimits;
  #kind: Framing['kind'] = 'none';
  /** Bytes still to come where the length is known. */
  #remaining = 0;
  #length = 0;
  #chunks: ChunkScanner | undefined;
  #trailers: HeadReader | undefined;
  #isInTrailers = false;
  #isEnded = false;
  #isPaused = false;
  #fault: BodyFault | undefined;

  constructor(sink: BodySink, limits: HeadLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get fault(): BodyFault | undefined {
    return this.#fault;
  }

  /** Bytes still to come; 0 where nobody knows. */
  get left(): number {
    return this.#remaining;
  }

  begin(framing: Framing): void {
    this.#kind = framing.kind;
    this.#fault = undefined;
    this.#isInTrailers = false;
    this.#length = this.#remaining = framing.kind === 'length' ? framing.length : 0;
    this.#isEnded = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
    if (framing.kind === 'chunked') {
      this.#chunks ??= new ChunkScanner();
      this.#chunks.reset();
    }
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** So many bytes went another way; they must be fewer than are left. */
  skip(bytes: number): void {
    this.#remaining -= bytes;
  }

  /** Reads bytes[start, end) up to the body's end, a fault or pause(); returns where it stopped. */
  read(bytes: Buffer, start: number, end: number): number {
    this.#isPaused = false;
    if (this.#kind === 'chunked') return this.#readChunked(bytes, start, end);
    if (this.#isEnded || start >= end) return start;
    const stop = this.#kind === 'length' ? Math.min(end, start + this.#remaining) : end;
    if (this.#kind === 'length') {
      this.#remaining -= stop - start;
      this.#isEnded = this.#remaining === 0;
    }
    this.#sink.onBody(bytes, start, stop);
    return stop;
  }

  /** The peer ended its direction: returns why that leaves the body unfinished, undefined where it ends it. */
  finish(): string | undefined {
    if (this.#kind === 'until-close') {
      this.#isEnded = true;
      return undefined;
    }
    if (this.#kind === 'length') {
      return `the connection ended after ${this.#length - this.#remaining} of ${this.#length} body bytes`;
    }
    return this.#isInTrailers
      ? 'the connection ended inside the trailer section'
      : 'the connection ended before the last chunk';
  }

  #readChunked(bytes: Buffer, start: number, end: number): number {
    const chunks = this.#chunks;
    let pos = start;
    while (chunks !== undefined && pos < end && !this.#isInTrailers && !this.#isPaused) {
      if (chunks.remaining > 0) {
        const stop = Math.min(end, pos + chunks.remaining);
        chunks.consume(stop - pos);
        this.#sink.onBody(bytes, pos, stop);
        pos = stop;
        continue;
      }
      pos = chunks.scan(bytes, pos, end);
      if (chunks.fault !== undefined) {
        this.#fault = { reason: chunks.fault, isLimit: false };
        return pos;
      }
      if (chunks.isLast) this.#beginTrailers();
    }
    return this.#isInTrailers && !this.#isPaused && !this.#isEnded ? this.#readTrailers(bytes, pos, end) : pos;
  }

  #beginTrailers(): void {
    this.#isInTrailers = true;
    this.#trailers?.reset();
  }

  #readTrailers(bytes: Buffer, start: number, end: number): number {
    // Nearly every body has none, and then needs no reader.
    if (this.#trailers === undefined && end - start >= 2 && bytes[start] === CR && bytes[start + 1] === LF) {
      this.#isEnded = true;
      return start + 2;
    }
    this.#trailers ??= new HeadReader({ limits: this.#limits, isKept: false });
    const trailers = this.#trailers;
    const stop = trailers.read(bytes, start, end);
    if (trailers.fault !== undefined) this.#fault = this.#faultOfTrailers(trailers);
    else if (trailers.isComplete) this.#endTrailers(trailers.fields);
    return stop;
  }

  #endTrailers(fields: Fields): void {
    const refused = findRefusedTrailer(fields);
    if (refused !== undefined) {
      this.#fault = { reason: `${refused} is not allowed in a trailer section`, isLimit: false };
      return;
    }
    this.#isEnded = true;
    if (fields.count > 0) this.#sink.onTrailers(fields);
  }

  #faultOfTrailers(trailers: HeadReader): BodyFault {
    if (trailers.fault === 'head-too-large') {
      return { reason: `trailer section larger than ${this.#limits.maxHeadBytes} bytes`, isLimit: true };
    }
    if (trailers.fault === 'too-many-fields') {
      return { reason: `trailer section with more than ${this.#limits.maxFields} lines`, isLimit: true };
    }
    return { reason: `trailer ${trailers.faultOfFields}`, isLimit: false };
  }
}
