// Real third-party apps behind the router: where their few lines lie, and how each check becomes a test of its own.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { EmperorProcess } from './emperor-process.ts';
import { packageRoot } from './paths.ts';
import { Site } from './site.ts';

/** A guarantee in words → the code that proves it. */
export type Checks = Readonly<Record<string, (site: Site) => Promise<void>>>;

/** A file of test/fixtures/third-party. */
export function thirdPartyApp(file: string): string {
  return join(packageRoot, 'test/fixtures/third-party', file);
}

/** Runs every check against each named app, once the app is running. */
export async function checkApps(
  t: TestContext,
  emperor: EmperorProcess,
  names: readonly string[],
  checks: Checks,
): Promise<void> {
  for (const name of names) {
    await emperor.appIs(name, 'running', 30_000);
    for (const [guarantee, check] of Object.entries(checks)) {
      await t.test(`${name}: ${guarantee}`, async (t) => {
        await check(new Site(t, emperor.port, `${name}.localhost`));
      });
    }
  }
}
