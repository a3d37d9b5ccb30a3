// The workers of one instance: how many its primary was told to keep, how many of these are given requests, which are
// ready, and how often they crashed. Numbers only; whoever holds it tells the primary.
import type { WorkerState } from '../lib/vassal-messages.ts';
import type { InstanceFacts } from './facts.ts';

export interface WorkforceOptions {
  /** `name/generation`. */
  readonly instance: string;
  /** Workers to begin with. */
  readonly processes: number;
  /** Backends that we do not run: they have ids of their own, which only grow, and come and go as they like. */
  readonly isForeign: boolean;
}

type WorkforceFacts = Pick<
  InstanceFacts,
  'workers' | 'begun' | 'running' | 'processes' | 'keep' | 'narrowedAtMs' | 'crashes'
>;

export class Workforce {
  readonly #options: WorkforceOptions;
  #workers: readonly WorkerState[] = [];
  #processes: number;
  #keep: number;
  #narrowedAtMs = 0;
  /** Restarts up to when crashes began to count. */
  #restartsBefore: number | undefined;

  constructor(options: WorkforceOptions) {
    this.#options = options;
    this.#processes = this.#keep = options.processes;
  }

  /** Workers that the primary was last told to keep. */
  get processes(): number {
    return this.#processes;
  }

  get ready(): readonly WorkerState[] {
    return this.#workers.filter(({ state }) => state === 'ready');
  }

  facts(): WorkforceFacts {
    const { instance, isForeign } = this.#options;
    const before = this.#restartsBefore;
    return {
      // A primary of an older build says neither protocol nor capacity: all it has speaks HTTP.
      workers: this.ready.map(({ id, address, weight, handoff, protocol = 'http', capacity = null }) => {
        return { id, key: `${instance}/${id}`, address, weight, handoff, protocol, capacity };
      }),
      begun: this.#workers.filter(({ state, restarts }) => state === 'ready' || restarts > 0).length,
      running: this.#workers.filter(({ pid }) => pid !== null).length,
      processes: this.#processes,
      keep: isForeign ? Infinity : this.#keep,
      narrowedAtMs: this.#narrowedAtMs,
      crashes: isForeign || before === undefined ? 0 : Math.max(0, this.#restarts - before),
    };
  }

  /** The primary told of its workers. */
  take(workers: readonly WorkerState[]): void {
    this.#workers = workers;
  }

  /** Workers with a higher id are to be given no requests any more, or are again. */
  narrow(processes: number, nowMs: number): void {
    this.#keep = processes;
    this.#narrowedAtMs = nowMs;
  }

  /** The primary keeps so many. */
  scale(processes: number): void {
    this.#processes = this.#keep = processes;
  }

  /** From now on a restart is a crash. */
  countCrashes(): void {
    this.#restartsBefore = this.#restarts;
  }

  get #restarts(): number {
    return this.#workers.reduce((sum, { restarts }) => sum + restarts, 0);
  }
}
