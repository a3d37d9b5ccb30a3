// PURE. A rollout that is under way, as status shows it: how far it is, and how both generations do so far.
import { describeFigures, sumFigures } from './canary.ts';
import { chooseDeployable, instanceKey, strategyOf, type AppFacts, type Desired } from './facts.ts';
import { rolloutPair, shareOf } from './rollout.ts';

export interface RolloutStatus {
  readonly strategy: 'all' | 'chain' | 'canary';
  /** The one that is tried. */
  readonly generation: number;
  /** Of a canary: 1 is the first step, 0 before it. Null for other strategies, which have none. */
  readonly step: number | null;
  readonly steps: number | null;
  /** The part of the clients that it has now, 0 … 1. */
  readonly share: number;
  /** ISO 8601: since when it is at this step; null where it is at none. */
  readonly since: string | null;
  /** The tried one first, then the one it is compared with. */
  readonly figures: readonly RolloutFigures[];
}

/** Counted since the new generation had its first clients. */
export interface RolloutFigures {
  readonly generation: number;
  readonly requests: number;
  /** Answered 5xx, or lost. */
  readonly errors: number;
  /** The same and the median in words. */
  readonly summary: string;
}

/** Null where none is under way. */
export function rolloutStatus(
  desired: Desired,
  app: AppFacts,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): RolloutStatus | null {
  const pair = rolloutPair(app, chooseDeployable(desired, app));
  if (pair === undefined) return null;
  const { next, live } = pair;
  const { strategy, steps } = strategyOf(desired, app, next.deployable);
  const at = app.rollout?.generation === next.generation ? app.rollout : undefined;
  return {
    strategy,
    generation: next.generation,
    step: strategy === 'canary' ? (at?.step ?? -1) + 1 : null,
    steps: strategy === 'canary' ? steps.length : null,
    share: shareOf(desired, app, pair),
    since: at === undefined ? null : new Date(wallMs - (nowMs - at.sinceMs)).toISOString(),
    figures: [next, live].map(({ generation }) => {
      const figures = sumFigures(app.figures, instanceKey(app.name, generation));
      const { requests, errors } = figures;
      return { generation, requests, errors, summary: describeFigures(figures) };
    }),
  };
}
