// Which workers to start, stop and kill: a pure function of what is wanted, what there is and the time. Doing the
// plan twice does nothing the second time. It is the only place that knows the order: end what must end, then start.
import type { WorkerPhase } from './worker-lifecycle.ts';

export interface PoolWanted {
  /** Workers 1 … processes are to run; 0 ends them all. */
  readonly processes: number;
  /** From the stop signal to KILL. */
  readonly stopTimeoutMs: number;
  /** A worker that is not ready after this is ended and tried again. */
  readonly readyTimeoutMs: number;
  /** Not so workers 1 … trial, by which the whole instance is judged: the emperor decides how long it waits. */
  readonly trial: number;
}

/** A worker as the plan sees it. Times are of a monotonic clock. */
export interface WorkerView {
  readonly id: number;
  readonly phase: WorkerPhase;
  /** When it entered the phase. */
  readonly sinceMs: number;
  /** In backoff: when it may be started again. */
  readonly dueMs: number;
  /** When KILL was last sent to its process; null if it was not. */
  readonly killedMs: number | null;
}

export interface PoolAction {
  /** `end-overdue` is a `stop` of a worker that is wanted. */
  readonly type: 'spawn' | 'stop' | 'end-overdue' | 'kill' | 'forget';
  readonly id: number;
  readonly reason: string;
}

export interface PoolPlan {
  readonly actions: readonly PoolAction[];
  /** When to plan again even if nothing happens; null: only an event can change the plan. */
  readonly nextMs: number | null;
}

/** KILL is repeated this often: a process that forks faster than it is killed needs more than one. */
export const killAgainMs = 1000;

export function planPool(wanted: PoolWanted, workers: readonly WorkerView[], nowMs: number): PoolPlan {
  const steps = workers.map((worker) => planWorker(wanted, worker, nowMs));
  const present = new Set(workers.map(({ id }) => id));
  for (let id = 1; id <= wanted.processes; id++) {
    if (!present.has(id)) steps.push(act('spawn', id, 'wanted'));
  }
  const actions = steps.flatMap(({ action }) => action ?? []);
  const times = steps.flatMap(({ nextMs }) => nextMs ?? []);
  return {
    actions: [...actions.filter(({ type }) => type !== 'spawn'), ...actions.filter(({ type }) => type === 'spawn')],
    nextMs: times.length === 0 ? null : Math.min(...times),
  };
}

interface Step {
  readonly action?: PoolAction;
  readonly nextMs?: number;
}

function planWorker(wanted: PoolWanted, worker: WorkerView, nowMs: number): Step {
  const { id } = worker;
  const isWanted = id <= wanted.processes;
  switch (worker.phase) {
    case 'ended':
      return isWanted ? act('spawn', id, 'wanted again') : act('forget', id, 'not wanted');
    case 'backoff':
      if (!isWanted) return act('stop', id, 'not wanted');
      return nowMs >= worker.dueMs ? act('spawn', id, 'respawn') : { nextMs: worker.dueMs };
    case 'starting':
      if (!isWanted) return act('stop', id, 'not wanted');
      return planStarting(wanted, worker, nowMs);
    case 'ready':
      return isWanted ? {} : act('stop', id, 'not wanted');
    case 'stopping':
      return planStopping(wanted, worker, nowMs);
  }
}

function planStarting({ readyTimeoutMs, trial }: PoolWanted, { id, sinceMs }: WorkerView, nowMs: number): Step {
  if (id <= trial) return {};
  const deadlineMs = sinceMs + readyTimeoutMs;
  return nowMs >= deadlineMs ? act('end-overdue', id, 'not ready within ready-timeout') : { nextMs: deadlineMs };
}

function planStopping({ stopTimeoutMs }: PoolWanted, { id, sinceMs, killedMs }: WorkerView, nowMs: number): Step {
  const deadlineMs = killedMs === null ? sinceMs + stopTimeoutMs : killedMs + killAgainMs;
  if (nowMs < deadlineMs) return { nextMs: deadlineMs };
  const reason = killedMs === null ? 'did not end within stop-timeout' : 'still there after KILL';
  return { ...act('kill', id, reason), nextMs: nowMs + killAgainMs };
}

function act(type: PoolAction['type'], id: number, reason: string): Step {
  return { action: { type, id, reason } };
}
