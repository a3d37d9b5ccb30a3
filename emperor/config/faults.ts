// The problems of an app's file as they are found, each at its place in the file. Pure.
import type { ParsedFile, Path } from './parse.ts';
import type { PathFault } from './paths.ts';
import { problemAt, type Problem } from './problem.ts';

/** Collects the problems of one file. */
export class Faults {
  readonly parsed: ParsedFile;
  readonly problems: Problem[] = [];

  constructor(parsed: ParsedFile) {
    this.parsed = parsed;
  }

  add(path: Path, part: 'key' | 'value', fault: { readonly message: string; readonly hint: string }): void {
    const place = part === 'key' ? this.parsed.keyAt(path) : this.parsed.valueAt(path);
    this.problems.push(problemAt(this.parsed.file, place, fault));
  }

  /** A fault of something that the file does not say itself. */
  addToFile(fault: { readonly message: string; readonly hint: string }): void {
    this.problems.push(problemAt(this.parsed.file, null, fault));
  }
}

/** What is wrong with a path, at its place: a key of the file (`index` in its list), or of the defaults. */
export function reportPath(
  faults: Faults,
  fault: PathFault | undefined,
  { key, index, own }: { readonly key: string; readonly index: number; readonly own: ReadonlySet<string> },
): void {
  if (fault === undefined) return;
  if (!own.has(key)) {
    faults.addToFile({ message: `${key}, from defaults in emperor.yaml: ${fault.message}`, hint: fault.hint });
    return;
  }
  const path = Array.isArray(faults.parsed.value[key]) ? [key, index] : [key];
  faults.add(path, 'value', { message: `${key}: ${fault.message}`, hint: fault.hint });
}
