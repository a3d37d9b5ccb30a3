// PURE. Does a new generation do worse than the old one, by what the routers counted of both since they share the
// traffic? It turns back only on what can hardly be chance, and says so with the figures.
import { latencyBoundsMs, latencyTurns, type GenerationStats, type LatencyHistogram } from '../lib/app-stats.ts';

/** Sums over all routers, of one generation. */
export interface Figures {
  readonly requests: number;
  readonly errors: number;
  /** For each of `latencyTurns`. */
  readonly latency: readonly LatencyHistogram[];
}

/** Fewer errors are no pattern yet, whatever their share. */
const fewestErrors = 3;
/** The new generation's part of errors must be higher by so much. */
const tolerableDifference = 0.01;
/** Standard deviations: one in a thousand sound generations would be turned back by chance. */
const certainty = 3.1;
/** Fewer answers of a turn make no quantile: fifty in all. */
const fewestAnswers = 17;
/** Slower is: its typical answer takes twice as long, and a user could notice; in each turn, so that one pause is none. */
const slowerFactor = 2;
const slowerByMs = 20;

/** Adds up what the routers told of one instance. */
export function sumFigures(stats: readonly GenerationStats[], instance: string): Figures {
  const own = stats.filter((one) => one.instance === instance);
  return {
    requests: sum(own.map(({ requests }) => requests)),
    errors: sum(own.map(({ errors }) => errors)),
    latency: Array.from({ length: latencyTurns }, (_turn, turn) => addUp(own.map(({ latency }) => latency[turn]))),
  };
}

/** Why the new generation is to be turned back, with the figures; undefined while nothing speaks against it. */
export function judgeCanary(old: Figures, next: Figures): string | undefined {
  return judgeErrors(old, next) ?? judgeLatency(old, next);
}

/** `12.0% errors (6 of 50), median 12 ms`: for logs and status. */
export function describeFigures({ requests, errors, latency }: Figures): string {
  const median = quantile(addUp(latency), 0.5);
  const errorPart = requests === 0 ? 'no request' : `${percent(errors / requests)} errors (${errors} of ${requests})`;
  return median === undefined ? errorPart : `${errorPart}, median ${describeMs(median)}`;
}

function judgeErrors(old: Figures, next: Figures): string | undefined {
  if (next.errors < fewestErrors) return undefined;
  const nextRate = next.errors / next.requests;
  const oldRate = old.requests === 0 ? 0 : old.errors / old.requests;
  if (nextRate - oldRate < tolerableDifference) return undefined;
  if (old.requests > 0) {
    // The two-proportion z-test. A new generation without any request to compare with is judged by its errors alone.
    const pooled = (next.errors + old.errors) / (next.requests + old.requests);
    const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / next.requests + 1 / old.requests));
    if (deviation > 0 && (nextRate - oldRate) / deviation < certainty) return undefined;
  }
  return `more errors: ${describeFigures(next)}, against ${describeFigures(old)} of the old generation`;
}

function judgeLatency(old: Figures, next: Figures): string | undefined {
  const turns = Array.from({ length: latencyTurns }, (_turn, turn) => ({
    before: old.latency[turn] ?? [],
    after: next.latency[turn] ?? [],
  }));
  if (turns.some(({ before, after }) => sum(before) < fewestAnswers || sum(after) < fewestAnswers)) return undefined;
  for (const [part, name] of [
    [0.5, 'median'],
    [0.9, 'p90'],
  ] as const) {
    if (!turns.every(({ before, after }) => isSlower(quantile(before, part), quantile(after, part)))) continue;
    const [before, after] = [addUp(old.latency), addUp(next.latency)];
    const counts = `${sum(after)} and ${sum(before)} answers`;
    const [beforeMs, afterMs] = [describeMs(quantile(before, part) ?? 0), describeMs(quantile(after, part) ?? 0)];
    return `slower: ${name} ${afterMs}, against ${beforeMs} of the old generation (${counts})`;
  }
  return undefined;
}

function isSlower(beforeMs = 0, afterMs = 0): boolean {
  return afterMs >= beforeMs * slowerFactor && afterMs >= beforeMs + slowerByMs;
}

/** The upper bound of the bucket in which the quantile lies; undefined where nothing was counted. */
function quantile(latency: LatencyHistogram, part: number): number | undefined {
  const total = sum(latency);
  if (total === 0) return undefined;
  let seen = 0;
  const index = latency.findIndex((count) => {
    seen += count;
    return seen >= total * part;
  });
  return latencyBoundsMs[index] ?? Infinity;
}

function describeMs(ms: number): string {
  return ms === Infinity ? `over ${latencyBoundsMs.at(-1) ?? 0} ms` : `${ms} ms`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}

function addUp(histograms: readonly (LatencyHistogram | undefined)[]): LatencyHistogram {
  return [...latencyBoundsMs, Infinity].map((_bound, index) => sum(histograms.map((one) => one?.[index] ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
