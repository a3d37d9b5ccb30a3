// What verbs share: the flag that finds the emperor, and how an answer becomes an exit code.
import { Option, type Command } from 'commander';
import { defaultRunDir } from '../../lib/run-dir.ts';
import { EmperorClient } from './client.ts';
import type { Terminal } from './terminal.ts';

export interface VerbContext {
  readonly terminal: Terminal;
  /** What the command exits with; the last call counts. Default: ok. */
  readonly exitWith: (code: number) => void;
}

/** Adds the verb to the program. */
export type AddVerb = (program: Command, context: VerbContext) => void;

export interface RunDirFlag {
  readonly runDir?: string;
}

export function runDirOption(): Option {
  return new Option('--run-dir <dir>', 'where the emperor keeps its sockets (EMPEROR_RUN_DIR)');
}

export function runDirOf({ runDir }: RunDirFlag, { env, uid }: Terminal): string {
  return runDir ?? defaultRunDir(env, uid);
}

/** Calls `use` with a connection to the running emperor and closes it afterwards. */
export async function withEmperor(
  flags: RunDirFlag,
  terminal: Terminal,
  use: (client: EmperorClient) => Promise<void>,
): Promise<void> {
  const client = await EmperorClient.open(runDirOf(flags, terminal));
  try {
    await use(client);
  } finally {
    await client.close();
  }
}
