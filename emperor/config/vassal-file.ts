// A vassal's file to its spec: the table of keys, the defaults of emperor.yaml, then everything that the table
// cannot know: exactly one app, domains in one spelling, paths that exist. It reads files and starts nothing.
import { dirname, isAbsolute, resolve } from 'node:path';
import type { EmperorConfig } from '../../lib/spec/emperor-config.ts';
import { emperorFields } from '../../lib/spec/emperor-config.ts';
import { isPythonApp } from '../../lib/spec/python-app.ts';
import {
  appKeys,
  keysOfNode,
  keysOfOwnProcesses,
  keysOfPython,
  vassalSchema,
  type VassalSpec,
} from '../../lib/spec/vassal-spec.ts';
import { defaultDomain, normaliseDomain, type DomainResult } from './domains.ts';
import { findEntryFile, kindOf } from './entry-file.ts';
import { Faults, reportPath } from './faults.ts';
import type { Note } from './note.ts';
import { fileFault, programFault, programPath } from './paths.ts';
import { compareProblems, type Place, type Problem } from './problem.ts';
import { checkPythonKeys, resolvePython } from './python-keys.ts';
import type { Sources } from './uwsgi/sources.ts';
import { validateTable } from './validate.ts';
import { parseVassal } from './vassal-text.ts';

/** Values of emperor.yaml for vassals that do not set the key; its paths are absolute. */
export type VassalDefaults = EmperorConfig['defaults'];

