// What the checks of one backend say about it, and when it is checked again. Pure: time and dice are arguments.
import type { ProbeResult } from '../../probes.ts';

export interface BackendHealth {
  /** `starting`: the checks have not told yet whether it is good. */
  readonly phase: 'starting' | 'ready' | 'backoff';
  /** How many checks there were. */
  readonly checks: number;
  /** Failed checks since the last good one. */
  readonly failures: number;
  readonly wasReady: boolean;
  /** How often it became ready again. */
  readonly returns: number;
  /** The last failure in words, also after it came back. */
  readonly lastFailure: string | null;
}

export const unchecked: BackendHealth = {
  phase: 'starting',
  checks: 0,
  failures: 0,
  wasReady: false,
  returns: 0,
  lastFailure: null,
};

/** One answer may be wrong by chance (a restart, a garbage collection); a connection that is refused is not. */
const wrongAnswers = 2;
const firstPauseMs = 250;

/** The health after one more check. */
export function judgeCheck(health: BackendHealth, result: ProbeResult): BackendHealth {
  const checks = health.checks + 1;
  if (result.isUp) {
    const isReturn = health.wasReady && health.phase !== 'ready';
    const returns = health.returns + (isReturn ? 1 : 0);
    return { ...health, phase: 'ready', checks, failures: 0, wasReady: true, returns };
  }
  const failures = health.failures + 1;
  const isDown = !result.hasConnected || failures >= wrongAnswers;
  return { ...health, phase: isDown ? 'backoff' : health.phase, checks, failures, lastFailure: result.why };
}

/**
 * How long until the next check: the interval while it is good; after a failure 250 ms, doubled with each further one
 * up to the interval, less up to a quarter by `random` (0 … 1), so that checks do not all fall into the same instant.
 */
export function nextCheckMs({ failures }: BackendHealth, intervalMs: number, random: number): number {
  if (failures === 0) return intervalMs;
  const fullMs = Math.min(intervalMs, firstPauseMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(fullMs * (1 - random / 4));
}
