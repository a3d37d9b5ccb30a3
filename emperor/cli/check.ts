// emperor check [PATH]: says what is wrong with config files without running anything. --plan says what the running
// emperor would do with them.
import { Option } from 'commander';
import { EmperorError } from '../../lib/errors.ts';
import { cliExit } from '../../lib/exit-codes.ts';
import { checkPath, type CheckReport } from '../config/check.ts';
import { formatProblem, type Problem } from '../config/problem.ts';
import { readSourceLine } from '../config/source-line.ts';
import { describeNote } from '../problem-text.ts';
import type { Status } from '../status.ts';
import { configOption, defaultDirectory, readConfig, type ConfigFlag } from './config-flag.ts';
import { planLines } from './check-plan.ts';
import { EmperorClient } from './client.ts';
import { explainTable, explainUwsgiFile } from './explain-uwsgi.ts';
import type { Terminal } from './terminal.ts';
import { runDirOf, runDirOption, type AddVerb, type RunDirFlag, type VerbContext } from './verb.ts';

interface Flags extends RunDirFlag, ConfigFlag {
  readonly json?: boolean;
  readonly plan?: boolean;
  readonly explainUwsgi?: boolean;
}

export const addCheck: AddVerb = (program, { terminal, exitWith }) => {
  program
    .command('check [path]')
    .description('validate a directory or a file without running it')
    .addOption(configOption())
    .option('--json', 'print problems and apps as JSON')
    .addOption(new Option('--plan', 'say what the running emperor would do'))
    .option('--explain-uwsgi', 'say what becomes of each line of a file of uWSGI')
    .addOption(runDirOption())
    .action(async (path: string | undefined, flags: Flags) => {
      await check(path ?? defaultDirectory, flags, { terminal, exitWith });
    });
};

async function check(path: string, flags: Flags, { terminal, exitWith }: VerbContext): Promise<void> {
  const runDir = runDirOf(flags, terminal);
  const report = await checkWithDefaults(path, runDir, flags);
  const { problems } = report;
  if (problems.length > 0) exitWith(cliExit.badConfig);
  const explained = flags.explainUwsgi === true ? await explainUwsgiFile(path) : undefined;
  const plan = flags.plan === true ? planLines(report, await askStatus(runDir)) : undefined;
  if (flags.json === true) {
    const further = { ...(plan && { plan }), ...(explained && { explained }) };
    terminal.out(`${JSON.stringify({ problems, apps: report.apps, ...further }, null, 2)}\n`);
    return;
  }
  for (const line of explainTable(explained ?? [], path)) terminal.out(`${line}\n`);
  await print(problems, { apps: report.apps, isExplained: explained !== undefined }, terminal);
  for (const line of plan ?? []) terminal.out(`${line}\n`);
}

/** The report of the path, with the problems of emperor.yaml, whose defaults it is checked with. */
async function checkWithDefaults(path: string, runDir: string, flags: Flags): Promise<CheckReport> {
  const emperorFile = await readConfig(flags.config);
  if (emperorFile.state === 'valid') return checkPath(path, { runDir, defaults: emperorFile.config.defaults });
  const report = await checkPath(path, { runDir, defaults: {} });
  return { ...report, problems: [...emperorFile.problems, ...report.problems] };
}

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

async function print(
  problems: readonly Problem[],
  { apps, isExplained }: Pick<CheckReport, 'apps'> & { readonly isExplained: boolean },
  terminal: Terminal,
): Promise<void> {
  for (const problem of problems) terminal.out(`${formatProblem(problem, await readSourceLine(problem))}\n\n`);
  // Explained line by line, the notes have been told.
  for (const note of isExplained ? [] : apps.flatMap(({ notes }) => notes)) {
    terminal.out(`${describeNote(note, process.cwd())}\n`);
  }
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const found = problems.length === 0 ? 'no problems' : count(problems.length, 'problem');
  terminal.out(`${count(apps.length, 'valid app')}, ${found}\n`);
}
