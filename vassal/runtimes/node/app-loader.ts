// Runs the app's script as `node script` would: as the main module, CommonJS or ES module, TypeScript where this
// Node (or a loader from node-args) runs it. Returns what it exports. Serves nothing.
import { existsSync, readFileSync, statSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf } from '../../../lib/errors.ts';

/** Shown to the user as it stands: the cause is not in the app's code, and no stack would help. */
export class LoadError extends Error {}

/** Node's own, used by every process manager that runs scripts as main; not in its documented types. */
interface ModuleInternals {
  _load(path: string, parent: null, isMain: boolean): unknown;
  readonly _extensions: Readonly<Record<string, unknown>>;
}
const internals = Module as unknown as ModuleInternals;

/** Loads a script, a package or a directory by absolute path; rejects with whatever the app threw. */
export async function loadApp(app: string): Promise<unknown> {
  const script = resolveScript(app);
  // What scripts compare themselves with to find out whether they are the program: argv[1], require.main.
  process.argv.splice(1, 1, script);
  try {
    if (isEsModule(script) || !(extname(script) in internals._extensions)) return await importScript(script);
    const exported = internals._load(script, null, true);
    // A file without a `type` may turn out to be an ES module; run as main, Node evaluates it without giving back what
    // it exports. Importing joins that evaluation (and for CommonJS returns the module that ran): nothing runs twice.
    return isEmptyObject(exported) ? await importScript(script) : exported;
  } catch (error) {
    throw explain(error, script);
  }
}

async function importScript(script: string): Promise<unknown> {
  return (await import(pathToFileURL(script).href)) as unknown;
}

function resolveScript(app: string): string {
  try {
    // With the slash a directory is not mistaken for a script beside it that has its name and an ending.
    return createRequire(join(dirname(app), 'emperor.js')).resolve(isDirectory(app) ? `${app}/` : app);
  } catch (error) {
    if (existsSync(app) && !isDirectory(app)) return app;
    // A package of ES modules may have `exports` only, or an index that require would not find.
    const entry = existsSync(app) ? packageEntry(app) : undefined;
    if (entry !== undefined) return entry;
    if (errnoOf(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new LoadError(
      existsSync(app)
        ? `app ${app} is a directory without package.json "main" and without index.js`
        : `there is no file ${app} (app)`,
    );
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function packageEntry(directory: string): string | undefined {
  const entries = [readPackage(directory)['exports'], 'index.mjs', 'index.ts', 'index.mts'];
  return entries
    .flatMap((entry) => mainExport(entry) ?? [])
    .map((entry) => join(directory, entry))
    .find((path) => existsSync(path));
}

function mainExport(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (typeof entry !== 'object' || entry === null) return undefined;
  const conditions = entry as Record<string, unknown>;
  return mainExport(conditions['.'] ?? conditions['node'] ?? conditions['import'] ?? conditions['default']);
}

function isEsModule(script: string): boolean {
  if (/\.m[jt]s$/.test(script)) return true;
  return /\.[jt]s$/.test(script) && nearestType(dirname(script)) === 'module';
}

function nearestType(directory: string): unknown {
  if (existsSync(join(directory, 'package.json'))) return readPackage(directory)['type'];
  const parent = dirname(directory);
  // As Node does: what lies in node_modules has a package.json of its own or none.
  return parent === directory || directory.endsWith('/node_modules') ? undefined : nearestType(parent);
}

function readPackage(directory: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<string, unknown>;
  } catch {
    // Node itself will say what is wrong with it.
    return {};
  }
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function explain(error: unknown, script: string): unknown {
  const isTypeScript = /\.[cm]?tsx?$/.test(script);
  const cannotRead = errnoOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION';
  if (!isTypeScript || !cannotRead || Boolean(Reflect.get(process.features, 'typescript'))) return error;
  return new LoadError(
    `Node ${process.version} cannot run TypeScript (${script}): set "node" to Node 22.18 or newer, load a compiler by "node-args" (such as --import=tsx), or compile it first`,
  );
}
