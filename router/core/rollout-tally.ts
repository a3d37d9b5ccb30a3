// What is counted of each generation while a newer one is given a share of an app's clients: enough to tell whether it
// does worse. Nothing is counted at any other time. Pure.
import { latencyBoundsMs, latencyTurnMs, latencyTurns, type GenerationStats } from '../../lib/app-stats.ts';

export class RolloutTally {
  /** `name/generation` of the newer one; undefined while none of its workers is there. */
  readonly next: string | undefined;
  readonly #instances = new Map<string, InstanceTally>();
  #changes = 0;

  constructor(next: string | undefined) {
    this.next = next;
  }

  /** Raised whenever report() differs. */
  get changes(): number {
    return this.#changes;
  }

  /** A request was sent to a worker of that instance. */
  begin(instance: string, nowMs: number): TalliedAttempt {
    let tally = this.#instances.get(instance);
    if (tally === undefined) {
      const latency = Array.from({ length: latencyTurns }, () =>
        Array.from({ length: latencyBoundsMs.length + 1 }, () => 0),
      );
      tally = { requests: 0, errors: 0, latency };
      this.#instances.set(instance, tally);
    }
    return new TalliedAttempt(tally, nowMs, () => {
      this.#changes++;
    });
  }

  report(): GenerationStats[] {
    return [...this.#instances].map(([instance, { requests, errors, latency }]) => ({
      instance,
      requests,
      errors,
      latency: latency.map((histogram) => [...histogram]),
    }));
  }
}

interface InstanceTally {
  requests: number;
  errors: number;
  readonly latency: readonly number[][];
}

/** One request on one worker. It is counted once, and is one error at most, whatever of it is told. */
export class TalliedAttempt {
  readonly #tally: InstanceTally;
  readonly #sentMs: number;
  readonly #onChange: () => void;
  #isCounted = false;
  #isError = false;

  constructor(tally: InstanceTally, sentMs: number, onChange: () => void) {
    this.#tally = tally;
    this.#sentMs = sentMs;
    this.#onChange = onChange;
  }

  /** The head of the answer came. */
  answer(status: number, nowMs: number): void {
    this.end();
    const histogram = this.#tally.latency[Math.floor(nowMs / latencyTurnMs) % latencyTurns];
    const bucket = bucketOf(nowMs - this.#sentMs);
    if (histogram !== undefined) histogram[bucket] = (histogram[bucket] ?? 0) + 1;
    if (status >= 500) this.lose();
  }

  /** The worker owes an answer, or the rest of one, that will not come. */
  lose(): void {
    this.end();
    if (this.#isError) return;
    this.#isError = true;
    this.#tally.errors++;
    this.#onChange();
  }

  /** It is over, however. */
  end(): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.#tally.requests++;
    this.#onChange();
  }
}

function bucketOf(latencyMs: number): number {
  const index = latencyBoundsMs.findIndex((bound) => latencyMs <= bound);
  return index === -1 ? latencyBoundsMs.length : index;
}
