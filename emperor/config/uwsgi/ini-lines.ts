// The text of an ini file as uWSGI 2.0 cuts it into lines: sections, `key = value`, bare keys, comments. Nothing is
// resolved yet, and nothing is known about the keys. PURE.
import type { Place } from '../problem.ts';

/** One `key = value` line, or one entry of a flat YAML or JSON file. */
export interface ConfigLine {
  readonly section: string;
  readonly key: string;
  /** As it is written; empty for a key without `=`. */
  readonly value: string;
  /** Of the key. */
  readonly at: Place;
  /** Of the value; of the key where there is none. */
  readonly valueAt: Place;
}

/** What is wrong with a line. */
export interface LineFault {
  /** Empty where it concerns the whole file. */
  readonly section: string;
  readonly at: Place;
  readonly message: string;
  readonly hint: string;
}

export interface ConfigLines {
  readonly lines: readonly ConfigLine[];
  /** The sections that the file has, with the line of the first header of each. */
  readonly sections: ReadonlyMap<string, Place>;
  readonly faults: readonly LineFault[];
}

/** Cuts an ini text into lines. A section may come several times; its lines are then one list. */
export function readIniLines(text: string): ConfigLines {
  const lines: ConfigLine[] = [];
  const faults: LineFault[] = [];
  const sections = new Map<string, Place>();
  let section: string | undefined;
  text.split('\n').forEach((written, index) => {
    const bare = trimBlanks(written);
    if (bare === '' || bare.startsWith(';') || bare.startsWith('#')) return;
    const at = { line: index + 1, column: written.indexOf(bare) + 1 };
    const fault = templateFault(bare) ?? (bare.startsWith('[') ? headerFault(bare) : lineFault(bare, section));
    // What is wrong with a header concerns every line below it, whichever section was meant.
    if (fault !== undefined) faults.push({ section: bare.startsWith('[') ? '' : (section ?? ''), at, ...fault });
    else if (bare.startsWith('[')) {
      section = bare.slice(1, -1);
      if (!sections.has(section)) sections.set(section, at);
    } else lines.push(readLine(bare, section ?? '', at));
  });
  return { lines, sections, faults };
}

type Fault = Pick<LineFault, 'message' | 'hint'>;

/** What a template engine should have replaced before the file was put here. */
export function templateFault(text: string): Fault | undefined {
  const left = between(text, /\{\{/, '}}') ?? between(text, /\{%[-+ ]/, '%}') ?? between(text, /<%=/, '%>');
  if (left === undefined) return undefined;
  return {
    message: `expected a finished file, got ${left}, which a template engine should have replaced`,
    hint: 'put the rendered file here, not the template',
  };
}

/** The text from the first opener to its closer; in linear time, whatever the text. */
function between(text: string, opener: RegExp, closer: string): string | undefined {
  const start = text.search(opener);
  const end = start === -1 ? -1 : text.indexOf(closer, start + closer.length);
  return end === -1 ? undefined : text.slice(start, end + closer.length);
}

/** Without the blanks around it. A regular expression would take quadratic time for a long run of blanks within. */
function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r';
}

function headerFault(bare: string): Fault | undefined {
  if (/^\[[^\]]+\]$/.test(bare)) return undefined;
  const message = `expected a section such as [uwsgi] alone on its line, got ${bare}`;
  return { message, hint: 'end it with ], and put comments on lines of their own' };
}

function lineFault(bare: string, section: string | undefined): Fault | undefined {
  if (section === undefined) {
    return { message: 'expected a section before the first option', hint: 'put a line [uwsgi] above it' };
  }
  if (/^=/.test(bare)) return { message: 'expected an option before =', hint: 'write option = value' };
  return undefined;
}

function readLine(bare: string, section: string, at: Place): ConfigLine {
  const equals = bare.indexOf('=');
  if (equals === -1) return { section, key: bare, value: '', at, valueAt: at };
  const rest = bare.slice(equals + 1);
  const value = trimBlanks(rest);
  const key = trimBlanks(bare.slice(0, equals));
  if (value === '') return { section, key, value, at, valueAt: at };
  const column = at.column + equals + 1 + rest.indexOf(value);
  return { section, key, value, at, valueAt: { line: at.line, column } };
}
