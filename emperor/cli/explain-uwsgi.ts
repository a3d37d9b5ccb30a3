// emperor check --explain-uwsgi FILE: what becomes of each line of a vassal of uWSGI. The problems of the file are told
// beside it, by check itself.
import { basename, resolve } from 'node:path';
import { EmperorError } from '../../lib/errors.ts';
import { configExtension } from '../config/names.ts';
import { parseConfig } from '../config/parse.ts';
import { visible } from '../config/problem.ts';
import { readConfigFile } from '../config/read-file.ts';
import { decodeText } from '../config/text.ts';
import { explainLines, type ExplainedLine } from '../config/uwsgi/explain.ts';
import { isUwsgiMap } from '../config/uwsgi/file-lines.ts';
import { readUwsgi } from '../config/uwsgi/read-uwsgi.ts';
import { machine } from '../config/uwsgi/sources.ts';
import { layOut } from './table.ts';

/** Reads a file and explains its lines; none where it cannot be read, which is a problem that check tells. */
export async function explainUwsgiFile(path: string): Promise<readonly ExplainedLine[]> {
  const file = resolve(path);
  const reading = await readConfigFile(file);
  if (reading.kind === 'refused' && reading.stats?.isDirectory() === true) {
    throw new EmperorError('EMP_VALUE_INVALID', '--explain-uwsgi takes one file', {
      hint: 'name a file of the directory',
    });
  }
  if (reading.kind !== 'read') return [];
  const decoded = decodeText(reading.bytes, file);
  if (!decoded.ok) return [];
  const map = configExtension(file) === '.ini' ? undefined : parseConfig(decoded.text, file);
  if (map?.ok === true && !isUwsgiMap(map.parsed)) {
    throw new EmperorError('EMP_VALUE_INVALID', `${path} is no file of uWSGI: it has no key uwsgi`);
  }
  return explainLines(await readUwsgi(decoded.text, { file, sources: machine }));
}

const columns = [
  { title: 'LINE', align: 'right' },
  { title: 'OPTION' },
  { title: 'VALUE' },
  { title: 'WHAT WE DO WITH IT' },
] as const;

/** Of a value; what becomes of it is told in full, and a terminal wraps it. */
const shownValue = 36;

/** The lines as a table; those of included files are named by their file. */
export function explainTable(lines: readonly ExplainedLine[], path: string): readonly string[] {
  const own = resolve(path);
  const rows = lines.map(({ file, line, option, value, use, key, what }) => [
    file === own ? String(line) : `${basename(file)}:${line}`,
    visible(option),
    visible(value.length > shownValue ? `${value.slice(0, shownValue - 1)}…` : value),
    describe(use, key, what),
  ]);
  return rows.length === 0 ? [] : [...layOut(columns, rows, Infinity), ''];
}

function describe(use: ExplainedLine['use'], key: string | null, what: string): string {
  switch (use) {
    case 'ours':
      return key === null ? what : `sets \`${key}\`${/, \d+ times$/.exec(what)?.[0] ?? ''}`;
    case 'reading':
    case 'variable':
    case 'skipped':
      return what;
    case 'harmless':
      return `nothing: ${what}`;
    case 'elsewhere':
      return `not used: ${what}`;
    case 'missing':
      return `MISSING: ${what}`;
    case 'problem':
      return `PROBLEM: ${what}`;
  }
}
