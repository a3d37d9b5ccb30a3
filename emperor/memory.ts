// Memory of our processes for status. The resident size is one short read; the proportional size walks page tables
// and takes up to milliseconds per process, so it is read within a time budget and remembered for a while.
import type { Clock } from '../lib/clock.ts';
import { proportionalBytes, residentBytes } from './proc.ts';

export interface Memory {
  readonly rss: number | null;
  /** Null where it could not be read, or not yet: ask again. */
  readonly pss: number | null;
}

/** Time that one look at all processes may spend on proportional sizes. */
const budgetMs = 60;
/** Short, for a process that has just started grows within seconds to many times its first size. */
const freshMs = 2000;

export class MemorySampler {
  readonly #clock: Clock;
  readonly #pss = new Map<number, { readonly atMs: number; readonly bytes: number | null }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Samples the given processes; the oldest proportional sizes are read again first. */
  sample(pids: readonly number[]): ReadonlyMap<number, Memory> {
    const startMs = this.#clock.nowMs();
    const wanted = new Set(pids);
    for (const pid of this.#pss.keys()) if (!wanted.has(pid)) this.#pss.delete(pid);
    const age = (pid: number): number => this.#pss.get(pid)?.atMs ?? -Infinity;
    const stale = pids.filter((pid) => startMs - age(pid) > freshMs).sort((a, b) => age(a) - age(b));
    for (const pid of stale) {
      if (this.#clock.nowMs() - startMs > budgetMs) break;
      this.#pss.set(pid, { atMs: startMs, bytes: proportionalBytes(pid) ?? null });
    }
    return new Map(
      pids.map((pid) => [pid, { rss: residentBytes(pid) ?? null, pss: this.#pss.get(pid)?.bytes ?? null }]),
    );
  }
}
