// What a dead emperor left: children that live on and are to dial in, and directories that nobody owns any more. It
// only waits and sweeps; taking a child over is no more than hearing its hello.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Apps } from './apps.ts';
import { instanceKey } from './facts.ts';
import { native } from '../native/index.ts';
import type { GenerationDirs } from './generation-dirs.ts';
import { commandLine, isAlive, ownChildren } from './proc.ts';
import type { ProcessSweep } from './process-sweep.ts';
import { findOrphans } from './run-directory.ts';

/** Children dial again within a second; one that was seen alive is waited for a little longer. */
const adoptionMs = 1200;
const longestAdoptionMs = 3000;
const adoptionLookMs = 20;

interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Waits for the children of the emperor before us; those that can be seen alive are waited for longer. */
export async function awaitOrphans(
  controlPath: string,
  dialledIn: ReadonlySet<number>,
  { clock, log }: Surroundings,
): Promise<void> {
  const orphans = findOrphans(controlPath);
  const isBlind = process.platform !== 'linux';
  const untilMs = clock.nowMs() + (isBlind ? adoptionMs : longestAdoptionMs);
  log.info({ orphans: orphans.length }, 'waiting for the children of the emperor before us');
  while (clock.nowMs() < untilMs) {
    if (!isBlind && orphans.every((pid) => dialledIn.has(pid) || !isAlive(pid))) return;
    await new Promise<void>((resolve) => {
      clock.after(adoptionLookMs, resolve);
    });
  }
  const missing = orphans.filter((pid) => !dialledIn.has(pid) && isAlive(pid));
  if (missing.length > 0) log.warn({ pids: missing }, 'these processes of a dead emperor did not dial in');
}

/**
 * After an upgrade the children of the replaced program are ours still, but libuv does not know them: those that nobody
 * adopts (they ended while the programs changed) would stay zombies.
 */
export function reapInherited(): void {
  for (const pid of ownChildren()) {
    try {
      if (native.addon?.reap(pid) === false) native.addon.watchProcess(pid, () => native.addon?.reap(pid));
    } catch {
      // It was reaped meanwhile, or this Linux has no pidfd: what is adopted is reaped when it is found dead.
    }
  }
}

interface Leftovers {
  readonly apps: Apps;
  readonly dirs: GenerationDirs;
  readonly sweep: ProcessSweep;
  readonly log: Logger;
}

/** Ends what is left of instances that neither dialled in nor are alive, and clears their directories. */
export async function removeStale(controlPath: string, { apps, dirs, sweep, log }: Leftovers): Promise<void> {
  const alive = new Set(
    findOrphans(controlPath).map((pid) => {
      const args = (commandLine(pid) ?? '').split(' ');
      return `${args[args.indexOf('--name') + 1] ?? ''}/${args[args.indexOf('--generation') + 1] ?? ''}`;
    }),
  );
  for (const { name, instances } of apps.all) {
    for (const generation of instances.keys()) alive.add(instanceKey(name, generation));
  }
  sweep.sweepAllBut(alive);
  // Before anything starts: what is left may hold a port, or a lock, that the next generation wants.
  await sweep.done();
  for (const [name, generations] of dirs.list()) {
    const instances = apps.get(name)?.instances;
    const stale = generations.filter((one) => instances?.has(one) !== true && !alive.has(instanceKey(name, one)));
    const problems = stale.map((one) => dirs.retire(name, one, new Set(instances?.keys())));
    for (const problem of problems) {
      if (problem !== undefined) log.error({ why: problem }, `cleaning up after ${name} failed`);
    }
  }
}
