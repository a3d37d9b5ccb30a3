// emperor status [APP]: one readable table, the problems below it; one app is shown in full. --json gives everything.
import { cliExit } from '../../lib/exit-codes.ts';
import { EmperorError } from '../../lib/errors.ts';
import { formatDuration, formatSize } from '../../lib/units.ts';
import { appDetail, pausedLine, rolloutLine } from './app-detail.ts';
import { describeNote, describeProblem } from '../problem-text.ts';
import type { Status, VassalStatus } from '../status.ts';
import { layOut } from './table.ts';
import { paint, type Colour, type Terminal } from './terminal.ts';
import { runDirOption, withEmperor, type AddVerb, type RunDirFlag } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly json?: boolean;
}

const width = 100;

export const addStatus: AddVerb = (program, { terminal, exitWith }) => {
  program
    .command('status [app]')
    .description('show what runs')
    .option('--json', 'print everything as JSON')
    .addOption(runDirOption())
    .action(async (app: string | undefined, flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const status = narrow((await client.get('/status')) as Status, app);
        if (app !== undefined && status.vassals.length === 0) {
          exitWith(cliExit.failed);
          throw new EmperorError('EMP_UNKNOWN_APP', `${status.emperor.directory} has no app named ${app}`, {
            hint: '`emperor status` lists the apps',
          });
        }
        if (flags.json === true) terminal.out(`${JSON.stringify(status, null, 2)}\n`);
        else terminal.out(app === undefined ? formatStatus(status, terminal) : formatApp(status, terminal));
      });
    });
};

function narrow(status: Status, app: string | undefined): Status {
  return app === undefined ? status : { ...status, vassals: status.vassals.filter(({ name }) => name === app) };
}

/** The row of one app, the problems of its file, and everything about it. */
export function formatApp(status: Status, terminal: Pick<Terminal, 'hasColour'>): string {
  const lines = [headLine(status), ...routerLines(status), '', ...appTable(status.vassals, terminal), ''];
  const files = new Set(status.vassals.map(({ file }) => file));
  const problems = status.emperor.problems.filter(({ file }) => files.has(file));
  lines.push(...problemLines({ ...status.emperor, problems }, terminal), ...status.vassals.flatMap(appDetail));
  const notes = status.vassals.flatMap((app) => app.notes.map((note) => describeNote(note, status.emperor.directory)));
  if (notes.length > 0) lines.push('', ...notes.map((note) => `${paint(terminal, 'yellow', 'note')}     ${note}`));
  return `${lines.join('\n')}\n`;
}

/** The table, at most 100 columns wide, and below it what needs attention. */
export function formatStatus(status: Status, terminal: Pick<Terminal, 'hasColour'>): string {
  const lines = [headLine(status), ...routerLines(status), ''];
  if (status.vassals.length === 0)
    lines.push(`no apps: put a file such as hello.yaml into ${status.emperor.directory}`);
  else lines.push(...appTable(status.vassals, terminal));
  const attention = [
    ...problemLines(status.emperor, terminal),
    ...status.vassals.flatMap((app) => [...failureLines(app, terminal), ...movingLines(app, terminal)]),
    ...[...status.emperor.degraded, ...noteLines(status.vassals)].map(
      (sentence) => `${paint(terminal, 'yellow', 'note')}     ${sentence}`,
    ),
  ];
  if (attention.length > 0) lines.push('', ...attention);
  return `${lines.join('\n')}\n`;
}

function problemLines(
  { problems, directory }: Pick<Status['emperor'], 'problems' | 'directory'>,
  terminal: Pick<Terminal, 'hasColour'>,
): readonly string[] {
  return problems.flatMap((problem) => [
    `${paint(terminal, 'red', 'problem')}  ${describeProblem(problem, directory)}`,
    ...(problem.hint === null ? [] : [`         ${problem.hint}`]),
  ]);
}

/** One sentence for all: a directory of uWSGI's files has hundreds of notes. */
function noteLines(vassals: readonly VassalStatus[]): readonly string[] {
  const noted = vassals.filter(({ notes }) => notes.length > 0);
  const [first] = noted;
  if (first === undefined) return [];
  const who = noted.length === 1 ? `the file of ${first.name} has` : `the files of ${noted.length} apps have`;
  return [
    `${who} options that do nothing here; \`emperor status ${noted.length === 1 ? first.name : 'APP'}\` lists them`,
  ];
}

