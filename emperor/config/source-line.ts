// Finds the source line of a problem again, for showing it with a caret. The file may have changed or vanished
// since; then there is no line to show, or another one.
import type { Problem } from './problem.ts';
import { readConfigFile } from './read-file.ts';
import { decodeText, lineOf } from './text.ts';

/** The line a problem points at, for formatProblem; undefined where it points at none. Never rejects. */
export async function readSourceLine(problem: Problem): Promise<string | undefined> {
  if (problem.line === null) return undefined;
  const reading = await readConfigFile(problem.file);
  if (reading.kind !== 'read') return undefined;
  const decoded = decodeText(reading.bytes, problem.file);
  return lineOf(decoded.ok ? decoded.text : reading.bytes.toString('latin1'), problem.line);
}
