// The time after a round in which nobody asks anything: connections to workers are closed for their idleness, V8
// collects. What is left then was left behind.
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from './round.ts';
import type { Processes } from './site.ts';
import { usageOf, type Usage } from './usage.ts';

export interface RestOrder {
  readonly restMs: number;
  readonly start: Snapshot | undefined;
}

const lookMs = 1000;
/** Whoever has a descriptor too many for so long keeps it. */
const mostWaitMs = 60_000;

/**
 * The usage when `restMs` had passed and the descriptors were as at the start, or it was in vain to wait for that. Memory
 * is the least that was seen meanwhile: garbage comes and goes, what is held does not go.
 */
export async function rest(processes: Processes, { restMs, start }: RestOrder): Promise<Snapshot> {
  const beganMs = performance.now();
  let least: Snapshot | undefined;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    least = leastOf(least, look(processes));
    const waitedMs = performance.now() - beganMs;
    if (waitedMs >= restMs && (isAsAtStart(least, start) || waitedMs >= restMs + mostWaitMs)) return least;
  }
}

function look(processes: Processes): Snapshot {
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, usageOf(pid)]));
}

function leastOf(before: Snapshot | undefined, now: Snapshot): Snapshot {
  if (before === undefined) return now;
  const least = (name: string, usage: Usage): Usage => {
    const { rss, pss } = before[name] ?? usage;
    return { descriptors: usage.descriptors, rss: Math.min(rss, usage.rss), pss: Math.min(pss, usage.pss) };
  };
  return Object.fromEntries(Object.entries(now).map(([name, usage]) => [name, least(name, usage)]));
}

function isAsAtStart(now: Snapshot, start: Snapshot | undefined): boolean {
  if (start === undefined) return true;
  return Object.entries(start).every(([name, { descriptors }]) =>
    isDeepStrictEqual(now[name]?.descriptors, descriptors),
  );
}
