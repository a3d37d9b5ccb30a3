// The examples of configs/ as a user has them: a copy that a test may edit, served by the emperor with its own
// emperor.yaml.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmperor, type EmperorProcess } from './emperor-process.ts';
import { packageRoot } from './paths.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';

export const exampleVassals = join(packageRoot, 'configs/vassals');
export const exampleApps = join(packageRoot, 'configs/apps');
export const exampleConfig = join(packageRoot, 'configs/emperor.yaml');

/** Starts an emperor on a copy of configs/, or of only the named vassals, and waits until each of them runs. */
export async function serveExamples(t: Scope, only?: readonly string[]): Promise<EmperorProcess> {
  const base = tempDir(t);
  const directory = join(base, 'configs/vassals');
  cpSync(exampleApps, join(base, 'configs/apps'), { recursive: true });
  cpSync(exampleVassals, directory, {
    recursive: true,
    filter: (path) =>
      only === undefined || path === exampleVassals || only.some((name) => path.endsWith(`/${name}.yaml`)),
  });
  // The example apps find their frameworks where the package has them.
  symlinkSync(join(packageRoot, 'node_modules'), join(base, 'node_modules'));
  writeFileSync(join(base, 'package.json'), '{"type":"module"}');
  const emperor = await startEmperor(t, {
    in: { directory, runDir: join(base, 'run') },
    config: readFileSync(exampleConfig, 'utf8'),
  });
  for (const { name } of (await emperor.status()).vassals) await emperor.appIs(name, 'running', 60_000);
  return emperor;
}
