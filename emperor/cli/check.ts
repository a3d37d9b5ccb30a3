// emperor check [PATH]: says what is wrong with config files without running anything. --plan says what the running
// emperor would do with them.
import { Option } from 'commander';
import { EmperorError } from '../../lib/errors.ts';
import { cliExit } from '../../lib/exit-codes.ts';
import { checkPath, type CheckReport } from '../config/check.ts';
import { formatProblem, type Problem } from '../config/problem.ts';
import { readSourceLine } from '../config/source-line.ts';
import type { Status } from '../status.ts';
import { configOption, defaultDirectory, readConfig, type ConfigFlag } from './config-flag.ts';
import { planLines } from './check-plan.ts';
import { EmperorClient } from './client.ts';
import type { Terminal } from './terminal.ts';
import { runDirOf, runDirOption, type AddVerb, type RunDirFlag } from './verb.ts';

interface Flags extends RunDirFlag, ConfigFlag {
  readonly json?: boolean;
  readonly plan?: boolean;
}

export const addCheck: AddVerb = (program, { terminal, exitWith }) => {
  program
    .command('check [path]')
    .description('validate a directory or a file without running it')
    .addOption(configOption())
    .option('--json', 'print problems and apps as JSON')
    .addOption(new Option('--plan', 'say what the running emperor would do'))
    .addOption(runDirOption())
    .action(async (path: string | undefined, flags: Flags) => {
      const target = path ?? defaultDirectory;
      const runDir = runDirOf(flags, terminal);
      const emperorFile = await readConfig(flags.config);
      const defaults = emperorFile.state === 'valid' ? emperorFile.config.defaults : {};
      const report = await checkPath(target, { runDir, defaults });
      const problems = [...(emperorFile.state === 'valid' ? [] : emperorFile.problems), ...report.problems];
      if (problems.length > 0) exitWith(cliExit.badConfig);
      const plan = flags.plan === true ? planLines(report, await askStatus(runDir)) : undefined;
      if (flags.json === true) {
        terminal.out(`${JSON.stringify({ problems, apps: report.apps, ...(plan && { plan }) }, null, 2)}\n`);
        return;
      }
      await print(problems, report, terminal);
      for (const line of plan ?? []) terminal.out(`${line}\n`);
    });
};

async function askStatus(runDir: string): Promise<Status | undefined> {
  const client = await EmperorClient.open(runDir);
  try {
    return (await client.get('/status')) as Status;
  } catch (error) {
    if (error instanceof EmperorError && error.code === 'EMP_NOT_RUNNING') return undefined;
    throw error;
  } finally {
    await client.close();
  }
}

async function print(problems: readonly Problem[], { apps }: CheckReport, terminal: Terminal): Promise<void> {
  for (const problem of problems) terminal.out(`${formatProblem(problem, await readSourceLine(problem))}\n\n`);
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const found = problems.length === 0 ? 'no problems' : count(problems.length, 'problem');
  terminal.out(`${count(apps.length, 'valid app')}, ${found}\n`);
}
