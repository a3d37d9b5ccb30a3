// What placeholders of a vassal's file can refer to: its options and variables, the environment, files.
import { resolve } from 'node:path';
import type { PlaceholderScope } from './placeholders.ts';
import type { Sources } from './sources.ts';

interface Named {
  readonly key: string;
  readonly value: string;
  readonly magicFaults: readonly string[];
}

/** As uWSGI has it: where an option stands several times, its first value counts. Paths are relative to `directory`. */
export function placeholderScope(
  statements: readonly Named[],
  sources: Pick<Sources, 'env' | 'read'>,
  directory: string,
): PlaceholderScope {
  const first = new Map<string, Named>();
  for (const statement of statements) if (!first.has(statement.key)) first.set(statement.key, statement);
  return {
    valueOf: (name) => first.get(name)?.value,
    faultsOf: (name) => first.get(name)?.magicFaults ?? [],
    env: sources.env,
    contents: async (path) => {
      if (/^[a-z]+:\/\//.test(path)) return { fault: `@(${path}) is no file, and nothing else is read` };
      return sources.read(resolve(directory, path));
    },
  };
}
