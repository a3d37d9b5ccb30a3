// Lines to a descriptor, in batches: they are put into blocks of memory, and one block at a time is written, beside
// what runs. Who puts them in never waits: when the reader is too slow, or the disk is full, they wait in bounded memory,
// and what is beyond that is dropped and counted. A block of 64 KB is one write for some two hundred lines; each
// write costs as much as twenty of them, with its way through libuv's threads and back.
import { Buffer } from 'node:buffer';
import { write, writeSync } from 'node:fs';
import { ByteView, noBytes } from '../http1/byte-view.ts';

export interface BatchedOutputOptions {
  readonly fd: number;
  readonly blockBytes: number;
  /** Of all blocks whose lines wait. */
  readonly mostBytes: number;
  /** What waits so long is written, however little it is. */
  readonly flushEveryMs: number;
}

/** Where lines go next: from `length` on. Who wrote some says so by both numbers. */
export interface LineBlock {
  readonly view: ByteView;
  length: number;
  lines: number;
}

/** `paused`: by a fault; the next flush tries again. */
type State = 'idle' | 'writing' | 'paused' | 'closed';

/** A pipe that is full is tried again so soon, and where that did not help, ever later. */
const soonestRetryMs = 1;
const latestRetryMs = 100;

export class BatchedOutput {
  readonly #options: BatchedOutputOptions;
  readonly #flushing: NodeJS.Timeout;
  readonly #full: LineBlock[] = [];
  #filling: LineBlock = { view: noBytes, length: 0, lines: 0 };
  #spare: LineBlock | undefined;
  /** The capacity of the blocks above, without the spare one. */
  #bytes = 0;
  /** So much of the first full block is written. */
  #written = 0;
  #state: State = 'idle';
  #retry: NodeJS.Timeout | undefined;
  #retryMs = soonestRetryMs;
  #dropped = 0;
  #onSettled: (() => void) | undefined;

  constructor(options: BatchedOutputOptions) {
    this.#options = options;
    this.#flushing = setInterval(() => {
      this.#flush();
    }, options.flushEveryMs);
    this.#flushing.unref();
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A block with room for so many bytes, until the next call of anything here; undefined: the line is dropped. */
  room(bytes: number): LineBlock | undefined {
    const filling = this.#filling;
    return filling.length + bytes <= filling.view.bytes.length ? filling : this.#begin(bytes);
  }

  /** Puts a line in. */
  append(line: string): void {
    const bytes = Buffer.byteLength(line);
    const block = this.room(bytes);
    if (block === undefined) return;
    block.length += block.view.bytes.write(line, block.length);
    block.lines++;
  }

  /**
   * Writes what waits, for at most `timeoutMs`, and is closed then: what comes later, and what could not be written, is
   * dropped (a block of which a part was written counts whole). False where a write has not come back in that time.
   */
  async close(timeoutMs: number): Promise<boolean> {
    clearInterval(this.#flushing);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onSettled = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#seal();
      this.#flush();
      if (this.#full.length === 0) this.#onSettled();
    });
    const isStuck = this.#state === 'writing';
    this.#state = 'closed';
    clearTimeout(this.#retry);
    for (const { lines } of this.#full) this.#dropped += lines;
    this.#dropped += this.#filling.lines;
    this.#filling = { view: noBytes, length: 0, lines: 0 };
    return !isStuck;
  }

  /**
   * For a process that is about to end unasked: writes what waits as far as it goes at once. Not while a write runs: it
   * may be stuck, and part of its block may be written.
   */
  writeNow(): void {
    if (this.#state === 'writing' || this.#state === 'closed') return;
    this.#seal();
    try {
      for (const { view, length } of this.#full) {
        while (this.#written < length)
          this.#written += writeSync(this.#options.fd, view.bytes, this.#written, length - this.#written);
        this.#written = 0;
      }
    } catch {
      // The reader is slow or gone, or the disk is full.
    }
    this.#full.length = 0;
    this.#state = 'closed';
  }

  #begin(bytes: number): LineBlock | undefined {
    const capacity = Math.max(bytes, this.#options.blockBytes);
    if (this.#state === 'closed' || this.#bytes + capacity > this.#options.mostBytes) {
      this.#dropped++;
      return undefined;
    }
    this.#seal();
    this.#release(this.#filling);
    this.#filling = this.#obtain(capacity);
    this.#write();
    return this.#filling;
  }

  #flush(): void {
    if (this.#state === 'paused' && this.#retry === undefined) this.#state = 'idle';
    // What waits behind others is written in larger blocks.
    if (this.#full.length === 0) this.#seal();
    this.#write();
  }

  /** What is in the block that is being filled is to be written. */
  #seal(): void {
    if (this.#filling.lines === 0) return;
    this.#full.push(this.#filling);
    this.#filling = { view: noBytes, length: 0, lines: 0 };
  }

  #obtain(capacity: number): LineBlock {
    this.#bytes += capacity;
    const spare = this.#spare;
    if (spare?.view.bytes.length !== capacity)
      return { view: new ByteView(Buffer.allocUnsafeSlow(capacity)), length: 0, lines: 0 };
    this.#spare = undefined;
    return spare;
  }

  #release(block: LineBlock): void {
    const capacity = block.view.bytes.length;
    this.#bytes -= capacity;
    if (capacity === this.#options.blockBytes) this.#spare = { view: block.view, length: 0, lines: 0 };
  }

  #write(): void {
    const [block] = this.#full;
    if (this.#state !== 'idle' || block === undefined) return;
    this.#state = 'writing';
    const { view, length } = block;
    write(this.#options.fd, view.bytes, this.#written, length - this.#written, null, this.#onWritten);
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    if (this.#state === 'closed') return;
    this.#state = 'idle';
    if (error === null && bytes > 0) this.#onProgress(bytes);
    else if (error === null || error.code === 'EAGAIN') this.#retryLater();
    else this.#pause();
  };

  #onProgress(bytes: number): void {
    this.#retryMs = soonestRetryMs;
    this.#written += bytes;
    const [block] = this.#full;
    if (block !== undefined && this.#written === block.length) {
      this.#full.shift();
      this.#written = 0;
      this.#release(block);
    }
    if (this.#full.length === 0) this.#onSettled?.();
    this.#write();
  }

  /** The reader is slow. */
  #retryLater(): void {
    this.#state = 'paused';
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#state = 'idle';
      this.#write();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, latestRetryMs);
  }

  /** Nobody reads any more, or the disk is full. */
  #pause(): void {
    this.#state = 'paused';
    this.#onSettled?.();
  }
}
