// The text of a config file to a plain value, together with where everything stands in it. There is one table of
// formats; whatever comes after parsing does not know which one a file is written in.
import type { ConfigExtension } from './names.ts';
import { configExtension } from './names.ts';
import { findJsonFault } from './json-syntax.ts';
import { fileProblem, problemAt, type Place, type Problem } from './problem.ts';
import { placeOf } from './text.ts';
import { parseYaml } from './yaml-text.ts';

export type Path = readonly PropertyKey[];

/** A config file that is well-formed; nothing is known yet about its keys. */
export interface ParsedFile {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the key at the end of `path` stands (of a list's entry: the entry); the nearest place that exists. */
  readonly keyAt: (path: Path) => Place | null;
  /** Where the value at `path` stands; the nearest place that exists. */
  readonly valueAt: (path: Path) => Place | null;
}

export type ParseResult =
  { readonly ok: true; readonly parsed: ParsedFile } | { readonly ok: false; readonly problems: readonly Problem[] };

const formats: Readonly<Record<ConfigExtension, (text: string, file: string) => ParseResult>> = {
  '.yaml': parseYaml,
  '.yml': parseYaml,
  '.json': parseJson,
  '.ini': refuseIni,
};

/** Parses by the extension of `file`; any other extension is read as YAML. Never throws. */
export function parseConfig(text: string, file: string): ParseResult {
  return formats[configExtension(file) ?? '.yaml'](text, file);
}

function parseJson(text: string, file: string): ParseResult {
  if (text.trim() === '') return parseYaml(text, file);
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    return { ok: false, problems: [problemAt(file, placeOf(text, fault.offset), fault)] };
  }
  // JSON is a subset of YAML 1.2, and the YAML parser knows the place of every value.
  return parseYaml(text, file);
}

function refuseIni(_text: string, file: string): ParseResult {
  const hint = 'write the keys as YAML, in a file that ends with .yaml';
  return { ok: false, problems: [fileProblem(file, 'an ini file holds the options of one app of uWSGI', hint)] };
}
