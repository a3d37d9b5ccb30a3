// What a client sent before it was its turn: the next requests of one that pipelines.
import { Buffer } from 'node:buffer';

/** From so much on its sender must stop. */
const mostBytes = 16 * 1024;

export class ReadAhead {
  #bytes: Buffer;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = Buffer.from(bytes.subarray(start, end));
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes.length >= mostBytes;
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
  }
}
