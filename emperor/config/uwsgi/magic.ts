// Magic variables: `%n`, `%d` and the like, which uWSGI replaces while it reads a file, before anything else. PURE.
import { basename, dirname, extname } from 'node:path';

/** The file that is read, and the section of it that was asked for by name (else empty). */
export interface FileIdentity {
  /** As it was named. */
  readonly given: string;
  /** Absolute. */
  readonly path: string;
  readonly section: string;
}

/** What a file can learn about the machine it is read on. */
export interface HostFacts {
  readonly hostname: string;
  readonly cpus: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
}

export interface MagicFacts {
  readonly file: FileIdentity;
  /** The vassal's own file, where `file` is one that it includes. */
  readonly root: FileIdentity;
  /** The directory of the vassals. */
  readonly directory: string;
  readonly host: HostFacts;
}

/** A text with what could not be replaced in it left as it was written. */
export interface Resolved {
  readonly text: string;
  /** One sentence for each thing that could not be replaced. They matter only where the text is used. */
  readonly faults: readonly string[];
}

/** The magic variables that we replace, and what each stands for; those of the vassal's own file are upper case. */
export const magicVariables: Readonly<Record<string, string>> = {
  o: 'the file as it was named',
  p: 'its absolute path',
  s: 'its name',
  d: 'its directory, with a slash behind it',
  e: 'its extension',
  n: 'its name without the extension',
  c: 'the name of its directory',
  x: 'the section that was asked for with `file:section`, else nothing',
  '0': 'the first directory of its path, `%1` the second, up to `%9`',
  v: 'the directory of the vassals',
  h: 'the host name',
  k: 'the number of processors',
  u: "the emperor's uid, `%U` its user's name",
  g: "the emperor's gid, `%G` its group's name",
  '%': 'a percent sign',
};

/** Those that we do not replace, and why. */
export const foreignMagic: Readonly<Record<string, string>> = {
  V: 'it is the version of uWSGI, and no uWSGI runs here',
  b: 'it is the path of uWSGI, and no uWSGI runs here',
  i: 'it changes each time the file is written',
  I: 'it changes each time the file is written',
  j: 'it is a hash of the path that only uWSGI needs',
  J: 'it is a hash of the path that only uWSGI needs',
  t: 'it changes with every reading, and would deploy the app each time',
  T: 'it changes with every reading, and would deploy the app each time',
  '[': 'it is the escape character of terminals',
};

/** Replaces the magic variables of a text. `%(` is left for placeholders. */
export function replaceMagic(text: string, facts: MagicFacts): Resolved {
  const faults: string[] = [];
  const replaced = text.replace(/%([^(]|$)/gsu, (whole, letter: string) => {
    const value = magicValue(letter, facts);
    if (value !== undefined) return value;
    faults.push(faultOf(letter));
    return whole;
  });
  return { text: replaced, faults };
}

function faultOf(letter: string): string {
  if (letter === '') return 'expected a letter behind %, got the end of the line (a percent sign is written %%)';
  const why = Object.hasOwn(foreignMagic, letter) ? foreignMagic[letter] : undefined;
  if (why !== undefined) return `%${letter} cannot be used: ${why}`;
  return `%${letter} is no magic variable (a percent sign is written %%)`;
}

function magicValue(letter: string, { file, root, directory, host }: MagicFacts): string | undefined {
  const ofHost = hostValues(host, directory)[letter];
  if (ofHost !== undefined) return ofHost;
  if (/^\d$/.test(letter)) return dirname(file.path).split('/').slice(1)[Number(letter)] ?? '';
  const isOfRoot = /^[OPSDENCX]$/.test(letter);
  return fileValues(isOfRoot ? root : file)[letter.toLowerCase()];
}

function hostValues(host: HostFacts, directory: string): Readonly<Record<string, string>> {
  return {
    v: directory,
    h: host.hostname,
    k: String(host.cpus),
    u: String(host.uid),
    U: host.user,
    g: String(host.gid),
    G: host.group,
    '%': '%',
  };
}

function fileValues({ given, path, section }: FileIdentity): Readonly<Record<string, string>> {
  const directory = dirname(path);
  return {
    o: given,
    p: path,
    s: basename(path),
    d: directory === '/' ? '/' : `${directory}/`,
    e: extname(path).slice(1),
    n: basename(path, extname(path)),
    c: basename(directory),
    x: section,
  };
}
