// PURE. One app in full, as `emperor status APP` prints it below its row: what is wanted, what runs, how a rollout
// does, and why the last deploy failed, with what it wrote last.
import { formatDuration, formatSize } from '../../lib/units.ts';
import type { RolloutStatus } from '../rollout-status.ts';
import type { VassalStatus } from '../status.ts';
import { layOut } from './table.ts';

const width = 100;

/** The lines of the block, without an end of line. */
export function appDetail(app: VassalStatus): readonly string[] {
  return [...facts(app), '', ...workerTable(app), ...deployLines(app)];
}

function facts(app: VassalStatus): readonly string[] {
  const good = app.goodGenerations.filter((one) => one !== app.generation);
  const entries: readonly (readonly [string, string | undefined])[] = [
    ['file', app.file ?? 'gone'],
    ['domains', app.domains.join(' ')],
    ['runtime', app.runtime ?? undefined],
    ['wanted', app.processes === null ? undefined : count(app.processes, 'worker')],
    ['reason', app.reason ?? undefined],
    ['paused', app.paused ? pausedLine(app) : undefined],
    ['rollout', app.rollout === null ? undefined : rolloutLine(app.rollout)],
    ...(app.rollout?.figures ?? []).map(
      ({ generation, summary }) => ['', `generation ${generation}: ${summary}`] as const,
    ),
    ['good', good.length === 0 ? undefined : `${good.join(', ')} (\`emperor rollback ${app.name}\` goes back)`],
  ];
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(8)} ${value}`]));
}

/** What a pause means at this moment. */
export function pausedLine({ name, queued }: Pick<VassalStatus, 'name' | 'queued'>): string {
  const waiting = queued === 0 ? 'requests wait' : `${count(queued, 'request')} wait${queued === 1 ? 's' : ''}`;
  return `${waiting}; \`emperor resume ${name}\` lets them go`;
}

/** How far a rollout is. */
export function rolloutLine({ strategy, generation, share, step, steps, since }: RolloutStatus): string {
  const part = `generation ${generation} has ${Number((share * 100).toFixed(1))}% of the clients`;
  const where = step === null || step === 0 ? '' : `, step ${step} of ${steps ?? step}`;
  return `${strategy}: ${part}${where}${since === null ? '' : `, since ${since}`}`;
}

const columns = [
  { title: 'GEN', align: 'right' },
  { title: 'INSTANCE' },
  { title: 'WORKER', align: 'right' },
  { title: 'STATE' },
  { title: 'PID', align: 'right' },
  { title: 'REQUESTS', align: 'right' },
  { title: 'RUNNING', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'LAST EXIT', isElastic: true },
] as const;

function workerTable({ instances }: VassalStatus): readonly string[] {
  const rows = instances.flatMap(({ generation, state, pid, workers }) => {
    const instance = [String(generation), state];
    const none = [...instance, '-', '-', pid === null ? '-' : String(pid), '-', '-', '-', '-', ''];
    return workers.length === 0
      ? [none]
      : workers.map((worker) => [
          ...instance,
          String(worker.id),
          worker.state,
          worker.pid === null ? '-' : String(worker.pid),
          String(worker.requests),
          String(worker.inFlight),
          worker.pss === null && worker.rss === null ? '-' : formatSize(worker.pss ?? worker.rss ?? 0),
          String(worker.restarts),
          worker.lastExit ?? '',
        ]);
  });
  return rows.length === 0 ? ['nothing of it runs'] : layOut(columns, rows, width);
}

function deployLines({ lastDeploy }: VassalStatus): readonly string[] {
  if (lastDeploy === null) return [];
  const { generation, result, reason, tookMs, log } = lastDeploy;
  const how = {
    live: `went live in ${formatDuration(tookMs)}`,
    failed: `failed after ${formatDuration(tookMs)}`,
    rejected: 'was refused',
  }[result];
  return [
    '',
    `last deploy: generation ${generation} ${how}`,
    ...(reason === null ? [] : reason.split('\n').map((line) => `  ${line}`)),
    ...log.map((line) => `  | ${line}`),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
