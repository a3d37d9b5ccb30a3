// Where things lie, seen from the compiled tests (dist/test/harness).
import { fileURLToPath } from 'node:url';

export const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** The folder of a fixture app, `test/fixtures/apps/<name>`. */
export function fixtureApp(name: string): string {
  return fileURLToPath(new URL(`../../../test/fixtures/apps/${name}`, import.meta.url));
}
