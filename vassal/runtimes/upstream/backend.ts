// One backend that somebody else runs: checks it for as long as it is wanted, and tells how it does. It sends nothing
// but its checks, and never judges the instance.
import type { Clock, Timer } from '../../../lib/clock.ts';
import type { WorkerState } from '../../../lib/vassal-messages.ts';
import type { Logger } from '../../log.ts';
import type { ProbeResult } from '../../probes.ts';
import { judgeCheck, nextCheckMs, unchecked, type BackendHealth } from './backend-health.ts';

export interface BackendOptions {
  readonly id: number;
  readonly address: string;
  readonly weight: number;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** One check. It answers and never throws. */
  probe(signal: AbortSignal): Promise<ProbeResult>;
  /** A check ended. */
  onChecked(): void;
}

export class Backend {
  readonly #options: BackendOptions;
  readonly #ended = new AbortController();
  #weight: number;
  #health: BackendHealth = unchecked;
  #timer: Timer | undefined;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#weight = options.weight;
    // It answers and never throws.
    void this.#check();
  }

  get health(): BackendHealth {
    return this.#health;
  }

  get state(): WorkerState {
    const { id, address } = this.#options;
    const { phase, returns, lastFailure } = this.#health;
    return {
      id,
      pid: null,
      state: phase,
      address,
      weight: this.#weight,
      handoff: null,
      protocol: 'http',
      capacity: null,
      restarts: returns,
      lastExit: lastFailure,
    };
  }

  set weight(weight: number) {
    this.#weight = weight;
  }

  /** It is wanted no more; nothing is told of it from here on. */
  close(): void {
    this.#ended.abort();
    this.#timer?.cancel();
  }

  async #check(): Promise<void> {
    const { clock, random, intervalMs } = this.#options;
    const { signal } = this.#ended;
    const result = await this.#options.probe(signal);
    if (signal.aborted) return;
    this.#apply(judgeCheck(this.#health, result));
    this.#timer = clock.after(nextCheckMs(this.#health, intervalMs, random()), () => {
      void this.#check();
    });
    this.#options.onChecked();
  }

  /** The one place where its phase changes. */
  #apply(health: BackendHealth): void {
    const from = this.#health.phase;
    this.#health = health;
    if (from === health.phase) return;
    const { id, address, logger } = this.#options;
    const why = health.phase === 'backoff' ? health.lastFailure : undefined;
    logger.info({ backend: id, address, from, to: health.phase, why }, `backend ${from} -> ${health.phase}`);
  }
}
