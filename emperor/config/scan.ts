// Reads a directory of config files into a snapshot. Level-triggered: it looks at the whole truth each time, and
// is cheap because files whose stamp did not change are not read again. It never throws for what it finds there.
import { lstat, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { systemClock, type Clock } from '../../lib/clock.ts';
import { errnoOf, messageOf } from '../../lib/errors.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { digestOf } from './digest.ts';
import { judgeTogether } from './judge-together.ts';
import { isConfigFileName } from './names.ts';
import type { Note } from './note.ts';
import { compareProblems, fileProblem, type Problem } from './problem.ts';
import { readVassalFile, type Reading } from './reading.ts';
import type { VassalDefaults } from './vassal-file.ts';

/** By what a change of a file is noticed. */
export interface FileStamp {
  /** A change of this with the same contentDigest is a `touch`. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly size: number;
  /** SHA-256 of the bytes, 16 hex characters; empty where they were not read. */
  readonly contentDigest: string;
}

/** A spec with its canonical digest (digest.ts). */
export interface DigestedSpec {
  readonly spec: VassalSpec;
  readonly digest: string;
}

interface FileStateBase {
  /** The vassal's name: the file's name without extension. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  readonly stamp: FileStamp;
  /** The last spec of this name that was valid; it goes on being served, and keeps its domains. */
  readonly lastGood: DigestedSpec | null;
}

export type FileState =
  | (FileStateBase & DigestedSpec & { readonly state: 'valid'; readonly notes: readonly Note[] })
  /** Judged and refused: what runs goes on running. */
  | (FileStateBase & { readonly state: 'invalid'; readonly problems: readonly Problem[] })
  /** EACCES, EIO and the like: nothing is known about the file, so what runs goes on running. */
  | (FileStateBase & { readonly state: 'unreadable'; readonly problems: readonly Problem[] })
  /** Perhaps half written, or just vanished: not to be judged yet. Change nothing and scan again soon. */
  | (FileStateBase & { readonly state: 'settling'; readonly problems: readonly Problem[] });

export interface ConfigSnapshot {
  readonly directory: string;
  /** Set where the directory is missing, unreadable or no directory; `files` are then those of the previous snapshot. */
  readonly directoryProblem: Problem | null;
  /** By vassal name. A name that is not in here has no file: drain and stop it. */
  readonly files: ReadonlyMap<string, FileState>;
  /** Every problem to report, the directory's first, then by file; none of files that are settling. */
  readonly problems: readonly Problem[];
  /** Scan again after so many ms, because something is settling; null where nothing is. */
  readonly rescanAfterMs: number | null;
  /** What the next scan builds on; of no use to others. */
  readonly memory: ScanMemory;
}

export interface ScanMemory {
  /** By file name. */
  readonly readings: ReadonlyMap<string, Reading>;
  /** Of the options that readings depend on: where they change, every file is read again. */
  readonly optionsDigest: string;
  /** Wall clock at which a file of this vassal name was first missed. */
  readonly missedSinceMs: ReadonlyMap<string, number>;
}

export interface ScanOptions {
  readonly directory: string;
  /** Vassal names must fit into its socket paths. */
  readonly runDir: string;
  /** `defaults` of emperor.yaml. */
  readonly defaults: VassalDefaults;
  /** The last snapshot, so that unchanged files are not read again and domains stay with who has them. */
  readonly previous?: ConfigSnapshot | undefined;
  /** Without a previous snapshot: the specs that adopted instances run, by name; they keep their domains. */
  readonly running?: ReadonlyMap<string, VassalSpec> | undefined;
  /** How young a broken file must be to count as settling. Default 200; 0 judges at once. */
  readonly settleMs?: number | undefined;
  readonly clock?: Pick<Clock, 'wallMs'> | undefined;
}

/** How young a broken file, or how fresh a removal, must be to wait for its end. */
const defaultSettleMs = 200;

/** Files looked at at the same time: enough to hide a slow disk, few enough to leave libuv's threads to others. */
const concurrency = 16;

/** Reads the directory. Never rejects for anything found in it. */
export async function scanDirectory(options: ScanOptions): Promise<ConfigSnapshot> {
  const directory = resolve(options.directory);
  const previous = options.previous?.directory === directory ? options.previous : undefined;
  const listing = await listDirectory(directory);
  if (!Array.isArray(listing)) return withoutDirectory(directory, previous, listing);
  const optionsDigest = digestOf([resolve(options.runDir), options.defaults]);
  const known = previous?.memory.optionsDigest === optionsDigest ? previous.memory.readings : undefined;
  const clock = options.clock ?? systemClock;
  const fileNames = await addOverlooked(directory, listing, previous);
  const found = await mapBounded(fileNames, (fileName) =>
    readVassalFile(fileName, {
      directory,
      runDir: resolve(options.runDir),
      defaults: options.defaults,
      nowMs: () => clock.wallMs(),
      last: known?.get(fileName),
    }),
  );
  const readings = found.filter((reading) => reading !== undefined);
  const judged = judgeTogether(readings, {
    previous,
    running: options.running ?? new Map<string, VassalSpec>(),
    settleMs: options.settleMs ?? defaultSettleMs,
    nowMs: clock.wallMs(),
  });
  return {
    directory,
    directoryProblem: null,
    files: judged.files,
    problems: judged.problems.toSorted(compareProblems),
    rescanAfterMs: judged.rescanAfterMs,
    memory: {
      readings: new Map(readings.map((reading) => [reading.fileName, reading])),
      optionsDigest,
      missedSinceMs: judged.missedSinceMs,
    },
  };
}

/** The directory itself is at fault: nothing is known about its files, so all stays as it was. */
function withoutDirectory(
  directory: string,
  previous: ConfigSnapshot | undefined,
  directoryProblem: Problem,
): ConfigSnapshot {
  const kept = (previous?.problems ?? []).filter((problem) => problem !== previous?.directoryProblem);
  return {
    directory,
    directoryProblem,
    files: previous?.files ?? new Map<string, FileState>(),
    problems: [directoryProblem, ...kept],
    rescanAfterMs: null,
    // Vanishing is timed anew once the directory is back.
    memory: {
      readings: previous?.memory.readings ?? new Map<string, Reading>(),
      optionsDigest: previous?.memory.optionsDigest ?? '',
      missedSinceMs: new Map(),
    },
  };
}

async function listDirectory(directory: string): Promise<string[] | Problem> {
  try {
    return (await readdir(directory)).filter(isConfigFileName);
  } catch (error) {
    const errno = errnoOf(error);
    const hint = 'apps go on running as they are until it can be read';
    if (errno === 'ENOENT') return fileProblem(directory, 'the directory does not exist', hint);
    if (errno === 'ENOTDIR') return fileProblem(directory, 'expected a directory, got a file', hint);
    const reason = errno === 'EACCES' || errno === 'EPERM' ? 'permission denied' : messageOf(error);
    return fileProblem(directory, `the directory cannot be read: ${reason}`, hint);
  }
}

/**
 * The listed files and those known ones that the listing overlooked though they are there: POSIX lets readdir miss
 * an entry that is renamed while it reads, and an overlooked file would stop its app.
 */
async function addOverlooked(
  directory: string,
  listing: readonly string[],
  previous: ConfigSnapshot | undefined,
): Promise<string[]> {
  const listed = new Set(listing);
  const known = [...(previous?.files.values() ?? [])].map(({ file }) => basename(file));
  const overlooked = await mapBounded(
    known.filter((fileName) => !listed.has(fileName)),
    async (fileName) => ((await exists(join(directory, fileName))) ? [fileName] : []),
  );
  return [...listing, ...overlooked.flat()].sort();
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Maps in order, with a bounded number of calls under way. */
async function mapBounded<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
  return results;
}
