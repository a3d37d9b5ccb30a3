// PURE. When may an app that died be started again? Facts in (its deaths, the time), a decision with its reason
// out. It never gives up for good: the pauses grow to a minute and stay there.

/** How one instance, or one router, ended against our will. */
export interface Death {
  /** On the monotonic clock. */
  readonly atMs: number;
  /** How long it had been ready; 0 where it never was. */
  readonly healthyMs: number;
  /** `cannot-load`: its code could not be loaded, so trying again soon is of no use. */
  readonly kind: 'cannot-load' | 'crashed' | 'not-ready';
  /** What happened, in words. */
  readonly message: string;
  /** 0 … 1, drawn once when it died, so that asking twice gives the same answer. */
  readonly jitter: number;
}

export type RestartDecision =
  | { readonly restart: true; readonly reason: string }
  | {
      readonly restart: false;
      /** On the monotonic clock. */
      readonly untilMs: number;
      /** The whole pause, from the death on. */
      readonly waitMs: number;
      readonly state: 'backoff' | 'failed';
      readonly reason: string;
    };

/** A death after so long a health does not count with those before it. */
export const healthyAfterMs = 30_000;
/** No pause is longer. */
export const longestPauseMs = 60_000;
/** Deaths that are worth remembering: more of them change no decision. */
export const rememberedDeaths = 16;

const firstPauseMs = 1000;
/** Code that cannot be loaded is seldom mended within a second. */
const firstLoadPauseMs = 5000;

/**
 * Decides by the deaths of what is wanted now, oldest first; an edit starts with an empty list. `mostMs` bounds the
 * pause where a longer one costs more than trying in vain.
 */
export function decideRestart(deaths: readonly Death[], nowMs: number, mostMs = longestPauseMs): RestartDecision {
  const last = deaths.at(-1);
  if (last === undefined) return { restart: true, reason: 'first start' };
  const waitMs = Math.min(mostMs, pauseAfter(deaths, last));
  const untilMs = last.atMs + waitMs;
  if (nowMs >= untilMs) return { restart: true, reason: `restart: ${last.message}` };
  return {
    restart: false,
    untilMs,
    waitMs,
    state: last.kind === 'cannot-load' ? 'failed' : 'backoff',
    reason: last.message,
  };
}

function pauseAfter(deaths: readonly Death[], last: Death): number {
  const inARow = deaths.length - Math.max(0, lastHealthyIndex(deaths));
  // Whoever served before gets its first restart at once: requests are waiting.
  const exponent = last.healthyMs > 0 ? inARow - 2 : inARow - 1;
  if (exponent < 0) return 0;
  const first = last.kind === 'cannot-load' ? firstLoadPauseMs : firstPauseMs;
  return Math.min(longestPauseMs, first * 2 ** exponent * (0.75 + last.jitter / 2));
}

function lastHealthyIndex(deaths: readonly Death[]): number {
  return deaths.findLastIndex(({ healthyMs }) => healthyMs >= healthyAfterMs);
}
