// One JSON line per request on standard output. It never blocks and never fails a request: lines wait in bounded
// memory, and are dropped (and counted) where the reader is too slow or the disk is full.
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import type { Transport } from '../transports/transport.ts';
import { AccessLine, accessLineText, roomForLine, type AccessEntry } from './access-line.ts';
import { BatchedOutput } from './batched-output.ts';

const blockBytes = 64 * 1024;
const mostBufferedBytes = 4 * 1024 * 1024;
const flushEveryMs = 500;

export class AccessLog {
  readonly #transport: Pick<Transport, 'nowMs'>;
  readonly #clock: Pick<Clock, 'wallMs'>;
  #nowMs = NaN;
  #wallMs = 0;
  readonly #line = new AccessLine();
  readonly #output: BatchedOutput;
  /** A descriptor of our own for standard output; undefined where 1 itself is used. */
  readonly #reopened: number | undefined;
  readonly #onExit = (): void => {
    this.#output.writeNow();
  };

  constructor(transport: Pick<Transport, 'nowMs'>, clock: Pick<Clock, 'wallMs'>) {
    this.#transport = transport;
    this.#clock = clock;
    this.#reopened = reopenStandardOutput();
    this.#output = new BatchedOutput({
      fd: this.#reopened ?? 1,
      blockBytes,
      mostBytes: mostBufferedBytes,
      flushEveryMs,
    });
    // By a bug: what waits then tells of it.
    process.once('exit', this.#onExit);
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#output.dropped;
  }

  write(entry: AccessEntry): void {
    const wallMs = this.#readClock();
    const block = this.#output.room(roomForLine(entry));
    if (block === undefined) return;
    const end = this.#line.write(block.view, block.length, entry, wallMs);
    if (end === -1) {
      this.#output.append(accessLineText(entry, wallMs));
    } else {
      block.length = end;
      block.lines++;
    }
  }

  /** Writes what waits, for at most `timeoutMs`; false where the reader did not take it in that time. Nothing is written later. */
  async flush(timeoutMs: number): Promise<boolean> {
    process.off('exit', this.#onExit);
    const isWritten = await this.#output.close(timeoutMs);
    if (this.#reopened === undefined) return isWritten;
    if (isWritten) closeSync(this.#reopened);
    return true;
  }

  /** The wall clock is asked once in a turn, in which the other does not move: it takes 100 ns. */
  #readClock(): number {
    const nowMs = this.#transport.nowMs();
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#wallMs = this.#clock.wallMs();
    }
    return this.#wallMs;
  }
}

/**
 * A pipe or terminal is opened once more, without blocking: O_NONBLOCK belongs to the open file, which we share with
 * whoever started us, and a write that blocks in libuv's thread pool would keep the process from ever exiting.
 * Files never block. Sockets cannot be opened so (ENXIO): see `flush`.
 */
function reopenStandardOutput(): number | undefined {
  try {
    const stats = fstatSync(1);
    if (!stats.isFIFO() && !stats.isCharacterDevice()) return undefined;
    return openSync(
      '/proc/self/fd/1',
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_APPEND,
    );
  } catch {
    return undefined;
  }
}