function headLine({ version, emperor }: Status): string {
  return `emperor ${version}  pid ${emperor.pid}  ${emperor.phase} for ${formatDuration(emperor.uptime * 1000)}  ${emperor.directory}`;
}

function routerLines({ router }: Status): readonly string[] {
  const pids = router.pids.length === 0 ? 'not running' : `pid ${router.pids.join(', ')}`;
  const counts = `${router.connections} connections, ${router.requests} requests`;
  const line = `router ${router.transport}  ${pids}  ${router.listen.join(' ')}  ${counts}`;
  return router.transportReason === null ? [line] : [line, `       because ${router.transportReason}`];
}

function appTable(vassals: readonly VassalStatus[], terminal: Pick<Terminal, 'hasColour'>): readonly string[] {
  const columns = [
    { title: 'APP', isElastic: true },
    { title: 'STATE' },
    { title: 'GEN', align: 'right' },
    { title: 'WORKERS', align: 'right' },
    { title: 'READY', align: 'right' },
    { title: 'REQUESTS', align: 'right' },
    { title: 'MEMORY', align: 'right' },
    { title: 'DOMAINS', isElastic: true },
  ] as const;
  const [head = '', ...rows] = layOut(columns, vassals.map(appRow), width);
  const painted = rows.map((row, index) => {
    const state = vassals[index]?.state ?? 'stopped';
    // The name stands before the state and may contain the same word.
    const at = row.indexOf(`  ${state}`);
    return at < 0
      ? row
      : `${row.slice(0, at + 2)}${paint(terminal, colours[state], state)}${row.slice(at + 2 + state.length)}`;
  });
  return [paint(terminal, 'bold', head), ...painted];
}

const colours: Readonly<Record<VassalStatus['state'], Colour>> = {
  running: 'green',
  deploying: 'yellow',
  degraded: 'yellow',
  backoff: 'red',
  failed: 'red',
  paused: 'yellow',
  stopped: 'dim',
  invalid: 'red',
};

function appRow(app: VassalStatus): readonly string[] {
  const live = app.instances.find(({ generation }) => generation === app.generation);
  const workers = live?.workers ?? [];
  const ready = workers.filter(({ state }) => state === 'ready').length;
  const memory = app.instances
    .flatMap((instance) => [instance, ...instance.workers])
    .map(({ pss, rss }) => pss ?? rss ?? 0)
    .reduce((sum, one) => sum + one, 0);
  const readyMs = live?.readyMs ?? null;
  return [
    app.name,
    app.state,
    app.generation === null ? '-' : String(app.generation),
    live === undefined ? '-' : `${ready}/${workers.length}`,
    readyMs === null ? '-' : formatDuration(readyMs),
    String(app.requests),
    memory === 0 ? '-' : formatSize(memory),
    app.domains.join(' '),
  ];
}

const shownLogLines = 10;

/** Why an app is not as its file wants it, with the last lines that the failed generation wrote. */
function failureLines(app: VassalStatus, terminal: Pick<Terminal, 'hasColour'>): readonly string[] {
  // Of a rejected file the problem was shown above.
  if (app.reason === null || app.state === 'invalid' || app.lastDeploy?.result === 'rejected') return [];
  const log = app.lastDeploy?.result === 'failed' ? app.lastDeploy.log.slice(-shownLogLines) : [];
  return [
    `${paint(terminal, 'red', app.state.padEnd(8))} ${app.name}: ${app.reason}`,
    ...log.map((line) => `         ${paint(terminal, 'dim', `| ${line}`)}`),
  ];
}

/** What is on its way, or waits for the operator. */
function movingLines(app: VassalStatus, terminal: Pick<Terminal, 'hasColour'>): readonly string[] {
  const label = (text: string): string => paint(terminal, 'yellow', text.padEnd(8));
  return [
    ...(app.paused ? [`${label('paused')} ${app.name}: ${pausedLine(app)}`] : []),
    ...(app.rollout === null ? [] : [`${label('rollout')} ${app.name}: ${rolloutLine(app.rollout)}`]),
  ];
}
