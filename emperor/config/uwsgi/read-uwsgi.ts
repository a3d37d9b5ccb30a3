// A vassal of uWSGI as if it were a file of ours: its keys with their places, and what of it is not used. The rest of
// the way to a spec (the table of keys, paths, domains) is that of our own files.
import type { Note } from '../note.ts';
import type { ParsedFile } from '../parse.ts';
import { compareProblems, fileProblem, type Problem } from '../problem.ts';
import { expand, type Expansion } from './expand.ts';
import { placeOfKey } from './origin.ts';
import type { Sources } from './sources.ts';
import { judgeStatements, type Judged } from './statements.ts';

export interface UwsgiFile {
  /** What is valid of it. */
  readonly parsed: ParsedFile;
  /** Sorted by place; where there are any, `parsed` is not to be used. */
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
  /** Nothing but its own text decided what it says: no other file was asked for. */
  readonly isSelfContained: boolean;
  readonly expansion: Expansion;
  readonly judged: Judged;
}

export interface UwsgiOptions {
  /** Absolute; it decides between ini, YAML and JSON. */
  readonly file: string;
  readonly sources: Sources;
}

/** Reads a vassal of uWSGI. Never rejects for bad input. */
export async function readUwsgi(text: string, { file, sources }: UwsgiOptions): Promise<UwsgiFile> {
  let isSelfContained = true;
  const observed: Sources = {
    ...sources,
    read: async (path) => {
      isSelfContained = false;
      return sources.read(path);
    },
    kindOf: async (path) => {
      isSelfContained = false;
      return sources.kindOf(path);
    },
  };
  const expansion = await expand({ file, text, sources: observed });
  const judged = await judgeStatements(expansion, { file, sources: observed });
  return {
    parsed: judged.record.toParsedFile(file),
    problems: problemsOf(file, expansion, judged),
    notes: notesOf(file, judged),
    isSelfContained,
    expansion,
    judged,
  };
}

/** Problems told of one file; of the others only the number. */
const maxProblems = 20;

/** Each once, however often a loop repeats it. */
function problemsOf(file: string, expansion: Expansion, judged: Judged): readonly Problem[] {
  // Where lines could not be read, what the file seems to lack may stand in one of them.
  const lacking = expansion.problems.length > 0 ? [] : judged.problems.filter(({ line }) => line === null);
  const placed = [...expansion.problems, ...judged.problems.filter(({ line }) => line !== null)];
  const all = [...new Map([...lacking, ...placed].map((problem) => [JSON.stringify(problem), problem])).values()];
  const told = all.sort(compareProblems).slice(0, maxProblems);
  const more = all.length - told.length;
  return more === 0 ? told : [fileProblem(file, `there are ${more} further problems in this file`), ...told];
}

/** One for each option and line, however often a loop repeats it. */
function notesOf(file: string, { outcomes }: Judged): readonly Note[] {
  const notes = new Map<string, Note>();
  for (const { statement, use, what } of outcomes) {
    if (use !== 'elsewhere' && use !== 'missing') continue;
    const { line, column, within } = placeOfKey(statement.origin);
    const message = `${statement.key}: ${what}${within === undefined ? '' : ` (${within})`}`;
    const key = JSON.stringify([line, message]);
    if (!notes.has(key)) notes.set(key, { file, line, column, option: statement.key, kind: use, message });
  }
  return [...notes.values()].sort((one, other) => one.line - other.line);
}
