// One round: idle connections and load come, stay and go, and then the site is left alone until it is as it was. All
// rounds are equal, so what one leaves behind is left behind by each.
import type { Scope } from '../harness/scope.ts';
import { ClientProcess } from './client-process.ts';
import type { Counts } from './clients/tally.ts';
import { rest } from './rest.ts';
import { host, type Processes, type Site } from './site.ts';
import { countOf, usageOf, type Usage } from './usage.ts';

export interface RoundOrder {
  /** How long load and idle connections last; longer where these are not all open yet. */
  readonly seconds: number;
  readonly idleConnections: number;
  readonly sampleMs: number;
  readonly restMs: number;
  /** What every process had before; undefined where this round is to find that out. */
  readonly start: Snapshot | undefined;
}

/** By process. */
export type Snapshot = Readonly<Record<string, Usage>>;

/** The most of it in any sample. */
export interface Peak {
  readonly descriptors: number;
  readonly rss: number;
}

export interface Round {
  readonly seconds: number;
  readonly counts: readonly Counts[];
  readonly peaks: Readonly<Record<string, Peak>>;
  /** When it had been left alone. */
  readonly rested: Snapshot;
}

/** Opening them is no race. */
const longestOpeningMs = 10 * 60_000;
/** All of them are to be seen idle. */
const leastIdleMs = 3000;

export async function runRound(scope: Scope, site: Site, order: RoundOrder): Promise<Round> {
  const startedMs = performance.now();
  const { port } = site.emperor;
  const peaks = new Peaks(site.processes);
  const sampling = setInterval(() => {
    peaks.sample();
  }, order.sampleMs);
  try {
    const load = new ClientProcess(scope, 'load', [String(port), host]);
    const idle = new ClientProcess(scope, 'idle', [String(port), host, String(order.idleConnections)]);
    await idle.said('idle\n', longestOpeningMs);
    const leftMs = startedMs + order.seconds * 1000 - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(leastIdleMs, leftMs)));
    // The load goes first, so that there are idle connections during all of it.
    const counts = [await load.end(), await idle.end()];
    clearInterval(sampling);
    await site.untilAlone();
    const rested = await rest(site.processes, order);
    return { seconds: (performance.now() - startedMs) / 1000, counts, peaks: peaks.all, rested };
  } finally {
    clearInterval(sampling);
  }
}

class Peaks {
  readonly all: Record<string, Peak> = {};
  readonly #processes: Processes;

  constructor(processes: Processes) {
    this.#processes = processes;
  }

  sample(): void {
    for (const [name, pid] of Object.entries(this.#processes)) {
      const usage = usageOf(pid);
      const { descriptors, rss } = this.all[name] ?? { descriptors: 0, rss: 0 };
      this.all[name] = { descriptors: Math.max(descriptors, countOf(usage)), rss: Math.max(rss, usage.rss) };
    }
  }
}
