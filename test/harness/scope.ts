// What owns a resource in a test: node:test's context, or a benchmark's own scope.
import type { TestContext } from 'node:test';

/** Functions given to `after` run when the scope ends, whatever happened in it. */
export type Scope = Pick<TestContext, 'after'>;
