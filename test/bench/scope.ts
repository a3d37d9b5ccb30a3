// A benchmark's scope: resources are released in reverse order of their making, as node:test does after a test.
import type { Scope } from '../harness/scope.ts';

/** How long a benchmark whose resources are gone may take to notice. */
const farewellMs = 3000;

let isInterrupted = false;

class Releases implements Scope {
  readonly #releases: (() => unknown)[] = [];
  #released: Promise<void> | undefined;

  // What is made after the release, by a benchmark that does not know of its end yet, goes at once.
  after = (release: () => unknown): void => {
    this.#releases.push(release);
    if (this.#released === undefined) return;
    this.#released = this.#released.then(() => this.#releaseAll());
    throw new Error('the benchmark was interrupted');
  };

  async release(): Promise<void> {
    this.#released ??= this.#releaseAll();
    await this.#released;
  }

  async #releaseAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be released');
  }
}

/** Runs a benchmark; what it made is released in any case, also where it is interrupted. None begins after that. */
export async function withScope<Result>(run: (scope: Scope) => Promise<Result>): Promise<Result> {
  if (isInterrupted) throw new Error('the benchmark was interrupted');
  const releases = new Releases();
  // The programs under test run in process groups of their own, which ^C does not reach. The benchmark, whose
  // resources vanish below it, goes on until then; what it says of that interests nobody.
  const onInterrupt = (): void => {
    isInterrupted = true;
    process.on('unhandledRejection', () => undefined);
    process.on('uncaughtException', () => undefined);
    const over = Promise.race([ended, new Promise((resolve) => setTimeout(resolve, farewellMs))]);
    void releases
      .release()
      .catch(() => undefined)
      .then(() => over)
      .then(() => releases.release())
      .catch(() => undefined)
      .then(() => process.exit(130));
  };
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  const running = run(releases);
  const ended = running.catch(() => undefined);
  try {
    return await running;
  } finally {
    await releases.release();
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

/** A scope within another: released when `run` ends, or with the outer one if that comes first. */
export async function within<Result>(outer: Scope, run: (scope: Scope) => Promise<Result>): Promise<Result> {
  const releases = new Releases();
  outer.after(() => releases.release());
  try {
    return await run(releases);
  } finally {
    await releases.release();
  }
}
