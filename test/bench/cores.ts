// Who runs on which core: the router that is measured has one for itself; load and upstream share the others. So a
// router never waits for the load that is meant for it, and all of them have the same conditions.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { divide, parseCoreList, type Cores } from './core-list.ts';

export const cores: Cores = process.env['BENCH_PINNED'] === 'no' ? divide([]) : findCores();

/** Where things run, in words. */
export function coresText(): string {
  if (cores.router === undefined || cores.load === undefined) return 'nothing pinned';
  return `router on core ${cores.router}, load and upstream on ${cores.load}`;
}

/** A command that runs on those cores, and everything that it starts. */
export function pinned(list: string | undefined, command: readonly string[]): readonly string[] {
  return list === undefined ? command : ['taskset', '-c', list, ...command];
}

/** Moves running processes, with all their threads, to those cores. */
export function pin(list: string | undefined, pids: readonly number[]): void {
  if (list === undefined) return;
  for (const pid of pids) spawnSync('taskset', ['-a', '-c', '-p', list, String(pid)]);
}

function findCores(): Cores {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0) return divide([]);
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return divide(parseCoreList(allowed));
}
