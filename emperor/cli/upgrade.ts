// emperor upgrade: the code that is on disk now takes the running emperor's place, under its pid; with --wait it returns
// when new routers serve and the old ones were told to end.
import { systemClock } from '../../lib/clock.ts';
import { EmperorError } from '../../lib/errors.ts';
import { cliExit } from '../../lib/exit-codes.ts';
import { formatDuration } from '../../lib/units.ts';
import { isAlive } from '../proc.ts';
import type { Status } from '../status.ts';
import type { EmperorClient } from './client.ts';
import { runDirOption, withEmperor, type AddVerb, type RunDirFlag } from './verb.ts';

interface Flags extends RunDirFlag {
  readonly wait?: boolean;
  readonly json?: boolean;
}

interface Begun {
  readonly id: string;
  readonly pid: number;
  readonly from: string;
  readonly to: string;
}

interface Outcome extends Begun {
  readonly result: 'begun' | 'done' | 'failed';
  readonly reason: string | null;
  readonly tookMs: number;
}

const lookEveryMs = 50;
/** New routers start within seconds; one that crashes at its start is told long before. */
const longestMs = 120_000;

export const addUpgrade: AddVerb = (program, { terminal, exitWith }) => {
  program
    .command('upgrade')
    .description('replace the running emperor and its routers by the code that is on disk now; no request is lost')
    .option('--wait', 'wait until the new routers serve; exit 1 if it failed')
    .option('--json', 'print the answer as JSON')
    .addOption(runDirOption())
    .action(async (flags: Flags) => {
      await withEmperor(flags, terminal, async (client) => {
        const sinceMs = systemClock.nowMs();
        const begun = (await client.post('/upgrade')) as Begun;
        const end = flags.wait === true ? await endOf(client, begun) : { result: 'begun' as const, reason: null };
        const outcome = { ...begun, ...end, tookMs: Math.round(systemClock.nowMs() - sinceMs) };
        if (outcome.result === 'failed') exitWith(cliExit.failed);
        if (flags.json === true) terminal.out(`${JSON.stringify(outcome)}\n`);
        else if (outcome.result === 'failed') terminal.err(`${describe(outcome)}\n`);
        else terminal.out(`${describe(outcome)}\n`);
      });
    });
};

async function endOf(
  client: EmperorClient,
  { id, pid }: Begun,
): Promise<Pick<Outcome, 'reason'> & { readonly result: 'done' | 'failed' }> {
  const untilMs = systemClock.nowMs() + longestMs;
  for (;;) {
    const upgrade = await upgradeIn(client);
    if (upgrade?.id === id && upgrade.result !== 'running') return { result: upgrade.result, reason: upgrade.reason };
    if (!isAlive(pid)) return { result: 'failed', reason: 'the new program ended; routers and apps go on' };
    if (systemClock.nowMs() > untilMs) return { result: 'failed', reason: 'new routers do not serve yet' };
    await new Promise<void>((resolve) => {
      systemClock.after(lookEveryMs, resolve);
    });
  }
}

/** Undefined while the programs change and nobody answers. */
async function upgradeIn(client: EmperorClient): Promise<Status['emperor']['upgrade'] | undefined> {
  try {
    return ((await client.get('/status')) as Status).emperor.upgrade;
  } catch (error) {
    if (error instanceof EmperorError && error.code === 'EMP_NOT_RUNNING') return undefined;
    throw error;
  }
}

function describe({ pid, from, to, result, reason, tookMs }: Outcome): string {
  const what = `emperor (pid ${pid}): version ${from} -> ${to}`;
  const why = reason === null ? '' : `: ${reason}`;
  switch (result) {
    case 'begun':
      return `${what} begun; \`emperor status\` shows how it goes, --wait waits for it`;
    case 'done':
      return `${what}, ${formatDuration(tookMs)}`;
    case 'failed':
      return `${what} failed${why}`;
  }
}
