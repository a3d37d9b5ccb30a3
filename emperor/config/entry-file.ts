// Which file an `app:` means: the script itself, one with the usual extensions, or the entry of a package. The
// result is absolute and exists, so that a worker never guesses. It looks at files and reads only package.json.
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { errnoOf } from '../../lib/errors.ts';

export type EntryFile =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string; readonly hint: string };

const extensions = ['.js', '.mjs', '.cjs', '.ts'];

/** Resolves `app` against the working directory. Never rejects. */
export async function findEntryFile(app: string, chdir: string): Promise<EntryFile> {
  const path = resolve(chdir, app);
  const kind = await kindOf(path);
  if (kind === 'file') return { ok: true, path };
  if (kind === 'directory') return await findInPackage(path);
  for (const extension of kind === 'missing' ? extensions : []) {
    if ((await kindOf(path + extension)) === 'file') return { ok: true, path: path + extension };
  }
  if (kind === 'missing') {
    const hint = isAbsolute(app) ? 'check the path' : `it is looked for in ${chdir}, which chdir sets`;
    return { ok: false, message: `there is no file ${path}`, hint };
  }
  if (kind === 'other') {
    return { ok: false, message: `expected a script, got ${path}, which is no regular file`, hint: 'name the script' };
  }
  const hint = "make it and its directories readable for the emperor's user";
  return { ok: false, message: `${path} cannot be looked at: ${kind}`, hint };
}

async function findInPackage(directory: string): Promise<EntryFile> {
  const main = await mainOf(directory);
  const candidates = main === undefined ? [] : [join(directory, main)];
  for (const base of [...candidates, join(directory, 'index')]) {
    for (const path of [base, ...extensions.map((extension) => base + extension), join(base, 'index.js')]) {
      if ((await kindOf(path)) === 'file') return { ok: true, path };
    }
  }
  return {
    ok: false,
    message: `expected a script, got the directory ${directory}, which has no index.js and no package.json with a main that exists`,
    hint: 'name the script itself, such as ./server.js',
  };
}

/** `main` of a package.json; undefined where there is none that can be used. */
async function mainOf(directory: string): Promise<string | undefined> {
  try {
    const file = join(directory, 'package.json');
    if ((await kindOf(file)) !== 'file') return undefined;
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('main' in parsed)) return undefined;
    return typeof parsed.main === 'string' && parsed.main !== '' ? parsed.main : undefined;
  } catch {
    // An unreadable or broken package.json names no main; the message then tells of both places.
    return undefined;
  }
}

/** What stands at a path; an errno (`EACCES`) where the system does not say. */
export async function kindOf(path: string): Promise<string> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return 'file';
    return stats.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    const errno = errnoOf(error) ?? 'unknown error';
    return errno === 'ENOENT' || errno === 'ENOTDIR' ? 'missing' : errno;
  }
}
