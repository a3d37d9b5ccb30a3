// Reads what one worker process writes and gives it to the app's log, line by line. When the log is full the pipe is
// left unread, so a worker that floods is slowed by its own writes and not by our memory.
import type { Readable } from 'node:stream';
import type { AppLog, LogStream } from './app-log.ts';
import { LineSplitter } from './line-splitter.ts';
import type { OutputStreams } from './output-pipes.ts';

/** A server that cannot bind says so in its first lines, or in the stack that follows them. */
const startLines = 200;

export class Output {
  /** Resolves when both pipes have ended and every line is with the log. */
  readonly ended: Promise<void>;
  readonly #streams: Readable[] = [];
  #lines = 0;
  #saysAddressInUse = false;

  constructor({ out, err }: OutputStreams, worker: number, log: AppLog) {
    const read = async (stream: Readable | null, name: LogStream): Promise<void> => {
      if (stream === null) return;
      this.#streams.push(stream);
      await readLines(stream, log, (line) => {
        this.#look(line);
        log.write(worker, name, line);
      });
    };
    this.ended = Promise.all([read(out, 'out'), read(err, 'err')]).then(() => undefined);
  }

  /** Among its first lines was one that says that its port, or another address, is taken. */
  get saysAddressInUse(): boolean {
    return this.#saysAddressInUse;
  }

  /** Stops reading: whoever still holds the other end is no process of ours. The last line is not lost. */
  destroy(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #look(line: string): void {
    if (this.#lines >= startLines) return;
    this.#lines += 1;
    if (/EADDRINUSE|address (?:is )?already in use/i.test(line.slice(0, 1000))) this.#saysAddressInUse = true;
  }
}

async function readLines(stream: Readable, log: AppLog, onLine: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter(onLine);
  await new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      if (!log.isFull) return;
      stream.pause();
      log.onceDrained(() => {
        stream.resume();
      });
    });
    // A pipe that fails (ECONNRESET of a killed peer) is one that ended: `close` follows either way.
    stream.on('error', () => undefined);
    stream.once('close', resolve);
  });
  splitter.end();
}
