// What a client sent before it was its turn, as the next requests of one that pipelines, and the stop of its stream: for
// the sake of that, or of a request's body that nobody takes.
import { Buffer } from 'node:buffer';
import type { ByteStream } from '../transports/transport.ts';

/** From so much on that came too early its sender must stop. */
const mostAheadBytes = 16 * 1024;

export class Inflow {
  readonly #stream: Pick<ByteStream, 'pause' | 'resume'>;
  #ahead: Buffer | undefined;
  #isBodyHeld = false;
  #isPaused = false;

  /** The stream is not paused. */
  constructor(stream: Pick<ByteStream, 'pause' | 'resume'>) {
    this.#stream = stream;
  }

  /** What came too early; undefined: nothing did. */
  get ahead(): Buffer | undefined {
    return this.#ahead;
  }

  /** Keeps a copy of bytes[start, end) behind what came before. */
  keep(bytes: Buffer, start: number, end: number): void {
    const more = bytes.subarray(start, end);
    this.#ahead = this.#ahead === undefined ? Buffer.from(more) : Buffer.concat([this.#ahead, more]);
    this.#update();
  }

  /** It is the turn of what came too early. */
  drop(): void {
    this.#ahead = undefined;
    this.#update();
  }

  holdBody(isHeld: boolean): void {
    this.#isBodyHeld = isHeld;
    this.#update();
  }

  #update(): void {
    const isPaused = this.#isBodyHeld || (this.#ahead?.length ?? 0) >= mostAheadBytes;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#stream.pause();
    else this.#stream.resume();
  }
}
