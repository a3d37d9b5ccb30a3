// The environment that workers get: the primary's own, less what is private to our programs, plus the app's
// env-files, its `env`, and who it is. Files are read once per generation, so that all its workers agree.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { parseEnvFile } from './env-file.ts';

export type Variables = Readonly<Record<string, string>>;
export type AppEnvironment = { readonly variables: Variables } | { readonly problem: string };

/** Variables that say something about the process they were given to, and would be wrong of any other. */
const privateNames = new Set([
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PID',
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'MAINPID',
  'JOURNAL_STREAM',
]);

/** What every worker of a generation has in common; a problem names the env-file and what is wrong with it. */
export function readEnvironment(spec: VassalSpec, own: NodeJS.ProcessEnv): AppEnvironment {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && !isPrivate(name)) variables[name] = value;
  }
  for (const named of spec['env-file']) {
    const path = resolve(spec.chdir, named);
    const file = readVariables(path);
    if ('problem' in file) return file;
    Object.assign(variables, file.variables);
  }
  return { variables: { ...variables, ...spec.env } };
}

export interface Identity {
  readonly app: string;
  readonly generation: number;
  readonly worker: number;
  /** The generation's directory: no other instance on the machine has it. */
  readonly dir: string;
}

/** Which worker it is: in the app's own variables for its use, and in /proc for finding what a dead worker left. */
export function identityVariables({ app, generation, worker, dir }: Identity): Variables {
  return {
    EMPEROR_APP: app,
    EMPEROR_GENERATION: String(generation),
    EMPEROR_WORKER: String(worker),
    EMPEROR_DIR: dir,
  };
}

function isPrivate(name: string): boolean {
  return name.startsWith('EMPEROR_') || privateNames.has(name);
}

function readVariables(path: string): AppEnvironment {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    return { problem: `env-file ${path} cannot be read: ${why}` };
  }
  const file = parseEnvFile(text);
  return 'problem' in file ? { problem: `env-file ${path}, ${file.problem}` } : file;
}
