// Which target of an app takes the next request: the least busy, and in turn among equals. Pure.

export interface Candidate {
  /** Requests it holds now. */
  readonly inFlight: number;
  /** It refused a connection and is left alone until then (clock.nowMs); 0: not suspended. */
  readonly suspendedUntilMs: number;
}

export interface SelectionRule {
  /** Where to begin, so that equals take turns: one past the target chosen last. */
  readonly from: number;
  /** Most requests at a time for one target; 0 = no limit. */
  readonly maxConcurrency: number;
  readonly nowMs: number;
}

/** The index of the target to use, or -1 where every one is at its limit or suspended. */
export function selectTarget(targets: readonly Candidate[], rule: SelectionRule): number {
  const count = targets.length;
  const limit = rule.maxConcurrency === 0 ? Infinity : rule.maxConcurrency;
  let chosen = -1;
  let least = limit;
  for (let step = 0; step < count; step++) {
    const index = (rule.from + step) % count;
    const target = targets[index];
    if (target === undefined || target.inFlight >= least || target.suspendedUntilMs > rule.nowMs) continue;
    chosen = index;
    least = target.inFlight;
    if (least === 0) break;
  }
  return chosen;
}
