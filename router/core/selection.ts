// Which target of an app takes the next request: the least busy, and in turn among equals. Pure.

export interface Candidate {
  /** Requests it holds now. */
  readonly inFlight: number;
  /**
   * Most requests that it is given at a time; Infinity: no bound. Only this router's own are counted: beside R - 1 other
   * routers a target may be sent R times as many, and those that it does not take wait in its listening queue.
   */
  readonly capacity: number;
  /** It is given no request before then (clock.nowMs); 0: it is given any. */
  readonly suspendedUntilMs: number;
}

export interface WeightedCandidate extends Candidate {
  /** Its part of the requests, beside the others'; at least 1. */
  readonly weight: number;
  /** What it is owed of its turns; written by the selection only. */
  credit: number;
}

export interface SelectionRule {
  /** Where to begin, so that equals take turns: one past the target chosen last. */
  readonly from: number;
  /** Most requests at a time for one target; 0 = no limit. */
  readonly maxConcurrency: number;
  readonly nowMs: number;
}

/** The index of the target to use, or -1 where every one is full, at the limit or suspended. All weigh the same. */
export function selectTarget(targets: readonly Candidate[], rule: SelectionRule): number {
  const count = targets.length;
  const limit = rule.maxConcurrency === 0 ? Infinity : rule.maxConcurrency;
  let chosen = -1;
  let least = limit;
  for (let step = 0; step < count; step++) {
    const index = (rule.from + step) % count;
    const target = targets[index];
    if (target === undefined || target.inFlight >= least || target.suspendedUntilMs > rule.nowMs) continue;
    if (target.inFlight >= target.capacity) continue;
    chosen = index;
    least = target.inFlight;
    if (least === 0) break;
  }
  return chosen;
}

/**
 * As selectTarget where weights differ: the least busy is the one with the fewest requests for its weight, and equals
 * take turns in proportion to their weights, the turns of a heavy one spread among those of the others.
 */
export function selectByWeight(
  targets: readonly WeightedCandidate[],
  rule: Pick<SelectionRule, 'maxConcurrency' | 'nowMs'>,
): number {
  const limit = rule.maxConcurrency === 0 ? Infinity : rule.maxConcurrency;
  const isFree = (target: WeightedCandidate): boolean =>
    target.inFlight < limit && target.inFlight < target.capacity && target.suspendedUntilMs <= rule.nowMs;
  let least: WeightedCandidate | undefined;
  for (const target of targets) {
    if (isFree(target) && (least === undefined || compareLoads(target, least) < 0)) least = target;
  }
  if (least === undefined) return -1;
  let chosen = least;
  let total = 0;
  for (const target of targets) {
    if (!isFree(target) || compareLoads(target, least) !== 0) continue;
    target.credit += target.weight;
    total += target.weight;
    if (target.credit > chosen.credit) chosen = target;
  }
  chosen.credit -= total;
  return targets.indexOf(chosen);
}

/** Below 0 where `a` has fewer requests for its weight than `b`; whole numbers, so that equal is equal. */
function compareLoads(a: WeightedCandidate, b: WeightedCandidate): number {
  return a.inFlight * b.weight - b.inFlight * a.weight;
}
