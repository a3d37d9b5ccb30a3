// A benchmark's scope: resources are released in reverse order of their making, as node:test does after a test.
import type { Scope } from '../harness/scope.ts';

export async function withScope(run: (scope: Scope) => Promise<void>): Promise<void> {
  const releases: (() => unknown)[] = [];
  const scope = { after: (release: () => unknown) => void releases.push(release) } as Scope;
  try {
    await run(scope);
  } finally {
    for (const release of releases.reverse()) await release();
  }
}
