// PURE. What brought an instance down, from what was seen of it. What its primary said of itself outweighs that; the
// handle asks here only where it said nothing.
import { workerExit } from '../lib/exit-codes.ts';
import { formatDuration } from '../lib/units.ts';
import type { ChildExit } from './child.ts';
import type { InstanceEvent } from './lifecycle.ts';

/** How a start failed, or a ready instance died. */
export interface Fall {
  readonly kind: 'cannot-load' | 'crashed' | 'not-ready';
  readonly message: string;
  /** The last lines the workers wrote, oldest first, at most 50. */
  readonly log: readonly string[];
  /** How long it had been ready; 0 where it never was. */
  readonly healthyMs: number;
}

/** What was seen of an instance when it fell. */
export interface FallFacts {
  /** What ended its start or its life. */
  readonly event: InstanceEvent;
  /** How its primary ended; undefined while that runs. */
  readonly exit: ChildExit | undefined;
  readonly readyTimeoutMs: number;
  /** Workers that were ready, of so many. */
  readonly ready: number;
  readonly processes: number;
}

export function causeOfFall(facts: FallFacts): Pick<Fall, 'kind' | 'message'> {
  const { event, exit, readyTimeoutMs, ready, processes } = facts;
  if (event === 'ready-timeout') {
    const limit = formatDuration(readyTimeoutMs);
    const message = `not ready after ${limit} (ready-timeout): ${ready} of ${processes} workers are`;
    return { kind: 'not-ready', message };
  }
  return {
    kind: exit?.code === workerExit.cannotLoad ? 'cannot-load' : 'crashed',
    message: `the primary ${exit?.message ?? 'was told to stop by somebody else'}`,
  };
}
