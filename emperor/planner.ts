// PURE. What should run and what does, in; what to do about it, out. Plain data with a reason each, executed by the
// reconciler in the order given. Planning again after the plan was executed yields nothing.
import type { AppRoute } from '../lib/messages.ts';
import {
  chooseDeployable,
  instanceKey,
  liveInstance,
  satisfies,
  type Actual,
  type AppFacts,
  type Deployable,
  type Desired,
  type InstanceFacts,
  type Limits,
  type RouterFacts,
} from './facts.ts';
import { deadlineEvent, type InstanceEvent } from './lifecycle.ts';
import { decideRestart } from './restart-policy.ts';
import { buildRoutes } from './routes.ts';

interface OfInstance {
  readonly app: string;
  readonly generation: number;
  readonly reason: string;
}

export type Action =
  /** Start a new generation, in a new directory. */
  | (OfInstance & { readonly type: 'start'; readonly deployable: Deployable })
  /** Send this table to every router. */
  | { readonly type: 'publish'; readonly apps: readonly AppRoute[]; readonly reason: string }
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
  const ends = actual.apps.flatMap((app) => planEnds(desired, app, { actual, nowMs }));
  const starts = planStarts(desired, actual, nowMs, limits.deploysAtOnce - startingAfter(actual.apps, ends));
  const publish: Action[] = changesRoutes
    ? [{ type: 'publish', apps: routes, reason: whatChanges(actual, routes) }]
    : [];
  return {
    // Unrouted first, ended later; and what ends makes room for what starts.
    actions: [...publish, ...ends, ...starts, ...planForgetting(desired, actual.apps)],
    wakeAtMs: earliest(desired, actual.apps, nowMs),
  };
}

interface Surroundings {
  readonly actual: Actual;
  readonly nowMs: number;
}

function planEnds(desired: Desired, app: AppFacts, surroundings: Surroundings): readonly Action[] {
  const chosen = chooseDeployable(desired, app);
  const live = liveInstance(app);
  return app.instances.flatMap((instance): readonly Action[] => {
    const { generation } = instance;
    const expired = planDeadline(app.name, instance, surroundings.nowMs);
    if (expired !== undefined) return [expired];
    switch (instance.state) {
      case 'starting': {
        const reason = whyNotStarting(instance, { chosen, live, app });
        return reason === undefined ? [] : [{ type: 'retire', app: app.name, generation, reason }];
      }
      case 'ready': {
        const isLive = instance === live && chosen !== undefined;
        if (isLive) return [];
        const reason = chosen === undefined ? whyNothing(desired, app.name) : 'a newer generation took over';
        return [{ type: 'retire', app: app.name, generation, reason }];
      }
      case 'draining':
        return isDrained(app.name, instance, surroundings.actual.routers)
          ? [{ type: 'stop', event: 'drained', app: app.name, generation, reason: 'drained' }]
          : [];
      case 'stopping':
        return [];
      case 'exited':
        return [{ type: 'forget', app: app.name, generation, reason: 'gone' }];
    }
  });
}

function planDeadline(app: string, instance: InstanceFacts, nowMs: number): Action | undefined {
  const { generation, deadlineMs, state } = instance;
  const event = deadlineEvent[state];
  if (event === null || deadlineMs === undefined || nowMs < deadlineMs) return undefined;
  if (event === 'kill-timeout') return { type: 'kill', app, generation, reason: 'did not end when asked to' };
  const reason = event === 'ready-timeout' ? 'not ready in time' : 'drain-timeout passed';
  return { type: 'stop', event, app, generation, reason };
}

/** Why a starting instance is to be given up; undefined: it goes on. */
function whyNotStarting(
  instance: InstanceFacts,
  { chosen, live, app }: { chosen: Deployable | undefined; live: InstanceFacts | undefined; app: AppFacts },
): string | undefined {
  if (chosen === undefined) return 'not wanted any more';
  if (!satisfies(instance.deployable, chosen)) return 'superseded by a newer edit';
  if (live !== undefined && satisfies(live.deployable, chosen)) return 'what is live is wanted again';
  const newest = app.instances.findLast(
    ({ state, deployable }) => state === 'starting' && satisfies(deployable, chosen),
  );
  return newest === instance ? undefined : 'another one is starting';
}

function whyNothing(desired: Desired, name: string): string {
  if (desired.isEnding) return 'the emperor ends';
  return desired.apps.has(name) ? 'stopped by the operator' : 'its file is gone';
}

/** Every router serves by a table without the instance and holds no request for it. A router that died holds none. */
function isDrained(name: string, instance: InstanceFacts, routers: readonly RouterFacts[]): boolean {
  const key = instanceKey(name, instance.generation);
  return routers.every(({ appliedVersion, busy }) => appliedVersion >= instance.unroutedVersion && !busy.includes(key));
}

function startingAfter(apps: readonly AppFacts[], ends: readonly Action[]): number {
  const ended = new Set(
    ends.map((action) => ('generation' in action ? instanceKey(action.app, action.generation) : '')),
  );
  const starting = apps.flatMap(({ name, instances }) =>
    instances.filter(({ state, generation }) => state === 'starting' && !ended.has(instanceKey(name, generation))),
  );
  return starting.length;
}

function planStarts(desired: Desired, actual: Actual, nowMs: number, room: number): readonly Action[] {
  const wanted = actual.apps.flatMap((app) => {
    const reason = whyStart(desired, app, nowMs);
    const deployable = chooseDeployable(desired, app);
    return reason === undefined || deployable === undefined ? [] : [{ app, deployable, reason }];
  });
  // Apps with waiting requests first; then by name, so that the order is the same each time.
  wanted.sort((a, b) => b.app.queued - a.app.queued || (a.app.name < b.app.name ? -1 : 1));
  return wanted.slice(0, Math.max(0, room)).map(({ app, deployable, reason }) => ({
    type: 'start',
    app: app.name,
    generation: app.nextGeneration,
    deployable,
    reason,
  }));
}

function whyStart(desired: Desired, app: AppFacts, nowMs: number): string | undefined {
  const chosen = chooseDeployable(desired, app);
  if (chosen === undefined) return undefined;
  // One whose time is just up counts as well: its failure must be on record before anything follows from it.
  const isServed = app.instances.some(
    ({ state, deployable }) => (state === 'ready' || state === 'starting') && satisfies(deployable, chosen),
  );
  if (isServed) return undefined;
  const ending = app.instances.filter(({ state }) => state === 'draining' || state === 'stopping');
  if (ending.length >= mostEnding) return undefined;
  const live = liveInstance(app);
  if (live !== undefined) {
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
    const mayRestart = chooseDeployable(desired, app) !== undefined && liveInstance(app) === undefined;
    const decision = decideRestart(app.deaths, nowMs);
    return mayRestart && !decision.restart ? [...deadlines, decision.untilMs] : deadlines;
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

function whatChanges(actual: Actual, routes: readonly AppRoute[]): string {
  const before = new Map(actual.routes.apps.map((app) => [app.name, JSON.stringify(app)]));
  const changed = routes.filter((app) => before.get(app.name) !== JSON.stringify(app)).map(({ name }) => name);
  const now = new Set(routes.map(({ name }) => name));
  const gone = [...before.keys()].filter((name) => !now.has(name));
  const names = [...changed, ...gone];
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
