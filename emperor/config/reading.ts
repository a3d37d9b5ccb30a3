// One config file of the directory, judged for itself: read, decoded, parsed, validated. What others claim comes
// later (scan.ts). A reading is kept from scan to scan, and made anew only when the file's stamp has changed.
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes, digestSpec } from './digest.ts';
import { nameProblem, vassalName } from './names.ts';
import type { Note } from './note.ts';
import { fileProblem, type Place, type Problem } from './problem.ts';
import { failure, readConfigFile, refusal, type FileReading } from './read-file.ts';
import type { DigestedSpec, FileStamp } from './scan.ts';
import { decodeText } from './text.ts';
import { readVassalText, type VassalDefaults } from './vassal-file.ts';

export interface Reading {
  readonly fileName: string;
  readonly file: string;
  readonly name: string;
  readonly stamp: FileStamp;
  /** Wall clock of the reading. */
  readonly readAtMs: number;
  readonly verdict: Verdict;
}

export type Verdict =
  | (DigestedSpec & {
      readonly kind: 'valid';
      readonly domainPlaces: ReadonlyMap<string, Place | null>;
      readonly notes: readonly Note[];
      /** It says the same as long as it does not change. */
      readonly isSelfContained: boolean;
    })
  | {
      readonly kind: 'invalid';
      readonly problems: readonly Problem[];
      /** It may be half written: the contents are at fault, not the name or the kind of file. */
      readonly mayBeHalfWritten: boolean;
    }
  | { readonly kind: 'unreadable'; readonly problems: readonly Problem[] };

export interface ReadingOptions {
  readonly directory: string;
  readonly runDir: string;
  readonly defaults: VassalDefaults;
  readonly nowMs: () => number;
  /** The reading of the last scan; only of the same options. */
  readonly last: Reading | undefined;
}

/**
 * A file written within this time before it was read may be written once more without its mtime changing: the
 * kernel stamps files by its tick (4–10 ms; FAT by 2 s, which the size and the ctime must cover).
 */
const racyMs = 50;

/** Reads and judges a file, or returns the last reading where nothing changed. Undefined: there is no such file. */
export async function readVassalFile(fileName: string, options: ReadingOptions): Promise<Reading | undefined> {
  const { last } = options;
  const file = join(options.directory, fileName);
  const name = vassalName(fileName);
  const base = { fileName, file, name, readAtMs: options.nowMs() };
  const fault = nameProblem(name, options.runDir);
  if (fault !== undefined) {
    const problems = [fileProblem(file, fault.message, fault.hint)];
    return { ...base, stamp: noStamp, verdict: { kind: 'invalid', problems, mayBeHalfWritten: false } };
  }
  const stats = await statFile(file);
  if ('kind' in stats) return judgeFailure(base, stats);
  const refused = refusal(file, stats);
  if (refused !== undefined) return judgeFailure(base, refused);
  // Only good files are trusted by their stamp: what is wrong with the others may lie outside of them.
  if (last?.verdict.kind === 'valid' && last.verdict.isSelfContained && isUnchanged(last, stats)) return last;
  const reading = await readConfigFile(file);
  return reading.kind === 'read' ? await judge(base, reading, options) : judgeFailure(base, reading);
}

const noStamp: FileStamp = { mtimeMs: 0, ctimeMs: 0, ino: 0, size: 0, contentDigest: '' };

type Base = Omit<Reading, 'stamp' | 'verdict'>;

async function statFile(file: string): Promise<Stats | FileReading> {
  try {
    return await stat(file);
  } catch (error) {
    return await failure(file, error);
  }
}

function judgeFailure(base: Base, reading: FileReading): Reading | undefined {
  if (reading.kind === 'missing' || reading.kind === 'read') return undefined;
  const problems = [reading.problem];
  if (reading.kind === 'unreadable') return { ...base, stamp: noStamp, verdict: { kind: 'unreadable', problems } };
  const stamp = reading.stats === null ? noStamp : stampOf(reading.stats, '');
  return { ...base, stamp, verdict: { kind: 'invalid', problems, mayBeHalfWritten: false } };
}

async function judge(
  base: Base,
  { bytes, stats, isChanging }: Extract<FileReading, { kind: 'read' }>,
  options: ReadingOptions,
): Promise<Reading> {
  const stamp = stampOf(stats, digestBytes(bytes));
  const invalid = (problems: readonly Problem[]): Reading => ({
    ...base,
    stamp,
    verdict: { kind: 'invalid', problems, mayBeHalfWritten: true },
  });
  if (isChanging) return invalid([fileProblem(base.file, 'the file keeps changing while it is read')]);
  const decoded = decodeText(bytes, base.file);
  if (!decoded.ok) return invalid([decoded.problem]);
  const result = await readVassalText(decoded.text, { file: base.file, name: base.name, defaults: options.defaults });
  if (!result.ok) return invalid(result.problems);
  const { spec, domainPlaces, notes, isSelfContained } = result;
  const digest = digestSpec(spec);
  return { ...base, stamp, verdict: { kind: 'valid', spec, digest, domainPlaces, notes, isSelfContained } };
}

function isUnchanged({ stamp, readAtMs }: Reading, stats: Stats): boolean {
  if (Math.abs(readAtMs - stats.ctimeMs) < racyMs) return false;
  return (
    stamp.mtimeMs === stats.mtimeMs &&
    stamp.ctimeMs === stats.ctimeMs &&
    stamp.ino === stats.ino &&
    stamp.size === stats.size
  );
}

function stampOf(stats: Stats, contentDigest: string): FileStamp {
  return { mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs, ino: stats.ino, size: stats.size, contentDigest };
}
