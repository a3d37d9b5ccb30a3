// The surroundings of a file of uWSGI, made up: files by path, an environment, a machine that is always the same.
import type { Sources } from '../../emperor/config/uwsgi/sources.ts';
import { readUwsgi, type UwsgiFile } from '../../emperor/config/uwsgi/read-uwsgi.ts';

export interface Surroundings {
  /** Absolute path → text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

export function madeUpSources({ files = {}, directories = [], env = {}, uid = 1000 }: Surroundings = {}): Sources {
  return {
    read: (path) =>
      Promise.resolve(path in files ? { text: files[path] ?? '' } : { fault: `there is no file ${path}` }),
    kindOf: (path) => Promise.resolve(path in files ? 'file' : directories.includes(path) ? 'directory' : 'missing'),
    env: (name) => env[name],
    host: { hostname: 'box', cpus: 4, uid, gid: uid, user: `user${uid}`, group: `group${uid}` },
  };
}

/** Reads a vassal at `/vassals/shop.ini` (or of another name). */
export async function readVassal(
  text: string,
  { file = '/vassals/shop.ini', ...surroundings }: Surroundings & { readonly file?: string } = {},
): Promise<UwsgiFile> {
  return readUwsgi(text, { file, sources: madeUpSources(surroundings) });
}

/** `line:column message` of each problem. */
export function problemsOf({ problems }: Pick<UwsgiFile, 'problems'>): readonly string[] {
  return problems.map(({ line, column, message }) => `${line === null ? '-' : `${line}:${column ?? '-'}`} ${message}`);
}
