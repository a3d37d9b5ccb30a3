// The app's log file: one JSON object a line, bounded in size, with the last lines kept in memory. It never throws,
// never blocks the event loop and never grows: what cannot be written is dropped and counted, and said so.
import { open, rename, type FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../lib/clock.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';

/** Beyond this the file becomes `<path>.1`, in place of the one before it. */
export const maxLogBytes = 10 * 1024 * 1024;
/** Lines kept in memory: what a failed start shows. */
export const tailLength = 50;
/** Above the first, writers are asked to pause; below the second, to go on. In UTF-16 units. */
const highWater = 1024 * 1024;
const lowWater = 256 * 1024;
/** After a failure it is tried again with the next line, and this often without one. */
const retryMs = 5000;
/** A line of the tail is cut: 50 of the longest would be a message of 3 MB. */
const maxTailLine = 2000;

export type LogStream = 'out' | 'err';

export interface AppLogOptions {
  readonly path: string;
  readonly app: string;
  readonly generation: number;
  readonly clock: Clock;
  /** The problem began, changed, or is over. */
  onProblem(): void;
}

export class AppLog {
  readonly #options: AppLogOptions;
  readonly #tail: string[] = [];
  #pending: string[] = [];
  #pendingLength = 0;
  #waiting: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #size = 0;
  #dropped = 0;
  #reason: string | undefined;
  #retry: Timer | undefined;
  #isClosed = false;

  constructor(options: AppLogOptions) {
    this.#options = options;
  }

  /** Lines that wait to be written are too many: pause the source until `onceDrained`. */
  get isFull(): boolean {
    return this.#pendingLength > highWater;
  }

  /** What is wrong, in words; null while lines are written. */
  get problem(): string | null {
    if (this.#reason === undefined) return null;
    return `the log ${this.#options.path} cannot be written (${this.#reason}); lines lost: ${this.#dropped}`;
  }

  /** The last lines, oldest first, whether or not they could be written. */
  get tail(): readonly string[] {
    return [...this.#tail];
  }

  /** `worker` is null for what the primary itself has to say. */
  write(worker: number | null, stream: LogStream, line: string): void {
    this.#tail.push(line.length > maxTailLine ? `${line.slice(0, maxTailLine)}…` : line);
    if (this.#tail.length > tailLength) this.#tail.shift();
    const text = this.#format(worker, stream, line);
    this.#pending.push(text);
    this.#pendingLength += text.length;
    this.#writing ??= this.#writeAll();
  }

  onceDrained(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#writing;
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  #format(worker: number | null, stream: LogStream, line: string): string {
    const { app, generation, clock } = this.#options;
    const time = new Date(clock.wallMs()).toISOString();
    return `${JSON.stringify({ time, app, generation, worker, stream, line })}\n`;
  }

  /** The only writer. It ends when nothing waits, and never rejects. */
  async #writeAll(): Promise<void> {
    // One turn of the loop later: lines that come together are written together.
    await new Promise((resolve) => setImmediate(resolve));
    this.#retry?.cancel();
    do {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingLength = 0;
      try {
        if (this.#reason !== undefined) await this.#recover(this.#reason);
        if (lines.length > 0) await this.#append(Buffer.from(lines.join('')));
      } catch (error) {
        await this.#onLost(lines.length, error);
      }
      if (this.#pendingLength <= lowWater) this.#wake();
    } while (this.#pending.length > 0);
    this.#writing = undefined;
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#file ??= await this.#open();
    if (this.#size > 0 && this.#size + bytes.length > maxLogBytes) await this.#rotate();
    let written = 0;
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.#file.write(bytes, written);
        if (bytesWritten === 0) throw new Error('nothing was written');
        written += bytesWritten;
      }
      this.#size += written;
    } catch (error) {
      // A torn line would spoil the next one too. If even this fails, readers skip what is no JSON.
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw error;
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#options.path, 'a', 0o640);
    this.#size = (await file.stat()).size;
    return file;
  }

  async #rotate(): Promise<void> {
    const { path } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    await rename(path, `${path}.1`).catch((error: unknown) => {
      // Somebody took the file away: there is nothing to keep.
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
    this.#file = await this.#open();
  }

  /** Writes what was missed, in place of it; if that works the problem is over. */
  async #recover(reason: string): Promise<void> {
    const line = `[emperor] ${this.#dropped} lines were lost while the log could not be written (${reason})`;
    await this.#append(Buffer.from(this.#format(null, 'err', line)));
    this.#reason = undefined;
    this.#dropped = 0;
    this.#options.onProblem();
  }

  async #onLost(lines: number, error: unknown): Promise<void> {
    this.#dropped += lines;
    this.#reason = messageOf(error);
    // Opened anew next time: the file may have been replaced, or its file system have gone.
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
    if (!this.#isClosed) {
      this.#retry = this.#options.clock.after(retryMs, () => {
        this.#writing ??= this.#writeAll();
      });
    }
    this.#options.onProblem();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }
}
