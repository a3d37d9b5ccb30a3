// Reads an app's log files: one JSON object a line, written by the primary. The last line may be half written, and a
// line may be anything at all after a full disk; what is no log line is left out.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { logFile } from '../lib/run-dir.ts';

export interface LogLine {
  /** ISO 8601. */
  readonly time: string;
  readonly app: string;
  readonly generation: number;
  readonly worker: number | null;
  readonly stream: string;
  readonly line: string;
}

/** How far back from its end a file is read for its last lines. */
const tailBytes = 256 * 1024;

/** The text of the last lines in a generation's log, oldest first; empty where there is none. */
export function tailOfLog(dir: string, count: number): readonly string[] {
  return readTail(logFile(dir), count).lines.map(({ line }) => line);
}

export interface LogTail {
  readonly lines: readonly LogLine[];
  /** Where the next line begins. */
  readonly offset: number;
}

/** The last `count` whole lines of a file. A file that cannot be read has none. */
export function readTail(path: string, count: number): LogTail {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return { lines: [], offset: 0 };
  }
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - tailBytes);
    const bytes = Buffer.alloc(size - start);
    const read = readSync(fd, bytes, 0, bytes.length, start);
    const end = bytes.lastIndexOf(0x0a, read - 1) + 1;
    const texts = bytes.toString('utf8', 0, end).split('\n');
    // The first one may have begun before the part that was read.
    const whole = start === 0 ? texts : texts.slice(1);
    return { lines: count === 0 ? [] : whole.flatMap(parseLogLine).slice(-count), offset: start + end };
  } catch {
    return { lines: [], offset: 0 };
  } finally {
    closeSync(fd);
  }
}

/** The line's content, or nothing where it is no log line. */
export function parseLogLine(text: string): readonly LogLine[] {
  if (text === '') return [];
  try {
    const value = JSON.parse(text) as Partial<LogLine> | null;
    if (typeof value?.line !== 'string' || typeof value.time !== 'string') return [];
    return [
      {
        time: value.time,
        app: String(value.app),
        generation: Number(value.generation),
        worker: typeof value.worker === 'number' ? value.worker : null,
        stream: String(value.stream),
        line: value.line,
      },
    ];
  } catch {
    return [];
  }
}
