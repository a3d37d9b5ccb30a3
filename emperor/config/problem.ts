// What is wrong with a config file, as a value: problems are collected and returned, never thrown. The type is
// also the JSON of `status --json`, so its fields are only ever added to.

export interface Problem {
  /** Absolute path of the file, or of the directory where the directory itself is the problem. */
  readonly file: string;
  /** 1-based; null where the problem has no place in the text (a missing file, a bad file name). */
  readonly line: number | null;
  /** 1-based, in UTF-16 units as editors count them; null exactly where `line` is. */
  readonly column: number | null;
  /** What was expected and what was found, in one sentence without a full stop. */
  readonly message: string;
  /** What to do about it, without a full stop; null where the message says it all. */
  readonly hint: string | null;
}

/** A place in a text, both 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** The place in an included file (`/etc/common.ini:7`) that the line leads to; it is named before a message. */
  readonly within?: string;
}

/** A problem at a place, or of the file as a whole where `place` is null. */
export function problemAt(
  file: string,
  place: Place | null,
  { message, hint = null }: { readonly message: string; readonly hint?: string | null },
): Problem {
  const told = place?.within === undefined ? message : `${place.within}: ${message}`;
  return { file, line: place?.line ?? null, column: place?.column ?? null, message: told, hint };
}

/** A problem of a whole file. */
export function fileProblem(file: string, message: string, hint: string | null = null): Problem {
  return problemAt(file, null, { message, hint });
}

/** By file, then by place; a file's own problems before those within it. */
export function compareProblems(one: Problem, other: Problem): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

/**
 * The problem as a terminal shows it: `file:line:column: message`, below it the source line with a caret where
 * `sourceLine` is given, and the hint. Several lines, none of them ended. Control characters that came from the
 * file are made visible, so that a config file cannot drive the terminal.
 */
export function formatProblem(problem: Problem, sourceLine?: string): string {
  const { file, line, column, message, hint } = problem;
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  const lines = [`${place}: ${message}`];
  if (sourceLine !== undefined && column !== null) lines.push(...caret(sourceLine, column));
  if (hint !== null) lines.push(`  hint: ${hint}`);
  return lines.map(visible).join('\n');
}

/** Source shown at most; a longer line (minified JSON) is cut around the place. */
const shownWidth = 100;

function caret(sourceLine: string, column: number): string[] {
  const offset = Math.min(column - 1, sourceLine.length);
  const start = sourceLine.length <= shownWidth ? 0 : Math.max(0, offset - shownWidth / 2);
  const shown = sourceLine.slice(start, start + shownWidth);
  const before = start > 0 ? '…' : '';
  const after = start + shownWidth < sourceLine.length ? '…' : '';
  // Tabs are kept in the padding, so that the caret stands below its character whatever the tab width.
  const padding = before.replaceAll('…', ' ') + shown.slice(0, offset - start).replace(/[^\t]/g, ' ');
  return [`    ${before}${shown}${after}`, `    ${padding}^`];
}

/** Text of a file with its control characters made visible, so that it cannot drive the terminal. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\u{fffd}');
}
