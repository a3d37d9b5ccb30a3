// emperor logs [-f] [APP]: what the workers wrote, line by line, across generations.
import { InvalidArgumentError } from 'commander';
import type { LogLine } from '../log-file.ts';
import { paint, type Terminal } from './terminal.ts';
import { runDirOption, withEmperor, type AddVerb, type RunDirFlag } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly follow?: boolean;
  readonly lines: number;
  readonly json?: boolean;
}

export const addLogs: AddVerb = (program, { terminal }) => {
  program
    .command('logs [app]')
    .description('print the last lines that an app (or every app) wrote')
    .option('-f, --follow', 'go on with what is written from now on')
    .option('-n, --lines <count>', 'how many lines to begin with', parseCount, 100)
    .option('--json', 'print each line as JSON')
    .addOption(runDirOption())
    .action(async (app: string | undefined, flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const query = new URLSearchParams({ lines: String(flags.lines) });
        if (app !== undefined) query.set('app', app);
        if (flags.follow === true) query.set('follow', '1');
        for await (const line of client.lines(`/logs?${query.toString()}`)) {
          terminal.out(flags.json === true ? `${JSON.stringify(line)}\n` : format(line as LogLine, terminal));
        }
      });
    });
};

function parseCount(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number up to 10000');
  return Math.min(10_000, Number(text));
}

function format({ time, app, generation, worker, stream, line }: LogLine, terminal: Terminal): string {
  const source = `${app}/${generation}${worker === null ? '' : `/${worker}`}`;
  const text = stream === 'err' ? paint(terminal, 'yellow', line) : line;
  return `${paint(terminal, 'dim', `${time} ${source}`)} ${text}\n`;
}
