// PURE. For `settle` after it took over, a generation is on probation: what came before it is kept, and serves again if
// the new one crashes. Once it has stood, it is itself what is gone back to.
import { isRefused, type AppFacts, type InstanceFacts } from './facts.ts';
import type { Action } from './planner.ts';
import { crashesThatCount } from './rollout.ts';

/** The live instance is proven, or refused, or neither yet. */
export function planProbation(app: AppFacts, live: InstanceFacts, nowMs: number): readonly Action[] {
  const { generation, liveSinceMs, crashes } = live;
  if (liveSinceMs === undefined || isProven(app, live) || isRefused(app, live)) return [];
  const of = { app: app.name, generation };
  const sinceMs = nowMs - liveSinceMs;
  const { settle } = live.deployable.spec;
  if (app.proven !== undefined && sinceMs < settle && crashes >= crashesThatCount) {
    return [{ type: 'refuse', ...of, reason: `its workers crashed ${crashes} times within settle` }];
  }
  return sinceMs >= settle ? [{ type: 'prove', ...of, reason: 'it stood its probation' }] : [];
}

/** When the probation of the live instance ends; undefined where it is not on probation. */
export function probationEndsAt(app: AppFacts, live: InstanceFacts): number | undefined {
  if (live.liveSinceMs === undefined || isProven(app, live)) return undefined;
  return live.liveSinceMs + live.deployable.spec.settle;
}

/** True while the predecessor of the live instance may still be needed. */
export function isOnProbation(app: AppFacts, live: InstanceFacts, nowMs: number): boolean {
  if (isProven(app, live)) return false;
  const endsAtMs = probationEndsAt(app, live);
  // Not every router has it yet: its probation has not even begun.
  return endsAtMs === undefined || nowMs < endsAtMs;
}

function isProven({ proven }: AppFacts, { deployable }: InstanceFacts): boolean {
  return proven !== undefined && proven.digest === deployable.digest && proven.order === deployable.order;
}
