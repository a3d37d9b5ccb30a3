// From a file's name to a vassal's: which directory entries are config files, what their vassals are called, and
// which names cannot be served because no socket path would hold them.
import { Buffer } from 'node:buffer';
import { extname } from 'node:path';
import { generationDir, isBindable, maxSocketPathBytes, workerSocket } from '../../lib/run-dir.ts';
import { describeInput } from '../../lib/spec/fields.ts';

/** The kinds of config file; parse.ts has a reader for each. */
const configExtensions = ['.yaml', '.yml', '.json', '.ini'] as const;
export type ConfigExtension = (typeof configExtensions)[number];

/** The extension of a config file's name, undefined for any other name. */
export function configExtension(fileName: string): ConfigExtension | undefined {
  const extension = extname(fileName);
  return configExtensions.find((known) => known === extension);
}

/**
 * Is a directory entry of this name a config file? Hidden files and what editors and tools leave beside a file
 * while they write it (`shop.yaml~`, `.shop.yaml.swp`, `#shop.yaml#`, `4913`, `shop.yaml.tmp`) are not.
 */
export function isConfigFileName(fileName: string): boolean {
  if (/^[.#~]/.test(fileName)) return false;
  return configExtension(fileName) !== undefined;
}

/** The name of the vassal that a file configures, before it is judged: the file's name less its extension. */
export function vassalName(fileName: string): string {
  return fileName.slice(0, fileName.length - extname(fileName).length);
}

export interface NameProblem {
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with a vassal's name, if anything. It becomes part of socket paths and of a domain. */
export function nameProblem(name: string, runDir: string): NameProblem | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) || name.includes('..') || name.endsWith('.')) {
    return {
      message: `${describeInput(name)} cannot be an app's name: ${reason(name)}`,
      hint: 'rename the file: ASCII letters, digits, . _ and -, with a letter or digit first',
    };
  }
  const longest = workerSocket(generationDir(runDir, name, 999_999), 512);
  if (isBindable(longest)) return undefined;
  const excess = Buffer.byteLength(longest) - maxSocketPathBytes;
  return {
    message: `the name is ${excess} ${excess === 1 ? 'byte' : 'bytes'} too long: the app's socket paths below ${runDir} would exceed ${maxSocketPathBytes} bytes`,
    hint: 'shorten the file name, or run with a shorter --run-dir',
  };
}

function reason(name: string): string {
  if (name.includes('\u{fffd}')) return 'it is not UTF-8';
  if (/\s/.test(name)) return 'it contains a space';
  if (name.includes('..')) return 'it contains ".."';
  if (name.endsWith('.')) return 'it ends with a dot';
  const foreign = /[^A-Za-z0-9._-]/u.exec(name);
  if (foreign !== null) return `it contains ${describeInput(foreign[0])}`;
  return 'it does not start with a letter or digit';
}
