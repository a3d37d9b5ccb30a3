// What `emperor check` knows: the problems and the apps of a directory or a single file, without running anything.
// It prints nothing.
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { errnoOf, messageOf } from '../../lib/errors.ts';
import { systemClock } from '../../lib/clock.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { isConfigFileName } from './names.ts';
import type { Note } from './note.ts';
import { fileProblem, type Problem } from './problem.ts';
import { readVassalFile } from './reading.ts';
import { scanDirectory } from './scan.ts';
import type { VassalDefaults } from './vassal-file.ts';

export interface CheckedApp {
  readonly name: string;
  readonly file: string;
  readonly spec: VassalSpec;
  /** Canonical digest of the spec; equal digests mean that nothing would be deployed. */
  readonly digest: string;
  /** What of its file does nothing here; sorted by place. */
  readonly notes: readonly Note[];
}

export interface CheckReport {
  /** Sorted by file, then by place. Empty: all is well. */
  readonly problems: readonly Problem[];
  /** The valid apps, sorted by name. */
  readonly apps: readonly CheckedApp[];
}

export interface CheckOptions {
  readonly runDir: string;
  readonly defaults: VassalDefaults;
}

/**
 * Checks a directory, with what its files claim from each other, or one file for itself (of any extension that is
 * read; its siblings are not looked at). Never rejects for bad input.
 */
export async function checkPath(path: string, options: CheckOptions): Promise<CheckReport> {
  const absolute = resolve(path);
  try {
    const stats = await stat(absolute);
    return stats.isDirectory() ? await checkDirectory(absolute, options) : await checkFile(absolute, options);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    const message = errnoOf(error) === 'ENOENT' ? 'there is no such file or directory' : messageOf(error);
    return { problems: [fileProblem(absolute, message, 'check the path')], apps: [] };
  }
}

async function checkDirectory(directory: string, options: CheckOptions): Promise<CheckReport> {
  // Nothing settles in a check: it is asked once and answers for this moment.
  const snapshot = await scanDirectory({ ...options, directory, settleMs: 0 });
  const apps = [...snapshot.files.values()].flatMap((state) => (state.state === 'valid' ? [appOf(state)] : []));
  return { problems: snapshot.problems, apps: apps.sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

async function checkFile(file: string, options: CheckOptions): Promise<CheckReport> {
  if (!isConfigFileName(basename(file))) {
    const hint = 'name it .yaml, .yml, .json or .ini; files with other names are not read from the directory';
    return { problems: [fileProblem(file, 'the name is not that of a config file', hint)], apps: [] };
  }
  const reading = await readVassalFile(basename(file), {
    directory: dirname(file),
    runDir: resolve(options.runDir),
    defaults: options.defaults,
    nowMs: () => systemClock.wallMs(),
    last: undefined,
  });
  if (reading === undefined)
    return { problems: [fileProblem(file, 'there is no such file', 'check the path')], apps: [] };
  if (reading.verdict.kind !== 'valid') return { problems: reading.verdict.problems, apps: [] };
  return { problems: [], apps: [appOf({ ...reading.verdict, name: reading.name, file })] };
}

function appOf({ name, file, spec, digest, notes }: CheckedApp): CheckedApp {
  return { name, file, spec, digest, notes };
}
