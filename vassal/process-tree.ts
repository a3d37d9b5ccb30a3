// What a worker has become: the processes below it, and those that lost their parent and were handed to us. Read
// from /proc (Linux); elsewhere only the worker itself is known. Looks, and reaps what is dead; never signals.
import { readFileSync, readdirSync } from 'node:fs';
import type { NativeAddon } from '../native/index.ts';
import { errnoOf } from '../lib/errors.ts';

export class ProcessTree {
  readonly #addon: NativeAddon | undefined;
  readonly #dir: string;
  /** Worker processes that Node spawned: libuv reaps those, and nobody else may. */
  readonly #mains = new Set<number>();

  /** Becomes the subreaper, so that no descendant ever escapes to init. `dir` marks what is of this instance. */
  constructor(addon: NativeAddon | undefined, dir: string) {
    this.#addon = addon;
    this.#dir = dir;
    addon?.becomeSubreaper();
    // Without this, orphans that end stay zombies until we end ourselves.
    if (addon !== undefined) process.on('SIGCHLD', this.#onChildEnded);
  }

  add(pid: number): void {
    this.#mains.add(pid);
  }

  /** After libuv has reported the exit; from then on the number may be another process's. */
  remove(pid: number): void {
    this.#mains.delete(pid);
  }

  /** Living processes below `main` (while it runs), and orphans that bear the worker's number. */
  below(main: number | undefined, worker: number): number[] {
    const orphans = this.#orphans().filter((pid) => hasVariable(pid, 'EMPEROR_WORKER', String(worker)));
    const roots = main === undefined ? orphans : [main, ...orphans];
    const found = new Set(orphans);
    for (const root of roots) for (const pid of descendantsOf(root)) found.add(pid);
    return [...found].filter(isRunning);
  }

  /** True where `pid` belongs to the process `main` of that worker. */
  holds(main: number, worker: number, pid: number): boolean {
    return pid === main || this.below(main, worker).includes(pid);
  }

  /** Everything that still runs below this process. */
  all(): number[] {
    const found = new Set<number>([...this.#orphans(), ...this.#mains]);
    for (const root of [...found]) for (const pid of descendantsOf(root)) found.add(pid);
    return [...found].filter(isRunning);
  }

  close(): void {
    process.off('SIGCHLD', this.#onChildEnded);
  }

  /** Children that we never spawned. Without the subreaper init has them: their environment still tells. */
  #orphans(): number[] {
    const isOrphan = (pid: number): boolean => !this.#mains.has(pid) && pid !== process.pid;
    if (this.#addon !== undefined) return childrenOf(process.pid).filter(isOrphan);
    return scan((_stat, pid) => isOrphan(pid) && hasVariable(pid, 'EMPEROR_DIR', this.#dir));
  }

  readonly #onChildEnded = (): void => {
    for (const pid of childrenOf(process.pid)) {
      if (!this.#mains.has(pid) && statOf(pid)?.state === 'Z') this.#addon?.reap(pid);
    }
  };
}

function descendantsOf(root: number): number[] {
  const found: number[] = [];
  const pending = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const children = childrenOf(next);
    found.push(...children);
    pending.push(...children);
  }
  return found;
}

/** Any thread of a process may have forked, and the kernel lists children by thread (CONFIG_PROC_CHILDREN). */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch (error) {
    // A thread that just ended, or a process (ENOENT, ESRCH); or a kernel without these files.
    if (errnoOf(error) === 'ENOENT' && statOf(pid) !== undefined) return scan((stat) => stat.ppid === pid);
    return [];
  }
}

function scan(accepts: (stat: Stat, pid: number) => boolean): number[] {
  return pidsOf('/proc').filter((pid) => {
    const stat = statOf(pid);
    return stat !== undefined && accepts(stat, pid);
  });
}

function pidsOf(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    // No /proc on this system.
    return [];
  }
}

interface Stat {
  readonly state: string;
  readonly ppid: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before the last `)` may hold blanks and brackets of its own.
    const [state = '', ppid] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, ppid: Number(ppid) };
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Looks into the environment that a process was started with; forks keep it. False for other users' processes. */
function hasVariable(pid: number, name: string, value: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${name}=${value}\0`);
  } catch {
    return false;
  }
}
