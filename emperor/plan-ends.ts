// PURE. Which instances are to end: what nobody wants, what a newer one replaced, what is drained, what is overdue. A
// predecessor is kept until its successor has stood its probation, and recalled where it does not.
import {
  chooseDeployable,
  instanceKey,
  isRefused,
  liveInstance,
  nextInstance,
  satisfies,
  type Actual,
  type AppFacts,
  type Deployable,
  type Desired,
  type InstanceFacts,
  type RouterFacts,
} from './facts.ts';
import { deadlineEvent } from './lifecycle.ts';
import type { Action } from './planner.ts';
import { isOnProbation } from './probation.ts';

export interface Surroundings {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly nowMs: number;
}

/** Plans what ends of one app. */
export function planEnds(app: AppFacts, { desired, actual, nowMs }: Surroundings): readonly Action[] {
  const chosen = chooseDeployable(desired, app);
  const live = liveInstance(app, chosen);
  const next = nextInstance(app, chosen);
  // What is recalled in this very plan is not to be stopped by it.
  const standby = recallable(desired, app) ?? standbyInstance(app, chosen, nowMs);
  const whyRetired = (instance: InstanceFacts): string | undefined => {
    if (instance.state === 'starting') return whyNotStarting(instance, { chosen, live, app });
    if (chosen === undefined) return whyNothing(desired, app.name);
    return instance === live || instance === next ? undefined : whySuperfluous(app, instance);
  };
  return app.instances.flatMap((instance): readonly Action[] => {
    const of = { app: app.name, generation: instance.generation };
    const expired = instance === standby ? undefined : planDeadline(app.name, instance, nowMs);
    if (expired !== undefined) return [expired];
    switch (instance.state) {
      case 'starting':
      case 'ready': {
        const reason = whyRetired(instance);
        return reason === undefined ? [] : [{ type: 'retire', ...of, reason }];
      }
      case 'draining': {
        const isOver = instance !== standby && isDrained(app.name, instance, actual.routers);
        return isOver ? [{ type: 'stop', event: 'drained', ...of, reason: 'drained' }] : [];
      }
      case 'stopping':
        return [];
      case 'exited':
        return [{ type: 'forget', ...of, reason: 'gone' }];
    }
  });
}

/** The draining instance that serves again because what followed it was refused. */
export function planRecall(desired: Desired, app: AppFacts): Action | undefined {
  const instance = recallable(desired, app);
  if (instance === undefined) return undefined;
  return { type: 'recall', app: app.name, generation: instance.generation, reason: 'what followed it was refused' };
}

/** True where a recall makes a start needless. */
export function isServedAgain(desired: Desired, app: AppFacts): boolean {
  return recallable(desired, app) !== undefined;
}

function recallable(desired: Desired, app: AppFacts): InstanceFacts | undefined {
  const chosen = chooseDeployable(desired, app);
  // Only as a way back: an edit that restores old content is a new generation, like every edit.
  if (chosen === undefined || app.refused === undefined || chosen !== app.proven) return undefined;
  const isSound = (instance: InstanceFacts): boolean =>
    satisfies(instance.deployable, chosen) && !isRefused(app, instance);
  const isServed = app.instances.some((one) => (one.state === 'ready' || one.state === 'starting') && isSound(one));
  return isServed ? undefined : app.instances.findLast((one) => one.state === 'draining' && isSound(one));
}

/** The predecessor of what is on probation: it is not stopped before that is over. */
function standbyInstance(app: AppFacts, chosen: Deployable | undefined, nowMs: number): InstanceFacts | undefined {
  const live = liveInstance(app, chosen);
  if (chosen === undefined || live === undefined) return undefined;
  if (!isOnProbation(app, live, nowMs)) return undefined;
  return app.instances.findLast(({ state, isPromoted }) => state === 'draining' && isPromoted);
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
  if (isRefused(app, instance)) return 'what it runs was refused';
  if (live !== undefined && satisfies(live.deployable, chosen) && !isRefused(app, live)) {
    return 'what is live is wanted again';
  }
  const newest = app.instances.findLast(
    ({ state, deployable }) => state === 'starting' && satisfies(deployable, chosen),
  );
  return newest === instance ? undefined : 'another one is starting';
}

function whyNothing(desired: Desired, name: string): string {
  if (desired.isEnding) return 'the emperor ends';
  return desired.apps.has(name) ? 'stopped by the operator' : 'its file is gone';
}

/** Why a generation that had a share of the clients at most is given up for a newer one. */
export const superseded = 'superseded before it took over';

function whySuperfluous(app: AppFacts, instance: InstanceFacts): string {
  if (isRefused(app, instance)) return 'it was refused';
  return instance.isPromoted ? 'a newer generation took over' : superseded;
}

/** Every router serves by a table without the instance and holds no request for it. A router that died holds none. */
function isDrained(name: string, instance: InstanceFacts, routers: readonly RouterFacts[]): boolean {
  const prefix = `${instanceKey(name, instance.generation)}/`;
  return routers.every(
    ({ appliedVersion, busy }) =>
      appliedVersion >= instance.unroutedVersion && !busy.some((key) => key.startsWith(prefix)),
  );
}
