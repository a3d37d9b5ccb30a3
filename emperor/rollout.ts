// PURE. How a new generation follows the live one: at once, one worker at a time, or by growing shares of the clients.
// It looks at both and says the next move; the planner turns moves into actions, the routes into a table.
import { describeFigures, judgeCanary, sumFigures } from './canary.ts';
import {
  instanceKey,
  liveInstance,
  nextInstance,
  strategyOf,
  wantedProcesses,
  type AppFacts,
  type Deployable,
  type Desired,
  type InstanceFacts,
} from './facts.ts';

export type RolloutMove =
  /** It gets the whole traffic; the old one is then superfluous. */
  | { readonly type: 'promote'; readonly reason: string }
  /** It enters this canary step. */
  | { readonly type: 'step'; readonly step: number; readonly reason: string }
  | { readonly type: 'refuse'; readonly reason: string }
  /** Nothing now; at `untilMs` there may be. */
  | { readonly type: 'wait'; readonly untilMs: number | undefined };

/** Deaths of workers that are no accident: one may be a stray signal or a full memory. */
export const crashesThatCount = 2;

/** The generation that is tried, and the one beside it. */
export interface Pair {
  readonly live: InstanceFacts;
  readonly next: InstanceFacts;
}

/** Undefined where no rollout is under way. */
export function rolloutPair(app: AppFacts, chosen: Deployable | undefined): Pair | undefined {
  const live = liveInstance(app, chosen);
  const next = nextInstance(app, chosen);
  return live === undefined || next === undefined ? undefined : { live, next };
}

/** The next move of a rollout. */
export function planRollout(desired: Desired, app: AppFacts, { live, next }: Pair, nowMs: number): RolloutMove {
  const { strategy, steps, pauseMs } = strategyOf(desired, app, next.deployable);
  if (next.crashes >= crashesThatCount) {
    return { type: 'refuse', reason: `its workers crashed ${next.crashes} times while it was tried` };
  }
  switch (strategy) {
    case 'all':
      return { type: 'promote', reason: 'ready' };
    case 'chain':
      return next.workers.length >= wantedProcesses(desired, app, next.deployable)
        ? { type: 'promote', reason: 'all its workers are ready' }
        : { type: 'wait', untilMs: undefined };
    case 'canary':
      return planCanary(app, { live, next }, { steps, pauseMs, nowMs });
  }
}

/** Workers that each of the two is to keep at this moment of a chain, or all they should have. */
export function chainProcesses(desired: Desired, app: AppFacts, pair: Pair): { live: number; next: number } {
  const { live, next } = pair;
  const wanted = wantedProcesses(desired, app, next.deployable);
  if (strategyOf(desired, app, next.deployable).strategy !== 'chain') {
    return { live: wantedProcesses(desired, app, live.deployable), next: wanted };
  }
  // A new worker first, then an old one goes: never more than one above the full number, never below it.
  const room = roomBeside(desired, app, live, next.workers.length);
  // Also its process: until it ended it takes the memory that the next one needs.
  const isOldGone = live.processes <= room && live.running <= room;
  const isNewReady = next.workers.length >= next.processes;
  return {
    live: Math.min(live.keep, room),
    next: isNewReady && isOldGone ? Math.min(wanted, next.processes + 1) : next.processes,
  };
}

/** Old workers that are to stay beside so many new ones; the last one goes only with the rest of its generation. */
function roomBeside(desired: Desired, app: AppFacts, live: InstanceFacts, newWorkers: number): number {
  return Math.max(1, wantedProcesses(desired, app, live.deployable) - newWorkers);
}

/** The share of the clients that the newer generation has now. */
export function shareOf(desired: Desired, app: AppFacts, { live, next }: Pair): number {
  const { strategy, steps } = strategyOf(desired, app, next.deployable);
  switch (strategy) {
    case 'all':
      return 0;
    case 'chain':
      // Not by who is ready just now: a worker that starts again must not send clients back to the old generation.
      // Nor by `keep` alone: an emperor that adopts both does not know yet how far the one before it had narrowed.
      return next.begun / (next.begun + Math.min(live.keep, roomBeside(desired, app, live, next.begun)));
    case 'canary':
      // Before its first step was noted it has that share already: its clients may have had it under another emperor.
      return steps[app.rollout?.generation === next.generation ? app.rollout.step : 0] ?? 1;
  }
}

interface CanaryRules {
  readonly steps: readonly number[];
  readonly pauseMs: number;
  readonly nowMs: number;
}

function planCanary(app: AppFacts, { live, next }: Pair, { steps, pauseMs, nowMs }: CanaryRules): RolloutMove {
  const { rollout } = app;
  if (rollout?.generation !== next.generation) {
    return (steps[0] ?? 1) >= 1
      ? { type: 'promote', reason: 'the first step is 100%' }
      : { type: 'step', step: 0, reason: 'ready' };
  }
  const figures = {
    old: sumFigures(app.figures, instanceKey(app.name, live.generation)),
    next: sumFigures(app.figures, instanceKey(app.name, next.generation)),
  };
  const objection = judgeCanary(figures.old, figures.next);
  const share = `${((steps[rollout.step] ?? 1) * 100).toFixed(0)}% of the clients`;
  if (objection !== undefined) return { type: 'refuse', reason: `turned back at ${share}: ${objection}` };
  const untilMs = rollout.sinceMs + pauseMs;
  if (nowMs < untilMs) return { type: 'wait', untilMs };
  const compared = `${describeFigures(figures.next)}; the old generation: ${describeFigures(figures.old)}`;
  const step = rollout.step + 1;
  return (steps[step] ?? 1) >= 1
    ? { type: 'promote', reason: `nothing spoke against it: ${compared}` }
    : { type: 'step', step, reason: compared };
}
