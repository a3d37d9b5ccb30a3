// What a client process counts, and tells as one line of JSON when it ends.

export interface Counts {
  /** Connections that were opened in order to be ended, by the phase in which they were. */
  readonly ended: Readonly<Record<string, number>>;
  /** Requests that were to be answered, and were, in whole. */
  readonly answered: number;
  readonly failed: number;
  /** The first ones, in words. */
  readonly failures: readonly string[];
}

/** What idle.ts calls its connections; they are no churn. */
export const idleKind = 'idle by the thousands';

const mostFailures = 10;

export class Tally implements Counts {
  readonly ended: Record<string, number> = {};
  answered = 0;
  failed = 0;
  readonly failures: string[] = [];
  readonly #running = new Map<string, number>();

  countEnded(phase: string, count = 1): void {
    this.ended[phase] = (this.ended[phase] ?? 0) + count;
  }

  /** Counts a request by what became of it; never rejects. */
  async count(what: string, request: () => Promise<void>): Promise<void> {
    this.#running.set(what, (this.#running.get(what) ?? 0) + 1);
    try {
      await request();
      this.answered++;
    } catch (error) {
      this.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.#running.set(what, (this.#running.get(what) ?? 0) - 1);
    }
  }

  /** Nobody waits for what runs now any longer. */
  giveUp(): void {
    for (const [what, count] of this.#running) {
      for (let nth = 0; nth < count; nth++) this.fail(`${what}: no end of it`);
    }
  }

  fail(words: string): void {
    this.failed++;
    if (this.failures.length < mostFailures) this.failures.push(words);
  }
}
