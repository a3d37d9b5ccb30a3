// The command line as a whole: the verbs, the help, and how what goes wrong is shown and becomes an exit code.
import { Command, CommanderError } from 'commander';
import { EmperorError } from '../../lib/errors.ts';
import { cliExit } from '../../lib/exit-codes.ts';
import { version } from '../version.ts';
import { addCheck } from './check.ts';
import { addLogs } from './logs.ts';
import { addPause, addResume } from './pause.ts';
import { addReload } from './reload.ts';
import { addRollback } from './rollback.ts';
import { addRun } from './run.ts';
import { addScale } from './scale.ts';
import { addShutdown } from './shutdown.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addStop } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { addUpstream } from './upstream.ts';
import { addUpgrade } from './upgrade.ts';
import { addVersion } from './version.ts';

const verbs = [
  addRun,
  addCheck,
  addStatus,
  addLogs,
  addReload,
  addStop,
  addStart,
  addPause,
  addResume,
  addRollback,
  addScale,
  addUpstream,
  addUpgrade,
  addShutdown,
  addVersion,
];

/** Runs one command line to its end and returns its exit code (lib/exit-codes). */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = cliExit.ok;
  const program = new Command('emperor')
    .description('Serves a directory of apps: drop a config file in and it is served, edit it and it is redeployed.')
    .version(version, '-V, --version', 'print the version')
    .showSuggestionAfterError()
    .showHelpAfterError('(`emperor --help` lists the verbs)')
    .configureOutput({
      writeOut: (text) => {
        terminal.out(text);
      },
      writeErr: (text) => {
        terminal.err(text);
      },
    })
    .exitOverride();
  const context = {
    terminal,
    exitWith: (exit: number) => {
      code = exit;
    },
  };
  for (const add of verbs) add(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? cliExit.ok : cliExit.usage;
    if (!(error instanceof EmperorError)) throw error;
    terminal.err(`emperor: ${error.message} (${error.code})\n`);
    if (error.hint !== undefined) terminal.err(`  ${error.hint}\n`);
    return code === cliExit.ok ? cliExit.failed : code;
  }
}
