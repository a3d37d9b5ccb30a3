// Gathers what many streams write during one turn in one shared block, so that a head and its body leave by one
// system call and a request costs no buffer of its own.
import { Buffer } from 'node:buffer';

const arenaBytes = 64 * 1024;
/** A piece as large as this gets a buffer of its own: it may wait long for a slow reader. */
const largePieceBytes = 8 * 1024;

/** Up to this many bytes a loop is faster than Buffer.copy, which makes a view of its source first (Node 20). */
const shortPieceBytes = 48;

export class WriteArena {
  #block = Buffer.allocUnsafeSlow(arenaBytes);
  #used = 0;
  /** Some write out of the block is still on its way: its bytes must not be overwritten. */
  #isPinned = false;

  /** Called when nothing gathered is left: the block may be used again from the start if no write holds it. */
  reset(): void {
    if (!this.#isPinned) this.#used = 0;
  }

  pin(): void {
    this.#isPinned = true;
  }

  /** Appends bytes[start, end) to what `gathered` holds. */
  append(gathered: Gathered, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length >= largePieceBytes) {
      const own = Buffer.allocUnsafeSlow(length);
      bytes.copy(own, 0, start, end);
      gathered.seal();
      gathered.pieces.push(own);
      return;
    }
    if (this.#used + length > arenaBytes) {
      this.#block = Buffer.allocUnsafeSlow(arenaBytes);
      this.#used = 0;
      this.#isPinned = false;
    }
    const at = this.#used;
    if (length <= shortPieceBytes) {
      const block = this.#block;
      for (let i = 0; i < length; i++) block[at + i] = bytes[start + i] as number;
    } else {
      bytes.copy(this.#block, at, start, end);
    }
    this.#used = at + length;
    if (gathered.block === this.#block && gathered.to === at) {
      gathered.to = this.#used;
      return;
    }
    gathered.seal();
    gathered.block = this.#block;
    gathered.from = at;
    gathered.to = this.#used;
  }
}

/** What one stream wrote in this turn: finished pieces, then a range of a block that still grows. */
export class Gathered {
  readonly pieces: Buffer[] = [];
  block: Buffer | undefined;
  from = 0;
  to = 0;

  /** Turns the growing range into a finished piece. */
  seal(): void {
    if (this.block === undefined) return;
    this.pieces.push(this.block.subarray(this.from, this.to));
    this.block = undefined;
  }
}
