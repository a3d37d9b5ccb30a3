// One JSON line per request on standard output. It never blocks and never fails a request: lines wait in bounded
// memory, and are dropped (and counted) where the reader is too slow or the disk is full.
import { constants, fstatSync, openSync } from 'node:fs';
import { pino, type Logger } from 'pino';

export interface AccessEntry {
  /** Null where no app was found. */
  readonly app: string | null;
  /** `name/generation/worker`; null where none was asked. */
  readonly worker: string | null;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  /** Body bytes from and to the client. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly queueMs: number;
  readonly client: string;
  readonly requestId: string;
  /** Only where the exchange did not end with a worker's whole answer: why, and by whom. */
  readonly cause?: string;
  readonly endedBy?: string;
}

const bufferedBytes = 4 * 1024;
const mostBufferedBytes = 4 * 1024 * 1024;
const flushEveryMs = 500;

export class AccessLog {
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #logger: Logger;
  /** A descriptor of our own for standard output; undefined where 1 itself is used. */
  readonly #reopened: number | undefined;
  readonly #flushing: NodeJS.Timeout;
  #dropped = 0;

  constructor() {
    this.#reopened = reopenStandardOutput();
    this.#destination = pino.destination({
      fd: this.#reopened ?? 1,
      sync: false,
      minLength: bufferedBytes,
      maxLength: mostBufferedBytes,
      // EAGAIN: the reader is slow. The lines stay in the (bounded) buffer and are tried again in 100 ms.
      retryEAGAIN: () => true,
    });
    this.#destination.on('drop', () => {
      this.#dropped++;
    });
    // Nobody reads any more, or the disk is full: what is buffered is tried again with the next flush.
    this.#destination.on('error', () => undefined);
    this.#logger = pino(
      { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: () => ({ kind: 'access' }) } },
      this.#destination,
    );
    this.#flushing = setInterval(() => {
      this.#destination.flush(ignoreOutcome);
    }, flushEveryMs);
    this.#flushing.unref();
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: AccessEntry): void {
    this.#logger.info(entry);
  }

  /** Writes what waits, for at most `timeoutMs`; false where the reader did not take it in that time. */
  async flush(timeoutMs: number): Promise<boolean> {
    clearInterval(this.#flushing);
    const isWritten = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, false);
      this.#destination.flush(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    // It closes a descriptor of our own, and keeps pino from trying again, synchronously, when the process exits.
    this.#destination.destroy();
    return isWritten || this.#reopened !== undefined;
  }
}

const ignoreOutcome = (): void => undefined;

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
