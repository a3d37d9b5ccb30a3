// How long an exchange may stand still, and whose fault it is then. Pure.
import type { FailureCause } from './triage.ts';

export interface Situation {
  /** More waits for the client than it reads. */
  readonly isClientBlocked: boolean;
  /** The client ended its direction. */
  readonly hasClientEnded: boolean;
  /** More of the request's body is wanted and has to come from the client. */
  readonly awaitsBody: boolean;
  /** `worker`: it was sent the request. `connection`: to it. `nothing`: that would not keep its own time. */
  readonly awaits: 'worker' | 'connection' | 'nothing';
  /** When anything last moved. */
  readonly movedMs: number;
  /** When the client last sent something, or was last asked to. */
  readonly clientMovedMs: number;
}

/** In ms; 0 = for ever. */
export interface Timeouts {
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly upstreamTimeoutMs: number;
}

export interface Limit {
  readonly cause: FailureCause;
  readonly dueMs: number;
}

/**
 * A client that ended its direction may still read, or may be gone: both look alike until it is written to. So long
 * may nothing be written to it.
 */
const halfClosedMs = 1000;

/** Which failure is due when if nothing moves until then; undefined: something else keeps the time. */
export function judgePatience(situation: Situation, timeouts: Timeouts): Limit | undefined {
  const { movedMs, clientMovedMs } = situation;
  if (situation.isClientBlocked) return limit('client-not-reading', movedMs, timeouts.idleTimeoutMs);
  if (situation.hasClientEnded) return limit('client-gone', movedMs, halfClosedMs);
  if (situation.awaitsBody) return limit('client-slow-body', clientMovedMs, timeouts.bodyTimeoutMs);
  if (situation.awaits === 'nothing') return undefined;
  const cause = situation.awaits === 'worker' ? 'worker-silent' : 'worker-unreachable';
  return limit(cause, movedMs, timeouts.upstreamTimeoutMs);
}

function limit(cause: FailureCause, sinceMs: number, timeoutMs: number): Limit | undefined {
  return timeoutMs === 0 ? undefined : { cause, dueMs: sinceMs + timeoutMs };
}
