// When a request may be sent a second time: only where that cannot execute it twice, or where it was declared safe
// to. Pure.

export interface Attempt {
  /** Bytes of the request that may have reached the worker. */
  readonly bytesSent: number;
  /** Bytes of an answer that came back. */
  readonly bytesReceived: number;
  readonly method: string;
  /** Everything that was sent can be sent again. */
  readonly isReplayable: boolean;
  /** Times this request was sent again already. */
  readonly replays: number;
}

/** Whether its repetition has the effect of one request (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  // Methods of requests are constants, mostly this one: no text is hashed for it (10 ns, Node 20).
  return method === 'GET' || otherIdempotentMethods.has(method);
}

const otherIdempotentMethods: ReadonlySet<string> = new Set(['HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * `again`: nothing was sent, so it is no repetition. `replay`: it is one, and takes from the budget. `no`: the client
 * must hear of the failure.
 */
export function judgeRetry(attempt: Attempt): 'again' | 'replay' | 'no' {
  if (attempt.bytesReceived > 0 || !attempt.isReplayable) return 'no';
  if (attempt.bytesSent === 0) return 'again';
  return attempt.replays === 0 && isIdempotent(attempt.method) ? 'replay' : 'no';
}

const firstTokens = 10;
/** A worker that dies under load held dozens of requests at once; what was earned before pays for all of them. */
const mostTokens = 100;
const tokensPerRequest = 0.2;

/** Bounds replays to a fifth of the requests (and a handful at first), so that a dying app is not hammered. */
export class RetryBudget {
  #tokens = firstTokens;

  /** A request came. */
  earn(): void {
    if (this.#tokens < mostTokens) this.#tokens = Math.min(this.#tokens + tokensPerRequest, mostTokens);
  }

  /** Takes one replay; false where the budget is used up. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
