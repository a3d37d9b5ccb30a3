// How an exchange ends when something other than its answer ends it. Pure.
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import type { Answer } from './answer.ts';
import type { Fate } from './exchange-client.ts';
import type { Outcome } from './exchange-record.ts';

export interface Ending extends Outcome {
  readonly fate: Fate;
}

/** Undefined where the client can still be told, and is. */
export function endWithoutPage(
  cause: FailureCause,
  answer: Pick<Answer, 'hasBegun' | 'endsByClose' | 'status'>,
  detail: string,
): Ending | undefined {
  // It must see that the answer is not whole.
  if (answer.hasBegun) return { status: answer.status, fate: answer.endsByClose ? 'reset' : 'cut', cause, detail };
  const { status } = judgeFailure(cause);
  return status === 499 ? { status, fate: 'cut', cause, detail } : undefined;
}
