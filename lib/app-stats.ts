// What a router counts of each app, and of the generations of a rollout: as it reports it and as the emperor judges
// by it.

/** Counted since the router started. */
export interface AppStats {
  readonly name: string;
  readonly requests: number;
  /** Requests waiting for a worker now. */
  readonly queued: number;
  readonly workers: readonly { readonly key: string; readonly requests: number; readonly inFlight: number }[];
  /** While the table gives a share of the clients to a newer generation: how each does; empty otherwise. */
  readonly generations: readonly GenerationStats[];
}

/** Counted from the moment at which the table first had a `next` for the app. */
export interface GenerationStats {
  /** `name/generation`. */
  readonly instance: string;
  /** Requests that ended with an answer or without one, of those that were sent to it. */
  readonly requests: number;
  /** Those answered 5xx, or lost by it (it reset, closed or sent no HTTP). */
  readonly errors: number;
  /** From the request being sent to the head of its answer: for each of `latencyTurns` a histogram of its answers. */
  readonly latency: readonly LatencyHistogram[];
}

/** A count per bucket of `latencyBoundsMs`, and one above. */
export type LatencyHistogram = readonly number[];

/**
 * Answers are counted by the time at which they come, in as many histograms taking turns. What makes one app wait once
 * (a collection, a scheduler, a disk) makes all requests of that moment wait, so they are one observation and not many:
 * a pause of up to a turn's length is seen in two of the three at most.
 */
export const latencyTurns = 3;
export const latencyTurnMs = 500;

/** Upper bounds of the buckets of a latency histogram, in ms. */
export const latencyBoundsMs: readonly number[] = [
  0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000,
  30_000,
];
