// PURE. What should run and what does, in; what to do about it, out. Plain data with a reason each, executed by the
// reconciler in the order given. Planning again after the plan was executed yields nothing.
import type { AppRoute } from '../lib/routes.ts';
import {
  chooseDeployable,
  isRefused,
  liveInstance,
  satisfies,
  strategyOf,
  wantedProcesses,
  type Actual,
  type AppFacts,
  type Deployable,
  type Desired,
  type Limits,
} from './facts.ts';
import { deadlineEvent, type InstanceEvent } from './lifecycle.ts';
import { planEnds, planRecall, isServedAgain } from './plan-ends.ts';
import { planProbation, probationEndsAt } from './probation.ts';
import { planProcesses } from './plan-processes.ts';
import { decideRestart } from './restart-policy.ts';
import { planRollout, rolloutPair } from './rollout.ts';
import { buildRoutes } from './routes.ts';

export interface OfInstance {
  readonly app: string;
  readonly generation: number;
  readonly reason: string;
}

export type Action =
  /** Start a new generation, in a new directory, with so many workers. */
  | (OfInstance & { readonly type: 'start'; readonly deployable: Deployable; readonly processes: number })
  /** Send this table to every router. */
  | { readonly type: 'publish'; readonly apps: readonly AppRoute[]; readonly reason: string }
  /** Give the instance the whole traffic. */
  | (OfInstance & { readonly type: 'promote' })
  /** Let the instance enter this step of its canary. */
  | (OfInstance & { readonly type: 'step'; readonly step: number })
  /** What the instance runs is not good enough: never choose it again, unless it is asked for again. */
  | (OfInstance & { readonly type: 'refuse' })
  /** What the instance runs has stood its probation: it is what is gone back to. */
  | (OfInstance & { readonly type: 'prove' })
  /** A draining instance is wanted again. */
  | (OfInstance & { readonly type: 'recall' })
  /** Give no requests to workers with a higher id any more. */
  | (OfInstance & { readonly type: 'narrow'; readonly processes: number })
  /** Have so many workers; those with a higher id are drained. */
  | (OfInstance & { readonly type: 'scale'; readonly processes: number })
  /** Nobody wants the instance and no table names it: let it drain, or end what never served. */
  | (OfInstance & { readonly type: 'retire' })
  /** Ask the instance to end, because `event` happened. */
  | (OfInstance & { readonly type: 'stop'; readonly event: Exclude<InstanceEvent, 'kill-timeout'> })
  | (OfInstance & { readonly type: 'kill' })
  /** Remove the directory and the memory of an instance that is gone. */
  | (OfInstance & { readonly type: 'forget' })
  /** The app has neither a file nor an instance. */
  | { readonly type: 'forget-app'; readonly app: string; readonly reason: string };

export interface Plan {
  readonly actions: readonly Action[];
  /** Plan again at this time (monotonic) even if nothing happens; undefined: no deadline is armed. */
  readonly wakeAtMs: number | undefined;
}

/** Old instances of one app that may be ending at the same time; a further deploy waits for one of them. */
const mostEnding = 8;

/** Plans one turn. */
export function planChanges(desired: Desired, actual: Actual, nowMs: number, limits: Limits): Plan {
  const routes = buildRoutes(desired, actual.apps, nowMs);
  // Even an empty table is published once: a router without any answers nothing but 503.
  const isFirst = actual.routes.version === 0;
  const changesRoutes = isFirst || JSON.stringify(routes) !== JSON.stringify(actual.routes.apps);
  const publish: Action[] = changesRoutes
    ? [{ type: 'publish', apps: routes, reason: whatChanges(actual, routes) }]
    : [];
  const surroundings = { desired, actual, nowMs };
  const verdicts = actual.apps.flatMap((app) => planVerdicts(desired, app, nowMs));
  const ends = actual.apps.flatMap((app) => planEnds(app, surroundings));
  const processes = actual.apps.flatMap((app) => planProcesses(app, surroundings));
  const starts = planStarts(desired, actual, nowMs, limits.deploysAtOnce - startingAfter(actual.apps, ends));
  return {
    // Unrouted first, ended later; and what ends makes room for what starts.
    actions: [...publish, ...verdicts, ...ends, ...processes, ...starts, ...planForgetting(desired, actual.apps)],
    wakeAtMs: earliest(desired, actual.apps, nowMs),
  };
}

/** What becomes of ready instances: they get the traffic, another share of it, the good name, or lose it. */
function planVerdicts(desired: Desired, app: AppFacts, nowMs: number): readonly Action[] {
  const chosen = chooseDeployable(desired, app);
  const live = liveInstance(app, chosen);
  if (live === undefined || chosen === undefined) return [];
  if (!live.isPromoted) {
    return [{ type: 'promote', app: app.name, generation: live.generation, reason: 'there is no other' }];
  }
  const pair = rolloutPair(app, chosen);
  if (pair === undefined) return planProbation(app, live, nowMs);
  const move = planRollout(desired, app, pair, nowMs);
  return move.type === 'wait' ? [] : [{ ...move, app: app.name, generation: pair.next.generation }];
}

