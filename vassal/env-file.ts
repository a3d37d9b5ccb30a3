// Reads `.env` files: NAME=value lines, comments, quotes. Pure. Our own reader, for node:util's parseEnv is
// experimental on Node 20 and skips over what it does not understand; a misspelt line should be named.

export type EnvFile =
  | { readonly variables: Readonly<Record<string, string>> }
  | { /** What is wrong, beginning with the line. */ readonly problem: string };

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/**
 * `NAME=value`, `export NAME=value`; `#` begins a comment at the start of a line or after a blank. Values in double
 * quotes may span lines and know \n \r \t \" \\ \$; in single quotes or backticks everything is literal. No expansion.
 */
export function parseEnvFile(text: string): EnvFile {
  const variables: Record<string, string> = {};
  let rest = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  let line = 1;
  while (rest !== '') {
    const blank = /^[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(rest);
    const entry = blank === null ? readEntry(rest) : undefined;
    if (typeof entry === 'string') return { problem: `line ${line}: ${entry}` };
    if (entry !== undefined) variables[entry.name] = entry.value;
    const length = entry?.length ?? blank?.[0].length ?? 0;
    line += rest.slice(0, length).split('\n').length - 1;
    rest = rest.slice(length);
  }
  return { variables };
}

interface Entry {
  readonly name: string;
  readonly value: string;
  /** Characters it takes, its end of line included. */
  readonly length: number;
}

function readEntry(text: string): Entry | string {
  const head = assignment.exec(text);
  if (head?.[1] === undefined) return `expected NAME=value, got ${JSON.stringify(firstLine(text).slice(0, 60))}`;
  const body = text.slice(head[0].length);
  const value = /^["'`]/.test(body) ? readQuoted(body) : readPlain(body);
  if (typeof value === 'string') return value;
  if (value.text.includes('\0')) return `the value of ${head[1]} holds a NUL character`;
  return { name: head[1], value: value.text, length: head[0].length + value.length };
}

interface Value {
  readonly text: string;
  readonly length: number;
}

function readPlain(body: string): Value {
  const line = firstLine(body);
  return { text: line.replace(/(?:^|[ \t])#.*$/, '').trimEnd(), length: Math.min(line.length + 1, body.length) };
}

function readQuoted(body: string): Value | string {
  const quote = body.charAt(0);
  const quoted =
    quote === '"' ? /^"((?:[^"\\]|\\[^])*)"/.exec(body) : new RegExp(`^${quote}([^${quote}]*)${quote}`).exec(body);
  if (quoted?.[1] === undefined) return `the ${quote} is never closed`;
  const after = /^[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(body.slice(quoted[0].length));
  if (after === null) return `unexpected text after the closing ${quote}`;
  const text =
    quote === '"'
      ? quoted[1].replace(/\\([nrt"\\$])/g, (_match, letter: string) => escapes[letter] ?? letter)
      : quoted[1];
  return { text, length: quoted[0].length + after[0].length };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
