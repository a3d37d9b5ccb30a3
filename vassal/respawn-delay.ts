// How long a worker that died waits before it is started again. Pure: the dice are an argument.

/** A process that ran this long was healthy: the next death counts as the first. */
export const healthyMs = 30_000;
const firstDelayMs = 250;
const longestDelayMs = 30_000;

/**
 * `deaths` counts those in a row without a healthy time between. The first is followed at once, for one bad request
 * should not cost a pause; then 250 ms, doubled each time, up to 30 s, less up to a quarter by `random` (0 … 1), so
 * that the workers of an app whose database went away do not all come back in the same instant.
 */
export function respawnDelayMs(deaths: number, random: number): number {
  if (deaths <= 1) return 0;
  const fullMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(deaths - 2, 20));
  return Math.round(fullMs * (1 - random / 4));
}
