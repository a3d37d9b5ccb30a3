// reload, stop and start differ in one word only: one request about one app, answered at once or, with --wait, when
// it is done.
import type { Command } from 'commander';
import { cliExit } from '../../lib/exit-codes.ts';
import { formatDuration } from '../../lib/units.ts';
import type { CommandOutcome } from '../commands.ts';
import { runDirOption, withEmperor, type RunDirFlag, type VerbContext } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly wait?: boolean;
  readonly json?: boolean;
}

type Result = Extract<CommandOutcome, { readonly result: string }>;

export interface AppVerb {
  readonly name: 'reload' | 'stop' | 'start';
  readonly description: string;
  /** The results of `--wait` that mean success. */
  readonly good: readonly Result['result'][];
}

export function addAppVerb(program: Command, { terminal, exitWith }: VerbContext, verb: AppVerb): void {
  program
    .command(`${verb.name} <app>`)
    .description(verb.description)
    .option('--wait', 'wait until it is done; exit 1 if it failed')
    .option('--json', 'print the answer as JSON')
    .addOption(runDirOption())
    .action(async (app: string, flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const path = `/apps/${encodeURIComponent(app)}/${verb.name}`;
        const result = (await client.post(path, { wait: flags.wait === true })) as Result;
        const isGood = result.result === 'accepted' || verb.good.includes(result.result);
        if (!isGood) exitWith(cliExit.failed);
        if (flags.json === true) terminal.out(`${JSON.stringify(result)}\n`);
        else if (isGood) terminal.out(`${app}: ${describe(verb, result)}\n`);
        else terminal.err(`${app}: ${describe(verb, result)}\n`);
      });
    });
}

function describe(verb: AppVerb, { result, reason, generation, tookMs }: Result): string {
  const why = reason === null ? '' : `: ${reason}`;
  switch (result) {
    case 'accepted':
      return `${verb.name} asked for; \`emperor status\` shows how it goes, --wait waits for it`;
    case 'live':
      return reason === null
        ? `generation ${generation ?? '?'} is live, ${formatDuration(tookMs)}`
        : `${reason} (generation ${generation ?? '?'})`;
    case 'stopped':
      return `stopped, ${formatDuration(tookMs)}`;
    case 'rejected':
      return `the file was refused${why}`;
    case 'failed':
      return `generation ${generation ?? '?'} failed${why}`;
    case 'cancelled':
      return `${verb.name} was not done${why}`;
  }
}
