// Ends what is left of instances that are gone: processes that left the process group (setsid, a double fork) and
// lost every parent that knew them. Each bears the directory of its instance in the environment it was started with,
// which forks keep; no other instance on the machine has that directory.
import { statSync } from 'node:fs';
import { sep } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { generationDir, vassalsDir } from '../lib/run-dir.ts';
import { allPids, environmentVariable } from './proc.ts';

export interface ProcessSweepOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly runDir: string;
}

/** What a worker's environment names its instance by (vassal/environment). */
const markVariable = 'EMPEROR_DIR';
/** Environments read in one go: the loop has other things to do, and a machine may have thousands of processes. */
const readAtOnce = 64;
/** A process within execve shows no environment for a moment: only the second look that finds nothing counts. */
const emptyLooks = 2;
const betweenLooksMs = 20;
/** Many instances may end one after the other: looking takes a tenth of the time at most, however many processes. */
const restPerLook = 9;
/** What is still there after this hangs in the kernel, and is named in the log. */
const givenUpAfterMs = 10_000;

export class ProcessSweep {
  readonly #options: ProcessSweepOptions;
  readonly #doomed = new Set<string>();
  /** Told in the log already; a process takes a moment to die. */
  readonly #killed = new Set<number>();
  #work: Promise<void> | undefined;
  #emptyLooks = 0;
  #sinceMs = 0;

  constructor(options: ProcessSweepOptions) {
    this.#options = options;
  }

  /** The instance is gone: what bears its mark is killed, until none is left. Returns at once. */
  sweep(app: string, generation: number): void {
    this.#add([generationDir(this.#options.runDir, app, generation)]);
  }

  /** An emperor that died left processes of instances that are gone; those of `living` (`name/generation`) stay. */
  sweepAllBut(living: ReadonlySet<string>): void {
    const ours = `${vassalsDir(this.#options.runDir)}${sep}`;
    const marks = allPids().map((pid) => environmentVariable(pid, markVariable) ?? '');
    this.#add(marks.filter((mark) => mark.startsWith(ours) && !living.has(mark.slice(ours.length))));
  }

  /** Resolves when nothing is left of what was to be swept. */
  async done(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  #add(dirs: readonly string[]): void {
    if (dirs.length === 0) return;
    for (const dir of dirs) this.#doomed.add(dir);
    this.#emptyLooks = 0;
    this.#sinceMs = this.#options.clock.nowMs();
    this.#work ??= this.#run();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (this.#emptyLooks < emptyLooks) {
      const beganMs = clock.nowMs();
      const found = await this.#look();
      const tookMs = clock.nowMs() - beganMs;
      this.#emptyLooks = found.length === 0 ? this.#emptyLooks + 1 : 0;
      if (found.length > 0 && clock.nowMs() - this.#sinceMs > givenUpAfterMs) {
        log.error({ pids: found }, 'processes of ended apps survive KILL and are left behind');
        break;
      }
      if (this.#emptyLooks < emptyLooks) await this.#pause(Math.max(betweenLooksMs, tookMs * restPerLook));
    }
    this.#doomed.clear();
    this.#killed.clear();
    this.#work = undefined;
  }

  /** Kills every marked process that it finds, and returns their pids. */
  async #look(): Promise<readonly number[]> {
    const found: number[] = [];
    const pids = allPids();
    for (let start = 0; start < pids.length; start += readAtOnce) {
      if (start > 0) await this.#pause(0);
      for (const pid of pids.slice(start, start + readAtOnce)) {
        const mark = environmentVariable(pid, markVariable);
        if (mark === undefined || !this.#doomed.has(mark) || !this.#isHere(pid)) continue;
        found.push(pid);
        this.#kill(pid, mark);
      }
    }
    return found;
  }

  /** In a container, or under PrivateTmp=, the same path is another directory: of another emperor. */
  #isHere(pid: number): boolean {
    const { runDir } = this.#options;
    try {
      const own = statSync(runDir);
      const seen = statSync(`/proc/${pid}/root${runDir}`);
      return own.ino === seen.ino && own.dev === seen.dev;
    } catch {
      return false;
    }
  }

  #kill(pid: number, mark: string): void {
    try {
      process.kill(pid, 'SIGKILL');
      if (this.#killed.has(pid)) return;
      this.#killed.add(pid);
      this.#options.log.warn({ child: pid, instance: mark }, 'killed a process that outlived its app');
    } catch {
      // It ended meanwhile (ESRCH), or changed its user (EPERM) and will be named as left behind.
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.after(ms, resolve));
  }
}
