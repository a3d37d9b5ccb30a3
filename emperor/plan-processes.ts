// PURE. How many workers each ready instance is to have, and the order in which that comes about: more at once; fewer
// only after the tables name them no more and no router holds a request for them.
import {
  chooseDeployable,
  instanceKey,
  liveInstance,
  wantedProcesses,
  type Actual,
  type AppFacts,
  type Desired,
  type InstanceFacts,
} from './facts.ts';
import type { Surroundings } from './plan-ends.ts';
import type { Action } from './planner.ts';
import { chainProcesses, rolloutPair } from './rollout.ts';

/** Plans the numbers of workers of one app. */
export function planProcesses(app: AppFacts, { desired, actual, nowMs }: Surroundings): readonly Action[] {
  const chosen = chooseDeployable(desired, app);
  const live = liveInstance(app, chosen);
  if (chosen === undefined || live === undefined || live.deployable.spec.upstream !== undefined) return [];
  const pair = rolloutPair(app, chosen);
  if (pair === undefined) return planInstance(app.name, live, liveGoal(app, live, desired), { actual, nowMs });
  const goals = chainProcesses(desired, app, pair);
  return [
    ...planInstance(app.name, pair.live, goals.live, { actual, nowMs }),
    ...planInstance(app.name, pair.next, goals.next, { actual, nowMs }),
  ];
}

/**
 * An edit speaks of the generation that it makes. Until that serves, or where it never does, the live one keeps what it
 * has, be it by an earlier `scale`; and what a chain took from it, it gets back.
 */
function liveGoal(app: AppFacts, live: InstanceFacts, desired: Desired): number {
  const wish = desired.apps.get(app.name);
  const isOfTheFile = wish?.target === undefined || wish.target.digest === live.deployable.digest;
  const wanted = wantedProcesses(desired, app, live.deployable);
  return isOfTheFile || wish.processes !== undefined ? wanted : Math.max(live.keep, wanted);
}

function planInstance(
  app: string,
  instance: InstanceFacts,
  goal: number,
  { actual, nowMs }: { readonly actual: Actual; readonly nowMs: number },
): readonly Action[] {
  const { generation, processes, keep } = instance;
  const of = { app, generation };
  if (goal > processes) return [{ type: 'scale', ...of, processes: goal, reason: `${goal} workers are wanted` }];
  if (goal !== keep) return [{ type: 'narrow', ...of, processes: goal, reason: `${goal} workers are wanted` }];
  if (keep === processes || !mayEnd(app, instance, { actual, nowMs })) return [];
  return [{ type: 'scale', ...of, processes: keep, reason: 'the others are drained' }];
}

/** The workers above `keep` hold no request, or had their time to finish. */
function mayEnd(
  app: string,
  { generation, keep, narrowedAtMs, deployable }: InstanceFacts,
  { actual, nowMs }: { readonly actual: Actual; readonly nowMs: number },
): boolean {
  const prefix = `${instanceKey(app, generation)}/`;
  const isAbove = (key: string): boolean => key.startsWith(prefix) && Number(key.slice(prefix.length)) > keep;
  const { version, apps } = actual.routes;
  const route = apps.find(({ name }) => name === app);
  const routed = [...(route?.targets ?? []), ...(route?.next?.targets ?? [])];
  if (routed.some(({ key }) => isAbove(key))) return false;
  if (!actual.routers.every(({ appliedVersion }) => appliedVersion >= version)) return false;
  const isOverdue = nowMs >= narrowedAtMs + deployable.spec['drain-timeout'];
  return isOverdue || !actual.routers.some(({ busy }) => busy.some(isAbove));
}
