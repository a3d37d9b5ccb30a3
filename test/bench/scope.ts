// A benchmark's scope: resources are released in reverse order of their making, as node:test does after a test.
import type { Scope } from '../harness/scope.ts';

/** Runs a benchmark; what it made is released in any case, also where it is interrupted. */
export async function withScope(run: (scope: Scope) => Promise<void>): Promise<void> {
  const releases: (() => unknown)[] = [];
  const scope = { after: (release: () => unknown) => void releases.push(release) } as Scope;
  let released: Promise<void> | undefined;
  // The programs under test run in process groups of their own, which ^C does not reach. The benchmark, whose
  // resources vanish below it, goes on until then; what it says of that interests nobody.
  const onInterrupt = (): void => {
    process.on('unhandledRejection', () => undefined);
    process.on('uncaughtException', () => undefined);
    released ??= releaseAll(releases);
    void released.finally(() => process.exit(130));
  };
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  try {
    await run(scope);
  } finally {
    released ??= releaseAll(releases);
    await released;
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

async function releaseAll(releases: (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      await release();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be released');
}
