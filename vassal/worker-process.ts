// One process of a worker, from its start until nothing of it is left: its descendants are part of it, whoever
// their parent is by now. Tells once how it ended. It knows no readiness and no pool.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../lib/clock.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from './log.ts';
import type { AppLog } from './app-log.ts';
import type { Launch } from './launch.ts';
import type { NativeAddon } from '../native/index.ts';
import { OutputPipes } from './output-pipes.ts';
import { Output } from './output.ts';
import type { ProcessTree } from './process-tree.ts';

export interface WorkerExit {
  /** Null where a signal ended it, or it never started. */
  readonly code: number | null;
  /** In words: `exit code 1`, `killed by SIGKILL`, `not started: …`. */
  readonly message: string;
  /** It could not even be started (no such program, no right to run it). */
  readonly isNotStarted: boolean;
  /** It wrote that an address it wanted is taken. */
  readonly saysAddressInUse: boolean;
}

export interface WorkerProcessOptions {
  readonly worker: number;
  readonly launch: Launch;
  readonly addon: NativeAddon | undefined;
  readonly tree: ProcessTree;
  readonly output: AppLog;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onMessage: (message: unknown) => void;
  /** The process and all it left behind are gone, and its output is with the log. */
  readonly onExit: (exit: WorkerExit) => void;
}

/** How often what is left of a dead worker is looked at. */
const sweepMs = 25;
/** KILLed processes that are still there after this hang in the kernel; they are left, and named in the log. */
const givenUpAfterMs = 5000;
/** Bytes that a dead worker wrote are in the pipe already; more time than this they do not take. */
const outputMs = 1000;

export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess | undefined;
  readonly #signalled = new Set<number>();
  #stopSignal: NodeJS.Signals | undefined;
  #isKilled = false;
  #hasExited = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    const { command, args, cwd, env, stdio } = options.launch;
    let pipes: OutputPipes | undefined;
    try {
      pipes = new OutputPipes(options.addon);
      this.#child = spawn(command, args, { cwd, env: { ...env }, stdio: pipes.into(stdio) });
      pipes.closeWriteEnds();
    } catch (error) {
      // Some failures (E2BIG, EAGAIN, a NUL in an argument) are thrown and not emitted.
      this.#child = undefined;
      pipes?.discard();
      setImmediate(() => {
        options.onExit(this.#notStarted(error));
      });
      return;
    }
    this.#watch(this.#child, pipes);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True for the process itself and everything below it. */
  holds(pid: number): boolean {
    return this.pid !== undefined && this.#options.tree.holds(this.pid, this.#options.worker, pid);
  }

  /** Asks it to end; the caller sets the deadline and calls kill. */
  stop(signal: NodeJS.Signals): void {
    this.#stopSignal = signal;
    if (this.pid === undefined || this.#hasExited) return;
    if (signal === 'SIGKILL') this.kill();
    else if (this.#options.launch.signalsTree) this.#signal([this.pid, ...this.#left()]);
    else this.#signal([this.pid]);
  }

  /** Ends it and everything below it. */
  kill(): void {
    this.#isKilled = true;
    const left = this.#left();
    // The list first: once the worker is dead, only what bears its number is found.
    const pids = this.pid === undefined || this.#hasExited ? left : [this.pid, ...left];
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
  }

  #watch(child: ChildProcess, pipes: OutputPipes): void {
    const { worker, output, tree, onMessage, onExit } = this.#options;
    const { pid } = child;
    if (pid === undefined) {
      pipes.discard();
      child.once('error', (error) => {
        onExit(this.#notStarted(error));
      });
      return;
    }
    tree.add(pid);
    const captured = new Output(pipes.of(child), worker, output);
    child.on('message', onMessage);
    // An error after the start is a signal or message that came too late: the exit tells all.
    child.on('error', () => undefined);
    child.once('exit', (code, signal) => {
      this.#hasExited = true;
      tree.remove(pid);
      const message = signal === null ? `exit code ${code ?? 0}` : `killed by ${signal}`;
      // Nothing rejects in there; the outcome is told by onExit.
      void this.#finish(captured).then(() => {
        onExit({ code, message, isNotStarted: false, saysAddressInUse: captured.saysAddressInUse });
      });
    });
  }

  /** What the dead process left behind gets what is left of the stop's time, or, after a crash, none. */
  async #finish(captured: Output): Promise<void> {
    const { clock, logger, worker } = this.#options;
    let killedSinceMs: number | undefined;
    for (let left = this.#left(); left.length > 0; left = this.#left()) {
      if (this.#stopSignal === undefined || this.#isKilled) {
        killedSinceMs ??= clock.nowMs();
        if (clock.nowMs() - killedSinceMs > givenUpAfterMs) {
          logger.error({ worker, pids: left }, 'processes of a worker survive KILL and are left behind');
          break;
        }
        for (const pid of left) sendSignal(pid, 'SIGKILL');
      } else {
        this.#signal(left);
      }
      await this.#pause(sweepMs);
    }
    const timer = clock.after(outputMs, () => {
      captured.destroy();
    });
    await captured.ended;
    timer.cancel();
  }

  /** The stop signal, once to each. */
  #signal(pids: readonly number[]): void {
    const signal = this.#stopSignal;
    if (signal === undefined) return;
    for (const pid of pids) {
      if (this.#signalled.has(pid)) continue;
      this.#signalled.add(pid);
      sendSignal(pid, signal);
    }
  }

  #left(): number[] {
    return this.#options.tree.below(this.#hasExited ? undefined : this.pid, this.#options.worker);
  }

  #notStarted(error: unknown): WorkerExit {
    const { what, cwd } = this.#options.launch;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such program',
      EACCES: 'it may not be run (permission denied)',
      ENOEXEC: 'it is no program for this machine',
    };
    const reason = reasons[errnoOf(error) ?? ''] ?? messageOf(error);
    const message = `${what} could not be started in ${cwd}: ${reason}`;
    return { code: null, message, isNotStarted: true, saysAddressInUse: false };
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.after(ms, resolve));
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile (ESRCH), or changed its user (EPERM), which the sweep reports if it stays.
  }
}
