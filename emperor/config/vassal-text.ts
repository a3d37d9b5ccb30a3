// The text of a vassal's file in whichever language it is written, ours or uWSGI's, to keys of ours with their places.
import { vassalFields } from '../../lib/spec/vassal-spec.ts';
import { configExtension } from './names.ts';
import type { Note } from './note.ts';
import { parseConfig, type ParsedFile } from './parse.ts';
import { problemAt, type Problem } from './problem.ts';
import { isUwsgiMap } from './uwsgi/file-lines.ts';
import { readUwsgi } from './uwsgi/read-uwsgi.ts';
import { machine, type Sources } from './uwsgi/sources.ts';

export type ParsedVassal =
  | {
      readonly ok: true;
      readonly parsed: ParsedFile;
      readonly notes: readonly Note[];
      /** Nothing but its own text decided what the file says. */
      readonly isSelfContained: boolean;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses a vassal's file; `.ini`, and YAML or JSON with the key `uwsgi`, are read as uWSGI's. Never rejects. */
export async function parseVassal(
  text: string,
  { file, sources = machine }: { readonly file: string; readonly sources?: Sources },
): Promise<ParsedVassal> {
  if (configExtension(file) === '.ini') return parseUwsgi(text, file, sources);
  const result = parseConfig(text, file);
  if (!result.ok) return result;
  if (!isUwsgiMap(result.parsed)) return { ...result, notes: [], isSelfContained: true };
  const problems = mixedProblems(result.parsed);
  return problems.length > 0 ? { ok: false, problems } : parseUwsgi(text, file, sources);
}

async function parseUwsgi(text: string, file: string, sources: Sources): Promise<ParsedVassal> {
  const { parsed, problems, notes, isSelfContained } = await readUwsgi(text, { file, sources });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, parsed, notes, isSelfContained };
}

/** Beside `uwsgi:` there may be other sections of uWSGI's, but keys of ours would not be read. */
function mixedProblems(parsed: ParsedFile): readonly Problem[] {
  const keys = Object.keys(parsed.value).filter((key) => Object.hasOwn(vassalFields, key));
  return keys.map((key) =>
    problemAt(parsed.file, parsed.keyAt([key]), {
      message: `${key} stands beside uwsgi, below which all options of the app are`,
      hint: 'move it below uwsgi, or write the whole file with keys of ours',
    }),
  );
}
