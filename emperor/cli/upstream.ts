// emperor upstream add|remove|list APP: backends that somebody else runs, registered while the app is served.
import type { Command } from 'commander';
import { formatDuration } from '../../lib/units.ts';
import type { Backend, Registered } from '../upstream-commands.ts';
import { layOut } from './table.ts';
import { runDirOption, withEmperor, type AddVerb, type RunDirFlag, type VerbContext } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly json?: boolean;
}

interface AddFlags extends Flags {
  readonly weight?: string;
  readonly ttl?: string;
}

export const addUpstream: AddVerb = (program, context) => {
  const group = program.command('upstream').description('backends that register with an app that has `upstream`');
  addAdd(group, context);
  addRemove(group, context);
  addList(group, context);
};

function addAdd(group: Command, { terminal }: VerbContext): void {
  group
    .command('add <app> <address>')
    .description('register a backend (unix:/path or http://host:port), or renew it')
    .option('--weight <n>', 'its part of the requests, beside the others (default: 1)')
    .option('--ttl <duration>', 'withdraw it unless it is renewed within (default: 30s, at most 1d)')
    .option('--json', 'print the answer as JSON')
    .addOption(runDirOption())
    .action(async (app: string, address: string, flags: AddFlags) => {
      await withEmperor(flags, terminal, async (client) => {
        // The emperor judges the values, for all who ask alike; what is no number stays text and is told.
        const weight = /^\d+$/.test(flags.weight ?? '') ? Number(flags.weight) : flags.weight;
        const body = { address, weight, ttl: flags.ttl };
        const answer = (await client.send('PUT', pathOf(app), body)) as Registered;
        const { result, ttlMs } = answer;
        const line = `${app}: ${answer.address} ${result} with weight ${answer.weight} for ${formatDuration(ttlMs)}`;
        terminal.out(flags.json === true ? `${JSON.stringify(answer)}\n` : `${line}\n`);
      });
    });
}

function addRemove(group: Command, { terminal }: VerbContext): void {
  group
    .command('remove <app> <address>')
    .description('withdraw a registered backend: it gets no further requests')
    .option('--json', 'print the answer as JSON')
    .addOption(runDirOption())
    .action(async (app: string, address: string, flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const answer = (await client.send('DELETE', pathOf(app), { address })) as { readonly address: string };
        terminal.out(flags.json === true ? `${JSON.stringify(answer)}\n` : `${app}: ${answer.address} withdrawn\n`);
      });
    });
}

function addList(group: Command, { terminal }: VerbContext): void {
  group
    .command('list <app>')
    .description('show the backends of an app, of its file and registered')
    .option('--json', 'print everything as JSON')
    .addOption(runDirOption())
    .action(async (app: string, flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const answer = (await client.get(pathOf(app))) as { readonly backends: readonly Backend[] };
        terminal.out(
          flags.json === true ? `${JSON.stringify(answer, null, 2)}\n` : formatBackends(app, answer.backends),
        );
      });
    });
}

const columns = [
  { title: 'ADDRESS', isElastic: true },
  { title: 'STATE' },
  { title: 'WEIGHT', align: 'right' },
  { title: 'FROM' },
  { title: 'LEFT', align: 'right' },
  { title: 'LAST TROUBLE', isElastic: true },
] as const;

const width = 100;

/** A table of backends. */
export function formatBackends(app: string, backends: readonly Backend[]): string {
  if (backends.length === 0) return `${app} has no backends: \`emperor upstream add ${app} ADDRESS\` registers one\n`;
  const rows = backends.map(({ address, state, weight, source, leftMs, lastExit }) => [
    address,
    state ?? '-',
    String(weight),
    source,
    leftMs === null ? '-' : formatDuration(leftMs),
    lastExit ?? '',
  ]);
  return `${layOut(columns, rows, width).join('\n')}\n`;
}

function pathOf(app: string): string {
  return `/apps/${encodeURIComponent(app)}/upstreams`;
}
