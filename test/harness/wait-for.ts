// Waiting with a deadline, for what announces itself by no event of ours (a file, a foreign process, /proc).
// Polling lives here only; a test that can wait for an event does that instead.

export interface WaitOptions {
  /** Completes the sentence "timed out waiting for …"; a function is asked only then. */
  readonly what: string | (() => string);
  /** Default 10 s: generous, for a loaded machine; it bounds a failure and never decides a success. */
  readonly timeoutMs?: number;
}

const pollMs = 10;

/** Resolves with the first value of `probe` that is neither undefined nor false; rejects at the deadline. */
export async function waitFor<Value>(
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  { what, timeoutMs = 10_000 }: WaitOptions,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw timedOut(what, timeoutMs);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Rejects if `promise` has not settled after `timeoutMs`. */
export async function within<Value>(
  promise: Promise<Value>,
  { what, timeoutMs = 10_000 }: WaitOptions,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(timedOut(what, timeoutMs));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(what: WaitOptions['what'], timeoutMs: number): Error {
  return new Error(`timed out after ${timeoutMs} ms waiting for ${typeof what === 'string' ? what : what()}`);
}
