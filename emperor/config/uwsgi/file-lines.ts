// The lines of a file in any of the forms that uWSGI's options are kept in: ini, or a flat YAML or JSON map below the
// key `uwsgi`. PURE.
import { configExtension } from '../names.ts';
import { parseConfig, type ParsedFile } from '../parse.ts';
import type { Problem } from '../problem.ts';
import { readIniLines, templateFault, type ConfigLine, type ConfigLines, type LineFault } from './ini-lines.ts';

export type FileLines =
  | ({ readonly ok: true } & ConfigLines)
  /** It is no YAML or JSON. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a file's lines; what is neither .yaml, .yml nor .json is ini. */
export function readLines(text: string, file: string): FileLines {
  const extension = configExtension(file);
  if (extension === undefined || extension === '.ini') return { ok: true, ...readIniLines(text) };
  const result = parseConfig(text, file);
  return result.ok ? { ok: true, ...linesOfMap(result.parsed) } : result;
}

/** Is it a file of uWSGI, and none of ours? */
export function isUwsgiMap({ value }: ParsedFile): boolean {
  return Object.hasOwn(value, 'uwsgi');
}

/** The lines of a parsed map: its sections are the maps at its top. */
function linesOfMap(parsed: ParsedFile): ConfigLines {
  const lines: ConfigLine[] = [];
  const faults: LineFault[] = [];
  const sections = new Map(Object.keys(parsed.value).map((name) => [name, placeAt(parsed, [name], 'keyAt')]));
  for (const [section, options] of Object.entries(parsed.value)) {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      const message = `${section}: expected a map of options`;
      const hint = 'write the options below it, as option: value';
      faults.push({ section, at: placeAt(parsed, [section], 'valueAt'), message, hint });
      continue;
    }
    for (const [key, value] of Object.entries(options)) readEntry(parsed, { section, key, value }, { lines, faults });
  }
  return { lines, faults, sections };
}

interface Entry {
  readonly section: string;
  readonly key: string;
  readonly value: unknown;
}

function readEntry(
  parsed: ParsedFile,
  { section, key, value }: Entry,
  { lines, faults }: { readonly lines: ConfigLine[]; readonly faults: LineFault[] },
): void {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  values.forEach((one, index) => {
    const path = Array.isArray(value) ? [section, key, index] : [section, key];
    const [at, valueAt] = [placeAt(parsed, [section, key], 'keyAt'), placeAt(parsed, path, 'valueAt')];
    const text = textOf(one);
    if (text === undefined) {
      const hint = 'options of uWSGI are flat: write option: value, or a list of values';
      faults.push({ section, at: valueAt, message: `${key}: expected one value`, hint });
      return;
    }
    const fault = templateFault(text);
    if (fault !== undefined) faults.push({ section, at: valueAt, ...fault });
    else lines.push({ section, key, value: text, at, valueAt });
  });
}

function textOf(value: unknown): string | undefined {
  if (value === null) return '';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

function placeAt(parsed: ParsedFile, path: readonly PropertyKey[], part: 'keyAt' | 'valueAt'): ConfigLine['at'] {
  return parsed[part](path) ?? { line: 1, column: 1 };
}
