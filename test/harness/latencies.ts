// Latencies as a router counts them while two generations share an app's clients.
import { latencyBoundsMs, latencyTurns, type LatencyHistogram } from '../../lib/app-stats.ts';

/** So many answers within the bucket up to `ms` (a bound of it; any other counts nothing), as evenly as may be over all turns. */
export function latencies(answers: number, ms: number): LatencyHistogram[] {
  return Array.from({ length: latencyTurns }, (_turn, turn) =>
    histogram({ [ms]: Math.floor((answers + turn) / latencyTurns) }),
  );
}

/** Counts by the upper bound of their bucket. */
export function histogram(counts: Readonly<Record<number, number>>): LatencyHistogram {
  return [...latencyBoundsMs, Infinity].map((bound) => counts[bound] ?? 0);
}
