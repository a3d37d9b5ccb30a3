// The paths that both kinds of config file may name (env files, the node binary), made absolute and looked at.
import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { kindOf } from './entry-file.ts';

export interface PathFault {
  readonly message: string;
  readonly hint: string;
}

/** Why a file that must be there cannot be used; undefined where it can. */
export async function fileFault(path: string): Promise<PathFault | undefined> {
  const kind = await kindOf(path);
  if (kind === 'file') return undefined;
  if (kind === 'missing') return { message: `there is no file ${path}`, hint: 'create it, or remove the entry' };
  if (kind === 'directory' || kind === 'other') {
    return {
      message: `expected a regular file, got ${kind === 'directory' ? 'the directory ' : ''}${path}`,
      hint: 'name a file',
    };
  }
  return { message: `${path} cannot be looked at: ${kind}`, hint: "make it readable for the emperor's user" };
}

/** A program: a bare name is looked up in PATH when it is started; anything with a slash is a path. */
export function programPath(program: string, directory: string): string {
  return program.includes('/') ? resolve(directory, program) : program;
}

/** Why a program named by its path cannot be run; undefined where it can, and for bare names. `wanted` is for the hint. */
export async function programFault(path: string, wanted: string): Promise<PathFault | undefined> {
  if (!path.includes('/')) return undefined;
  const fault = await fileFault(path);
  if (fault !== undefined) return { ...fault, hint: `name ${wanted}` };
  try {
    await access(path, constants.X_OK);
    return undefined;
  } catch {
    return { message: `${path} is not executable`, hint: `chmod +x ${path}, or name another binary` };
  }
}