export type VassalFile =
  | {
      readonly ok: true;
      readonly spec: VassalSpec;
      readonly notes: readonly Note[];
      /** Nothing but its own text decided what the file says: it includes no other. */
      readonly isSelfContained: boolean;
      /** Where each domain is claimed; null for the one that comes from the file's name. */
      readonly domainPlaces: ReadonlyMap<string, Place | null>;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface VassalFileOptions {
  /** Absolute; it decides the format, and what relative paths are relative to. */
  readonly file: string;
  readonly name: string;
  readonly defaults: VassalDefaults;
  /** What files of uWSGI can ask of their surroundings. Default: this machine. */
  readonly sources?: Sources;
}

/** Reads a vassal's config text. Never rejects for bad input. */
export async function readVassalText(text: string, options: VassalFileOptions): Promise<VassalFile> {
  const result = await parseVassal(text, options);
  if (!result.ok) return result;
  const { parsed, notes, isSelfContained } = result;
  const table = validateTable(parsed, vassalSchema, { elsewhere });
  const faults = new Faults(parsed);
  checkAppKeys(faults);
  if (!table.ok) return { ok: false, problems: [...table.problems, ...faults.problems].sort(compareProblems) };
  const own = new Set(Object.keys(parsed.value));
  const { home, ...named } = table.value;
  const { virtualenv = home } = named;
  const merged = mergeDefaults(
    { ...named, ...(virtualenv === undefined ? {} : { virtualenv }) },
    own,
    options.defaults,
  );
  checkUpstream(faults, table.value.upstream);
  const domainPlaces = readDomains(faults, table.value.domains, options.name);
  const chdir = resolve(dirname(options.file), table.value.chdir ?? '.');
  const spec = { ...merged, domains: [...domainPlaces.keys()], chdir };
  const resolved = await resolvePaths(faults, spec, own);
  return faults.problems.length > 0
    ? { ok: false, problems: faults.problems.sort(compareProblems) }
    : { ok: true, spec: resolved, domainPlaces, notes, isSelfContained };
}

function elsewhere(key: string): string | undefined {
  return Object.hasOwn(emperorFields, key) ? `${key} belongs in emperor.yaml, not in an app's file` : undefined;
}

function checkAppKeys(faults: Faults): void {
  const [first, ...others] = appKeys.filter((key) => Object.hasOwn(faults.parsed.value, key));
  if (first === undefined) {
    faults.addToFile({
      message: `expected one of the keys ${appKeys.join(', ')}, which say what the app is`,
      hint: 'add a line such as app: ./server.js',
    });
  }
  for (const other of others) {
    faults.add([other], 'key', {
      message: `expected one of ${first ?? ''} and ${other}, got both`,
      hint: `keep the one that says what the app is and remove the other`,
    });
  }
  if (first !== undefined && others.length === 0) {
    checkMeaning(faults, first === 'upstream');
    checkPythonKeys(faults, first);
  }
}

/** A key that would do nothing is a misunderstanding, so it is told. */
function checkMeaning(faults: Faults, isUpstream: boolean): void {
  const { value } = faults.parsed;
  if (isUpstream) {
    for (const key of keysOfOwnProcesses.filter((one) => Object.hasOwn(value, one))) {
      faults.add([key], 'key', {
        message: `${key} has no meaning with upstream: somebody else runs the backends`,
        hint: 'remove it, or serve an app of your own with app or command',
      });
    }
    return;
  }
  const check = value['health-check'];
  if (typeof check === 'object' && check !== null && Object.hasOwn(check, 'interval')) {
    faults.add(['health-check', 'interval'], 'key', {
      message: 'health-check.interval has a meaning with upstream only',
      hint: 'remove it: a worker of an app or command is asked until it is ready',
    });
  }
}

/** One address twice would be one backend with two weights. */
function checkUpstream(faults: Faults, upstream: Table['upstream']): void {
  const isList = Array.isArray(faults.parsed.value['upstream']);
  upstream?.forEach(({ address }, index) => {
    if (upstream.findIndex((one) => one.address === address) === index) return;
    faults.add(isList ? ['upstream', index] : ['upstream'], 'value', {
      message: `upstream: ${address} stands here for the second time`,
      hint: 'give it a weight instead, such as {address: …, weight: 2}',
    });
  });
}

type Table = Omit<VassalSpec, 'domains' | 'chdir'>;

/** Own keys win over the defaults; of `env`, each variable for itself. What has no meaning for the app is not taken. */
function mergeDefaults(table: Table, own: ReadonlySet<string>, defaults: VassalDefaults): Table {
  const without = new Set<string>([
    ...(table.upstream === undefined ? [] : keysOfOwnProcesses),
    ...(isPythonApp(table) ? keysOfNode : keysOfPython),
    // A virtual environment has a Python of its own.
    ...(table.virtualenv === undefined ? [] : ['python']),
  ]);
  const missing = Object.entries(defaults).filter(
    ([key, value]) => value !== undefined && !own.has(key) && !without.has(key),
  );
  const env = table.upstream === undefined ? { ...defaults.env, ...table.env } : {};
  return { ...table, ...Object.fromEntries(missing), env };
}

function readDomains(faults: Faults, written: readonly string[] | undefined, name: string): Map<string, Place | null> {
  const places = new Map<string, Place | null>();
  if (written === undefined) {
    const result = defaultDomain(name);
    if (result.ok) places.set(result.domain, null);
    else faults.addToFile({ message: `the file's name makes no domain: ${result.message}`, hint: 'set domains' });
    return places;
  }
  // One text and a list come out of the table alike; only the list has places of its own entries.
  const isList = Array.isArray(faults.parsed.value['domains']);
  written.forEach((entry, index) => {
    const path = isList ? ['domains', index] : ['domains'];
    const result: DomainResult = normaliseDomain(entry);
    if (!result.ok) faults.add(path, 'value', result);
    else if (!places.has(result.domain)) places.set(result.domain, faults.parsed.valueAt(path));
  });
  return places;
}

async function resolvePaths(faults: Faults, spec: VassalSpec, own: ReadonlySet<string>): Promise<VassalSpec> {
  const chdirKind = await kindOf(spec.chdir);
  if (chdirKind !== 'directory') {
    // Everything else is relative to it; more problems would only repeat this one.
    const why = chdirKind === 'missing' ? 'which does not exist' : chdirKind === 'file' ? 'a file' : chdirKind;
    const fault = {
      message: `chdir: expected a directory, got ${spec.chdir}, ${why}`,
      hint: 'create it, or mend the path',
    };
    faults.add(['chdir'], 'value', fault);
    return spec;
  }
  const app = spec.app === undefined ? undefined : await resolveApp(faults, spec.app, spec.chdir);
  const envFiles = spec['env-file'].map((path) => resolve(spec.chdir, path));
  await Promise.all(
    envFiles.map(async (path, index) => {
      reportPath(faults, await fileFault(path), { key: 'env-file', index, own });
    }),
  );
  const node = spec.node === undefined ? undefined : programPath(spec.node, spec.chdir);
  if (node !== undefined)
    reportPath(faults, await programFault(node, 'a Node binary, such as /usr/bin/node'), {
      key: 'node',
      index: 0,
      own,
    });
  return {
    ...spec,
    'env-file': envFiles,
    ...(app === undefined ? {} : { app }),
    ...(node === undefined ? {} : { node }),
    ...(await resolvePython(faults, spec, own)),
  };
}

async function resolveApp(faults: Faults, app: string, chdir: string): Promise<string> {
  const entry = await findEntryFile(app, chdir);
  if (entry.ok) return entry.path;
  faults.add(['app'], 'value', { message: `app: ${entry.message}`, hint: entry.hint });
  return isAbsolute(app) ? app : resolve(chdir, app);
}