function startingAfter(apps: readonly AppFacts[], ends: readonly Action[]): number {
  const key = (app: string, generation: number): string => `${app}/${generation}`;
  const ended = new Set(ends.map((action) => ('generation' in action ? key(action.app, action.generation) : '')));
  const starting = apps.flatMap(({ name, instances }) =>
    instances.filter(({ state, generation }) => state === 'starting' && !ended.has(key(name, generation))),
  );
  return starting.length;
}

function planStarts(desired: Desired, actual: Actual, nowMs: number, room: number): readonly Action[] {
  const recalls = actual.apps.flatMap((app) => planRecall(desired, app) ?? []);
  const wanted = actual.apps.flatMap((app) => {
    const reason = whyStart(desired, app, nowMs);
    const deployable = chooseDeployable(desired, app);
    return reason === undefined || deployable === undefined ? [] : [{ app, deployable, reason }];
  });
  // Apps with waiting requests first; then by name, so that the order is the same each time.
  wanted.sort((a, b) => b.app.queued - a.app.queued || (a.app.name < b.app.name ? -1 : 1));
  const starts = wanted.slice(0, Math.max(0, room)).map(({ app, deployable, reason }): Action => ({
    type: 'start',
    app: app.name,
    generation: app.nextGeneration,
    deployable,
    processes: firstProcesses(desired, app, deployable),
    reason,
  }));
  return [...recalls, ...starts];
}

/** A chain begins with one worker beside those of the live generation. */
function firstProcesses(desired: Desired, app: AppFacts, deployable: Deployable): number {
  const isChain = strategyOf(desired, app, deployable).strategy === 'chain';
  const hasLive = liveInstance(app, deployable) !== undefined;
  return isChain && hasLive ? 1 : wantedProcesses(desired, app, deployable);
}

function whyStart(desired: Desired, app: AppFacts, nowMs: number): string | undefined {
  const chosen = chooseDeployable(desired, app);
  if (chosen === undefined) return undefined;
  // One whose time is just up counts as well: its failure must be on record before anything follows from it.
  const isServed = app.instances.some(
    (instance) =>
      (instance.state === 'ready' || instance.state === 'starting') &&
      satisfies(instance.deployable, chosen) &&
      !isRefused(app, instance),
  );
  if (isServed || isServedAgain(desired, app)) return undefined;
  const ending = app.instances.filter(({ state }) => state === 'draining' || state === 'stopping');
  if (ending.length >= mostEnding) return undefined;
  const live = liveInstance(app, chosen);
  if (live !== undefined) {
    if (isRefused(app, live)) return 'what serves was refused';
    return live.deployable.digest === chosen.digest ? 'a new generation was asked for' : 'its file was edited';
  }
  const decision = decideRestart(app.deaths, nowMs);
  return decision.restart ? decision.reason : undefined;
}

function planForgetting(desired: Desired, apps: readonly AppFacts[]): readonly Action[] {
  return apps
    .filter(({ name, instances }) => instances.length === 0 && !desired.apps.has(name) && desired.isComplete)
    .map(({ name }) => ({ type: 'forget-app', app: name, reason: 'its file is gone and nothing of it runs' }));
}

function earliest(desired: Desired, apps: readonly AppFacts[], nowMs: number): number | undefined {
  const times = apps.flatMap((app) => {
    const deadlines = app.instances.flatMap(({ deadlineMs, state }) =>
      deadlineMs === undefined || deadlineEvent[state] === null ? [] : [deadlineMs],
    );
    const chosen = chooseDeployable(desired, app);
    const live = liveInstance(app, chosen);
    const decision = decideRestart(app.deaths, nowMs);
    const restart = chosen !== undefined && live === undefined && !decision.restart ? [decision.untilMs] : [];
    const pair = rolloutPair(app, chosen);
    const move = pair === undefined ? undefined : planRollout(desired, app, pair, nowMs);
    const narrowed = app.instances.flatMap(({ keep, processes, narrowedAtMs, deployable }) =>
      keep < processes ? [narrowedAtMs + deployable.spec['drain-timeout']] : [],
    );
    return [
      ...deadlines,
      ...restart,
      ...narrowed,
      ...(move?.type === 'wait' ? [move.untilMs] : []),
      ...(live === undefined ? [] : [probationEndsAt(app, live)]),
    ].filter((time) => time !== undefined);
  });
  // What has passed already is planned by what it led to, not by the clock.
  const ahead = times.filter((time) => time > nowMs);
  const overdue = times.length > ahead.length ? [nowMs + overdueMs] : [];
  return times.length === 0 ? undefined : Math.min(...ahead, ...overdue);
}

/** Something is due and could not be done yet (a router has still to acknowledge): look again soon. */
const overdueMs = 1000;

function whatChanges(actual: Actual, routes: readonly AppRoute[]): string {
  const before = new Map(actual.routes.apps.map((app) => [app.name, JSON.stringify(app)]));
  const changed = routes.filter((app) => before.get(app.name) !== JSON.stringify(app)).map(({ name }) => name);
  const now = new Set(routes.map(({ name }) => name));
  const gone = [...before.keys()].filter((name) => !now.has(name));
  const names = [...changed, ...gone];
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
