// The primary's log: the JSON lines that lib/log.ts writes with pino, without pino, whose loading is a tenth of the
// time that a small app's deploy takes. Text for a terminal is pino's all the same. It never throws and never blocks.
import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from '../lib/errors.ts';
import { createLogger, type LogLevel, type LogOptions } from '../lib/log.ts';

/** What the vassal asks of a log. `details` become keys of the line; an Error becomes its `err`. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object | string, message?: string): void;
  error(details: object | string, message?: string): void;
  fatal(details: object | string, message?: string): void;
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

/** pino's numbers. */
const levels: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Infinity,
};

/** Lines that standard error does not take now; beyond this further ones are lost. In UTF-16 units. */
const maxPending = 1024 * 1024;
const retryMs = 50;

export function createVassalLogger(options: LogOptions): Logger {
  if (options.format === 'pretty') return createLogger('vassal', options);
  const stream = new LineStream(2);
  process.once('exit', () => {
    stream.flush();
  });
  const bindings = { pid: process.pid, hostname: hostname(), name: 'vassal' };
  return jsonLogger(stream, levels[options.level], bindings);
}

/** Exported for its test. */
export function jsonLogger(
  stream: { write(line: string): void },
  lowest: number,
  bindings: Readonly<Record<string, unknown>>,
): Logger {
  const at =
    (level: number) =>
    (details: object | string, message?: string): void => {
      if (level < lowest) return;
      const own = typeof details === 'string' ? { msg: details } : { ...keysOf(details), msg: message };
      stream.write(`${JSON.stringify({ level, time: Date.now(), ...bindings, ...own }, withErrors)}\n`);
    };
  return {
    info: at(levels.info),
    warn: at(levels.warn),
    error: at(levels.error),
    fatal: at(levels.fatal),
    child: (more) => jsonLogger(stream, lowest, { ...bindings, ...more }),
  };
}

function keysOf(details: object): object {
  return details instanceof Error ? { err: details } : details;
}

function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { type: value.name, message: value.message, stack: value.stack, code: errnoOf(value) };
}

/** Writes in the caller's turn, so that the last words of a process that crashes are there. */
class LineStream {
  readonly #fd: number;
  #pending = Buffer.alloc(0);
  #isWaiting = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#pending.length > maxPending) return;
    this.#pending = Buffer.concat([this.#pending, Buffer.from(line)]);
    if (!this.#isWaiting) this.flush();
  }

  flush(): void {
    try {
      while (this.#pending.length > 0) {
        this.#pending = this.#pending.subarray(writeSync(this.#fd, this.#pending));
      }
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') this.#retry();
      // A full disk, or a reader that has gone, costs log lines and no more.
      else this.#pending = Buffer.alloc(0);
    }
  }

  #retry(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.flush();
    }, retryMs).unref();
  }
}
