// A problem of a config file in one line, as logs, the terminal and deploy results show it.
import { relative } from 'node:path';
import type { Note } from './config/note.ts';
import type { Problem } from './config/problem.ts';

/** `shop.yaml:3:7 expected …`; the file is named relative to `directory` where it is inside. */
export function describeProblem({ file, line, column, message }: Problem, directory: string): string {
  const inside = relative(directory, file);
  const shown = inside === '' || inside.startsWith('..') ? file : inside;
  const place = line === null ? '' : `:${line}${column === null ? '' : `:${column}`}`;
  return `${shown}${place} ${message}`;
}

/** `shop.ini:7 harakiri: not supported yet`, the file named as above. */
export function describeNote({ file, line, message }: Note, directory: string): string {
  return describeProblem({ file, line, column: null, message, hint: null }, directory);
}
