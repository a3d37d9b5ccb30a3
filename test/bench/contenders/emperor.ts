// Ours: the real emperor, with the vassals' files that it is given. What counts is its router process.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryPoints } from '../../../lib/entry-points.ts';
import { EmperorProcess, processesOf } from '../../harness/emperor-process.ts';
import { packageRoot } from '../../harness/paths.ts';
import { startProcess } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { cores, pin } from '../cores.ts';
import { inspectable } from '../garbage.ts';
import type { TransportName } from '../speed/settings.ts';
import { mostConnections } from './contender.ts';

export interface EmperorSetup {
  /** Files of the vassals' directory: name → content. */
  readonly vassals: Readonly<Record<string, string>>;
  readonly transport: TransportName;
  readonly accessLog: boolean;
  /** Its garbage can be collected: see garbage.ts. */
  readonly isInspectable?: boolean;
}

/** Starts the emperor and waits until every app runs. Its router is alone on its core. */
export async function startEmperor(scope: Scope, setup: EmperorSetup): Promise<EmperorProcess> {
  const base = tempDir(scope);
  const directory = join(base, 'vassals');
  mkdirSync(directory);
  for (const [file, content] of Object.entries(setup.vassals)) writeFileSync(join(directory, file), content);
  const config = join(base, 'emperor.yaml');
  writeFileSync(config, JSON.stringify(configOf(setup)));
  const runDir = join(base, 'run');
  const flags = ['--run-dir', runDir, '--config', config, '--listen', '127.0.0.1:0', '--transport', setup.transport];
  // A shell puts the access log into a file: who else would read it shares the load's cores.
  const toFile = ['-c', 'exec "$@" > "$0"', join(base, 'access.log')];
  const program = startProcess(
    scope,
    '/bin/sh',
    [...toFile, process.execPath, entryPoints.emperor, 'run', directory, ...flags],
    { env: { EMPEROR_RUN_DIR: undefined, ...(setup.isInspectable === true ? { NODE_OPTIONS: inspectable } : {}) } },
  );
  const emperor = new EmperorProcess(directory, runDir, program);
  scope.after(() => end(emperor));
  await emperor.serving();
  await waitFor(async () => (await emperor.status()).vassals.every(({ state }) => state === 'running'), {
    what: () => `every app to run; log ${program.stderr.slice(-2000)}`,
    timeoutMs: 30_000,
  });
  pin(cores.router, (await emperor.status()).router.pids);
  return emperor;
}

export function emperorVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return version;
}

function configOf({ accessLog }: EmperorSetup): object {
  return { log: { access: accessLog, level: 'warn' }, router: { processes: 1, 'max-connections': mostConnections } };
}

/** In its own time; what then is left goes at once. */
async function end(emperor: EmperorProcess): Promise<void> {
  await emperor.stop().catch(() => undefined);
  for (const pid of processesOf(emperor.runDir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the two looks.
    }
  }
}
