// Time as an argument: whatever decides by time takes a Clock, so that a test can hold it still.

export interface Timer {
  /** Disarms the timer; calling it again, or after it fired, does nothing. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds of a monotonic clock: a wall clock that jumps never fires or delays a deadline. */
  nowMs(): number;
  /** Milliseconds since the epoch, for what people read. */
  wallMs(): number;
  /** Calls `fire` once after `delayMs` (0 = in the next turn of the event loop). */
  after(delayMs: number, fire: () => void): Timer;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs);
    return {
      cancel: () => {
        clearTimeout(timeout);
      },
    };
  },
};
