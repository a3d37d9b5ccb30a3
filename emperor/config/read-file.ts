// Reads one file that may be anything: a FIFO, a socket, a link to nowhere, a file of gigabytes, a file that
// changes under our hands. It never blocks, never reads more than the limit, and tells what it met as a value.
import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink, stat, type FileHandle } from 'node:fs/promises';
import { errnoOf, messageOf } from '../../lib/errors.ts';
import { fileProblem, type Problem } from './problem.ts';

/**
 * Largest config file. The YAML parser takes up to 9 µs per byte on hostile text (measured on a megabyte of
 * commas), during which the emperor hears nobody; so the bound is far above real files and no higher.
 */
export const maxFileBytes = 256 * 1024;

export type FileReading =
  | {
      readonly kind: 'read';
      readonly bytes: Buffer;
      readonly stats: Stats;
      /** It kept changing. */ readonly isChanging: boolean;
    }
  /** Judged by what it is: no regular file, too large, a link to nowhere. */
  | { readonly kind: 'refused'; readonly problem: Problem; readonly stats: Stats | null }
  /** The system would not say (EACCES, EIO, EMFILE …). */
  | { readonly kind: 'unreadable'; readonly problem: Problem }
  | { readonly kind: 'missing' };

/** Reads a regular file of at most `maxFileBytes`. Never rejects. */
export async function readConfigFile(file: string): Promise<FileReading> {
  let handle: FileHandle | undefined;
  try {
    // stat before open: opening a device can have effects, and a FIFO without a writer would block but for NONBLOCK.
    const before = await stat(file);
    const refused = refusal(file, before);
    if (refused !== undefined) return refused;
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return await readOpened(file, handle);
  } catch (error) {
    return await failure(file, error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** What `readConfigFile` says about a failed stat or open of `file`; the scan's cheap stat shares it. */
export async function failure(file: string, error: unknown): Promise<FileReading> {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') return await missing(file);
  if (errno === 'ELOOP')
    return { kind: 'refused', problem: fileProblem(file, 'the link leads back to itself'), stats: null };
  // A socket cannot be opened; it was put there after the stat.
  if (errno === 'ENXIO') return { kind: 'refused', problem: notRegular(file, 'a socket or a device'), stats: null };
  const reason = errno === 'EACCES' || errno === 'EPERM' ? 'permission denied' : messageOf(error);
  const hint = errno === 'EACCES' || errno === 'EPERM' ? "make it readable for the emperor's user" : null;
  return { kind: 'unreadable', problem: fileProblem(file, `the file cannot be read: ${reason}`, hint) };
}

/** Why a file of these stats is not read at all, if so. */
export function refusal(file: string, stats: Stats): Extract<FileReading, { kind: 'refused' }> | undefined {
  if (!stats.isFile()) return { kind: 'refused', problem: notRegular(file, kindOf(stats)), stats };
  if (stats.size > maxFileBytes) return { kind: 'refused', problem: tooLarge(file, stats.size), stats };
  return undefined;
}

async function readOpened(file: string, handle: FileHandle): Promise<FileReading> {
  let last: { bytes: Buffer; stats: Stats } | undefined;
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const before = await handle.stat();
    const refused = refusal(file, before);
    if (refused !== undefined) return refused;
    const bytes = await readBytes(handle);
    if (bytes.length > maxFileBytes) return { kind: 'refused', problem: tooLarge(file, bytes.length), stats: before };
    const after = await handle.stat();
    if (after.mtimeMs === before.mtimeMs && after.size === before.size) {
      return { kind: 'read', bytes, stats: after, isChanging: false };
    }
    last = { bytes, stats: after };
  }
  if (last === undefined) return { kind: 'missing' };
  return { kind: 'read', ...last, isChanging: true };
}

/** Reads from the start to the end, or to one byte beyond the limit: the size is not to be believed (procfs says 0). */
async function readBytes(handle: FileHandle): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(maxFileBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return Buffer.from(buffer.subarray(0, length));
}

async function missing(file: string): Promise<FileReading> {
  try {
    const stats = await lstat(file);
    if (!stats.isSymbolicLink()) return { kind: 'missing' };
    const target = await readlink(file);
    const problem = fileProblem(
      file,
      `the link points to ${target}, which does not exist`,
      'mend the link or remove it',
    );
    return { kind: 'refused', problem, stats: null };
  } catch {
    return { kind: 'missing' };
  }
}

function notRegular(file: string, kind: string): Problem {
  return fileProblem(file, `expected a regular file, got ${kind}`, 'move it out of the directory or rename it');
}

function tooLarge(file: string, bytes: number): Problem {
  const size = bytes >= 1024 ** 2 ? `${(bytes / 1024 ** 2).toFixed(1)} MB` : `${Math.ceil(bytes / 1024)} KB`;
  const message = `the file is too large: ${size}, and at most ${maxFileBytes / 1024} KB are read`;
  return fileProblem(file, message, 'a config file holds settings only; keep data elsewhere');
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
