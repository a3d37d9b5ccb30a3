// When another router may be started, after some died. It remembers the deaths and rings when the pause is over;
// restart-policy.ts decides how long that is.
import type { Clock, Timer } from '../lib/clock.ts';
import { decideRestart, rememberedDeaths, type Death } from './restart-policy.ts';

export interface RouterBackoffOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** A pause that `permission` was refused for is over. */
  readonly onOver: () => void;
}

/** Without a router nobody serves at all, and what waits to be accepted is soon more than the kernel keeps. */
const longestPauseMs = 1000;

export class RouterBackoff {
  readonly #options: RouterBackoffOptions;
  #deaths: readonly Death[] = [];
  #timer: Timer | undefined;

  constructor(options: RouterBackoffOptions) {
    this.#options = options;
  }

  /** How the last one died, in words; undefined where none did. */
  get lastDeath(): string | undefined {
    return this.#deaths.at(-1)?.message;
  }

  /** A router died that was not told to end. `upSinceMs`: since when it was up, undefined where it never was. */
  record(message: string, upSinceMs: number | undefined): void {
    const { clock, random } = this.#options;
    const atMs = clock.nowMs();
    const healthyMs = upSinceMs === undefined ? 0 : atMs - upSinceMs;
    const death: Death = { atMs, healthyMs, kind: 'crashed', message, jitter: random() };
    this.#deaths = [...this.#deaths, death].slice(-rememberedDeaths);
  }

  /** What is started from now on is something else than what died. */
  forgive(): void {
    this.#deaths = [];
  }

  /** Why a router may be started now, or undefined: it may not, and `onOver` will tell when to ask again. */
  permission(): { readonly reason: string } | undefined {
    const { clock, onOver } = this.#options;
    const decision = decideRestart(this.#deaths, clock.nowMs(), longestPauseMs);
    this.#timer?.cancel();
    if (decision.restart) return decision;
    this.#timer = clock.after(Math.max(1, decision.untilMs - clock.nowMs()), onOver);
    return undefined;
  }

  /** Rings no more. */
  stop(): void {
    this.#timer?.cancel();
  }
}
