// Programs that can be run: looked up as execvp(3) would, so that what is wrong is said before anything is started.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where programs are looked for without a PATH. */
export const usualPath = '/usr/local/bin:/usr/bin:/bin';

/** A file that this user may run. */
export function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first runnable `name` in the directories of `path`, which may be relative to `cwd`; undefined: in none. */
export function findInPath(name: string, cwd: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .map((directory) => join(resolve(cwd, directory), name))
    .find(isRunnable);
}
