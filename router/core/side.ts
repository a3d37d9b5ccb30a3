// Part of an app's targets that some of its clients are served by, and who of them waits: the live generation's, or
// those of a newer one that is tried beside it. Each side has a line of its own, so none holds the other up. Pure.
import { selectByWeight, selectTarget } from './selection.ts';
import type { Target } from './target.ts';
import { WaitingLine } from './waiting-line.ts';

export class Side {
  readonly line = new WaitingLine();
  #targets: readonly Target[] = [];
  /** Where the turn among equally busy targets begins. */
  #turn = 0;
  #isWeighted = false;

  get targets(): readonly Target[] {
    return this.#targets;
  }

  update(targets: readonly Target[]): void {
    this.#targets = targets;
    this.#isWeighted = targets.some(({ weight }) => weight !== targets[0]?.weight);
  }

  /** The target for the next request, counted on it; undefined where none is free. */
  take(maxConcurrency: number, nowMs: number): Target | undefined {
    const targets = this.#targets;
    const rule = { from: this.#turn, maxConcurrency, nowMs };
    const index = this.#isWeighted ? selectByWeight(targets, rule) : selectTarget(targets, rule);
    const target = targets[index];
    if (target === undefined) return undefined;
    this.#turn = (index + 1) % targets.length;
    count(target);
    return target;
  }

  /** As take, but another target than `avoided` where one is free. */
  takeOther(avoided: Target | undefined, maxConcurrency: number, nowMs: number): Target | undefined {
    const others = this.#targets.filter((target) => target !== avoided);
    const target = others[selectTarget(others, { from: 0, maxConcurrency, nowMs })];
    if (target === undefined) return this.take(maxConcurrency, nowMs);
    count(target);
    return target;
  }
}

function count(target: Target): void {
  target.inFlight++;
  target.requests++;
  target.health.lease();
}
