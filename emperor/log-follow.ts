// `emperor logs`: the last lines of one app or of all, merged by time, and then what is added, across generations.
// It looks at the files by the clock: a follower is a person, and a few looks a second cost nothing.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Clock, Timer } from '../lib/clock.ts';
import { logFile } from '../lib/run-dir.ts';
import type { GenerationDirs } from './generation-dirs.ts';
import { parseLogLine, readTail, type LogLine } from './log-file.ts';

const lookEveryMs = 200;
/** Bytes read from one file in one look; the rest is read in the next. */
const mostBytesPerLook = 1024 * 1024;

interface OpenLog {
  readonly fd: number;
  offset: number;
  rest: Buffer;
}

/** The last `count` lines, oldest first, also from before the file was begun anew. `app` undefined: of every app. */
export function lastLines(dirs: GenerationDirs, app: string | undefined, count: number): readonly LogLine[] {
  return logsOf(dirs, app)
    .flatMap((path) => [...readTail(`${path}.1`, count).lines, ...readTail(path, count).lines])
    .sort(byTime)
    .slice(-count);
}

export interface FollowOptions {
  readonly dirs: GenerationDirs;
  readonly app: string | undefined;
  readonly clock: Clock;
  readonly onLines: (lines: readonly LogLine[]) => void;
}

/** Hears every line that is written from now on, until `stop` is called. */
export class LogFollower {
  readonly #options: FollowOptions;
  readonly #open = new Map<string, OpenLog>();
  #timer: Timer;

  constructor(options: FollowOptions) {
    this.#options = options;
    for (const path of logsOf(options.dirs, options.app)) this.#follow(path, readTail(path, 0).offset);
    this.#timer = options.clock.after(lookEveryMs, () => {
      this.#look();
    });
  }

  stop(): void {
    this.#timer.cancel();
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #look(): void {
    const { dirs, app, clock, onLines } = this.#options;
    // A generation that began since the last look is read from its start.
    for (const path of logsOf(dirs, app)) if (!this.#open.has(path)) this.#follow(path, 0);
    const lines = [...this.#open].flatMap(([path, log]) => this.#read(path, log));
    this.#timer = clock.after(lookEveryMs, () => {
      this.#look();
    });
    if (lines.length > 0) onLines(lines.sort(byTime));
  }

  #follow(path: string, offset: number): void {
    try {
      this.#open.set(path, { fd: openSync(path, 'r'), offset, rest: Buffer.alloc(0) });
    } catch {
      // Removed between the two looks, or not written yet.
    }
  }

  #read(path: string, log: OpenLog): readonly LogLine[] {
    const { size, ino } = fstatSync(log.fd);
    const wanted = Math.min(size - log.offset, mostBytesPerLook);
    if (wanted <= 0) {
      // Its last line was read; its generation is gone, or the primary began a new file under this name.
      if (statSync(path, { throwIfNoEntry: false })?.ino !== ino) {
        closeSync(log.fd);
        this.#open.delete(path);
      }
      return [];
    }
    const bytes = Buffer.alloc(wanted);
    const read = readSync(log.fd, bytes, 0, wanted, log.offset);
    log.offset += read;
    const all = Buffer.concat([log.rest, bytes.subarray(0, read)]);
    const end = all.lastIndexOf(0x0a) + 1;
    log.rest = all.subarray(end);
    return all.toString('utf8', 0, end).split('\n').flatMap(parseLogLine);
  }
}

function logsOf(dirs: GenerationDirs, app: string | undefined): readonly string[] {
  return [...dirs.list()]
    .filter(([name]) => app === undefined || name === app)
    .flatMap(([name, generations]) => generations.map((generation) => logFile(dirs.path(name, generation))));
}

function byTime(a: LogLine, b: LogLine): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
}
