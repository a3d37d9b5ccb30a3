// The verbs about one app differ in little: one request, answered at once or, with --wait, when it is done.
import { InvalidArgumentError, type Command } from 'commander';
import { cliExit } from '../../lib/exit-codes.ts';
import { formatDuration } from '../../lib/units.ts';
import type { CommandResult } from '../commands.ts';
import { runDirOption, withEmperor, type RunDirFlag, type VerbContext } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly wait?: boolean;
  readonly json?: boolean;
}

type Name = 'reload' | 'stop' | 'start' | 'pause' | 'resume' | 'rollback' | 'scale';

export interface AppVerb {
  readonly name: Name;
  readonly description: string;
  /** What `--wait` waits for, for the help. */
  readonly waits: string;
  /** The results of `--wait` that mean success. */
  readonly good: readonly CommandResult['result'][];
  /** A whole number that follows the app's name and is sent under this name. */
  readonly number?: 'processes';
}

export function addAppVerb(program: Command, { terminal, exitWith }: VerbContext, verb: AppVerb): void {
  const command = program.command(verb.name).description(verb.description).argument('<app>');
  if (verb.number !== undefined) command.argument(`<${verb.number}>`, 'a whole number', parseNumber);
  command
    .option('--wait', `wait until ${verb.waits}; exit 1 if it failed`)
    .option('--json', 'print the answer as JSON')
    .addOption(runDirOption())
    .action(async (app: string, ...rest: readonly unknown[]) => {
      const number = verb.number === undefined ? {} : { [verb.number]: rest[0] };
      const flags = rest[verb.number === undefined ? 0 : 1] as Flags;
      await withEmperor(flags, terminal, async (client) => {
        const path = `/apps/${encodeURIComponent(app)}/${verb.name}`;
        const result = (await client.post(path, { ...number, wait: flags.wait === true })) as CommandResult;
        const isGood = result.result === 'accepted' || verb.good.includes(result.result);
        if (!isGood) exitWith(cliExit.failed);
        const line = `${app}: ${describeResult(verb.name, result)}\n`;
        if (flags.json === true) terminal.out(`${JSON.stringify(result)}\n`);
        else if (isGood) terminal.out(line);
        else terminal.err(line);
      });
    });
}

function parseNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

/** What became of it, in one line. */
export function describeResult(verb: Name, { result, reason, generation, tookMs }: CommandResult): string {
  const why = reason === null ? '' : `: ${reason}`;
  const took = tookMs === 0 ? '' : `, ${formatDuration(tookMs)}`;
  const instance = `generation ${generation ?? '?'}`;
  const lines: Readonly<Record<CommandResult['result'], string>> = {
    accepted: `${verb} asked for; \`emperor status\` shows how it goes, --wait waits for it`,
    live: `${instance} is live${took}${why}`,
    stopped: `stopped${took}`,
    paused: `paused${took}; its requests wait, and none of them runs`,
    resumed: `resumed${took}${why}`,
    scaled: `scaled${took}`,
    rejected: `the file was refused${why}`,
    failed: `${verb === 'scale' ? 'not scaled' : `${instance} failed`}${why}`,
    cancelled: `${verb} was not done${why}`,
  };
  return lines[result];
}
