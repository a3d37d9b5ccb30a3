// One generation of one app: its pool, its log, and what the emperor is told of both. It says when the instance is
// ready, has failed or is over; who runs is the pool's business. It never serves a request and never binds a port.
import type { NativeAddon } from '../native/index.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { workerExit } from '../lib/exit-codes.ts';
import type { Logger } from './log.ts';
import { logFile } from '../lib/run-dir.ts';
import { formatDuration } from '../lib/units.ts';
import type { Failure, ReadyBy, Registration, StartVassal, VassalState } from '../lib/vassal-messages.ts';
import { AppLog } from './app-log.ts';
import type { Pool, PoolOptions } from './pool.ts';
import { ProcessTree } from './process-tree.ts';
import { WorkerPool } from './worker-pool.ts';

export interface PrimaryOptions {
  readonly name: string;
  readonly generation: number;
  readonly start: StartVassal;
  readonly addon: NativeAddon | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** What `state` tells has changed. */
  onChange(): void;
  /** Everything has ended and is cleaned up; the program is to exit with this code. */
  onEnd(code: number): void;
}

export class Primary {
  readonly #options: PrimaryOptions;
  readonly #log: AppLog;
  readonly #tree: ProcessTree;
  readonly #startedMs: number;
  #pool: Pool | undefined;
  #readyTimer: Timer | undefined;
  #processes: number;
  #registrations: readonly Registration[];
  #phase: VassalState['phase'] = 'starting';
  #readyMs: number | null = null;
  #readyBy: ReadyBy | null = null;
  #failure: Failure | null = null;
  #isEnding = false;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    this.#tree = new ProcessTree(options.addon, options.start.dir);
    this.#startedMs = options.clock.nowMs();
    this.#processes = options.start.processes;
    this.#registrations = options.start.registrations;
    this.#log = new AppLog({
      path: logFile(options.start.dir),
      app: options.name,
      generation: options.generation,
      clock: options.clock,
      onProblem: () => {
        options.onChange();
      },
    });
  }

  get start(): StartVassal {
    return this.#options.start;
  }

  /** As last told. */
  get registrations(): readonly Registration[] {
    return this.#registrations;
  }

  get state(): VassalState {
    return {
      type: 'state',
      phase: this.#phase,
      readyMs: this.#readyMs,
      readyBy: this.#readyBy,
      processes: this.#processes,
      workers: this.#pool?.members ?? [],
      failure: this.#failure,
      logProblem: this.#log.problem,
    };
  }

  /** Begins; every outcome is told by `state` and onEnd. */
  async run(): Promise<void> {
    const options = this.#poolOptions();
    // Worker processes are started in this very turn; what few apps need is loaded for those only.
    const isOurs = this.start.spec.upstream === undefined;
    this.#pool = isOurs ? new WorkerPool(options) : await openBackends(options);
    if (this.#isOver()) {
      void this.#end();
      return;
    }
    this.#readyTimer = this.#options.clock.after(this.start.spec['ready-timeout'], () => {
      this.#onOverdue();
    });
    const problem = this.#pool.open();
    if (problem !== undefined) this.#fail({ kind: 'cannot-load', message: problem });
  }

  scale(processes: number): void {
    if (processes === this.#processes || this.#isOver()) return;
    this.#options.logger.info({ from: this.#processes, to: processes }, 'told to scale');
    this.#processes = processes;
    this.#pool?.scale(processes);
    this.#options.onChange();
  }

  register(registrations: readonly Registration[]): void {
    if (this.#isOver()) return;
    this.#registrations = registrations;
    this.#pool?.register(registrations);
  }

  /** Ends all there is; onEnd follows. Doing it again does nothing. */
  stop(reason: string): void {
    if (this.#isOver()) return;
    if (this.#phase === 'starting') this.#reportMissing('when it was told to stop');
    this.#options.logger.info({ reason }, 'stopping');
    this.#enter('stopping');
    this.#pool?.stop();
  }

  #poolOptions(): PoolOptions {
    return {
      ...this.#options,
      tree: this.#tree,
      output: this.#log,
      events: {
        onChange: () => {
          this.#options.onChange();
        },
        onReady: (by) => {
          this.#onReady(by);
        },
        onFailed: (failure) => {
          if (this.#phase === 'starting') this.#fail(failure);
          else this.#note(null, failure.message);
        },
        note: (member, text) => {
          this.#note(member, text);
        },
        onEmpty: () => {
          void this.#end();
        },
      },
    };
  }

  #onReady(by: ReadyBy): void {
    if (this.#phase !== 'starting') return;
    this.#readyMs = Math.round(this.#options.clock.nowMs() - this.#startedMs);
    this.#readyBy = by;
    this.#options.logger.info({ readyMs: this.#readyMs, readyBy: by }, 'all it began with is ready');
    this.#enter('ready');
  }

  #onOverdue(): void {
    const limit = formatDuration(this.start.spec['ready-timeout']);
    this.#reportMissing(`after ${limit}`);
    const message = this.#pool?.onOverdue();
    if (message === undefined) return;
    this.#fail({ kind: 'crashed', message: `${message} within ${limit} (ready-timeout)` });
  }

  #fail({ kind, message }: Pick<Failure, 'kind' | 'message'>): void {
    this.#failure = { kind, message, log: this.#log.tail };
    this.#note(null, message);
    this.#enter('failed');
    this.#pool?.stop();
  }

  #enter(phase: VassalState['phase']): void {
    this.#options.logger.info({ from: this.#phase, to: phase, why: this.#failure?.message }, `instance ${phase}`);
    this.#readyTimer?.cancel();
    this.#phase = phase;
    this.#options.onChange();
  }

  /** Tells in both logs what each member that is not ready still owes. */
  #reportMissing(when: string): void {
    for (const { member, text } of this.#pool?.missing() ?? []) {
      this.#note(member, `worker ${member} is not ready ${when}: ${text}`);
    }
  }

  #note(member: number | null, text: string): void {
    this.#options.logger.warn(member === null ? {} : { worker: member }, text);
    this.#log.write(member, 'err', `[emperor] ${text}`);
  }

  #isOver(): boolean {
    return this.#phase === 'stopping' || this.#phase === 'failed';
  }

  async #end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    // What no worker's number led to (a daemon that cleaned its environment) ends with us too.
    for (const pid of this.#tree.all()) killQuietly(pid);
    this.#pool?.close();
    this.#tree.close();
    await this.#log.close();
    this.#options.onChange();
    this.#options.onEnd(exitCode(this.#failure));
  }
}

async function openBackends(options: PoolOptions): Promise<Pool> {
  const { BackendPool } = await import('./runtimes/upstream/backend-pool.ts');
  return new BackendPool(options);
}

function exitCode(failure: Failure | null): number {
  if (failure === null) return workerExit.ok;
  return failure.kind === 'cannot-load' ? workerExit.cannotLoad : workerExit.bootError;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
