// The prefork server of one generation of one app. Each tick looks at the whole pool, lets the plan decide and does
// what it says; exits, proofs, commands and timers only wake it. It never serves a request and never binds a port.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeAddon, NotifySocket } from '../native/index.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { workerExit } from '../lib/exit-codes.ts';
import type { Logger } from '../lib/log.ts';
import type { Failure, ReadyBy, StartVassal, VassalState } from '../lib/messages.ts';
import { formatAddress } from '../lib/address.ts';
import { formatDuration } from '../lib/units.ts';
import { logFile } from '../lib/run-dir.ts';
import { AppLog } from './app-log.ts';
import { identityVariables, readEnvironment, type Variables } from './environment.ts';
import type { LaunchResult } from './launch.ts';
import { planPool, type PoolAction } from './pool-plan.ts';
import type { ProcessTree } from './process-tree.ts';
import { launchCommand } from './runtimes/command/launch.ts';
import { launchNode } from './runtimes/node/launch.ts';
import { Sockets } from './sockets.ts';
import type { WorkerDeath } from './worker-death.ts';
import { WorkerHandle } from './worker-handle.ts';

export interface PrimaryOptions {
  readonly name: string;
  readonly generation: number;
  readonly start: StartVassal;
  readonly addon: NativeAddon | undefined;
  readonly tree: ProcessTree;
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
  readonly #workers = new Map<number, WorkerHandle>();
  readonly #startedMs: number;
  #variables: Variables = {};
  #sockets: Sockets | undefined;
  #notifySocket: NotifySocket | undefined;
  #timer: Timer | undefined;
  #readyTimer: Timer | undefined;
  #isTicking = false;
  #isDirty = false;
  #phase: VassalState['phase'] = 'starting';
  #readyMs: number | null = null;
  #readyBy: ReadyBy | null = null;
  #failure: Failure | null = null;
  #isEnding = false;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
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

  get state(): VassalState {
    return {
      type: 'state',
      phase: this.#phase,
      readyMs: this.#readyMs,
      readyBy: this.#readyBy,
      processes: this.start.spec.processes,
      workers: [...this.#workers.values()].flatMap((worker) => worker.state ?? []),
      failure: this.#failure,
      logProblem: this.#log.problem,
    };
  }

  /** Binds the sockets and starts the workers. */
  run(): void {
    const { spec } = this.start;
    const problem = this.#prepare();
    if (problem !== undefined) {
      this.#fail({ kind: 'cannot-load', message: problem });
      this.#note(null, problem);
      return;
    }
    this.#readyTimer = this.#options.clock.after(spec['ready-timeout'], () => {
      this.#reportMissing(`after ${formatDuration(spec['ready-timeout'])}`);
    });
    this.#tick();
  }

  /** Ends all workers; onEnd follows. Doing it again does nothing. */
  stop(reason: string): void {
    if (this.#phase === 'stopping' || this.#phase === 'failed') return;
    if (this.#phase === 'starting') this.#reportMissing('when it was told to stop');
    this.#options.logger.info({ reason }, 'stopping');
    this.#enter('stopping');
    this.#tick();
  }

  /** What has to be there before a worker can start; returns what is wrong. */
  #prepare(): string | undefined {
    const { start, addon, env } = this.#options;
    const { spec, dir } = start;
    if (!isDirectory(spec.chdir)) return `the working directory ${spec.chdir} is not there (chdir)`;
    const environment = readEnvironment(spec, env);
    if ('problem' in environment) return environment.problem;
    const blocking = spec.command !== undefined;
    const sockets = Sockets.bind({ dir, processes: spec.processes, addon, blocking });
    if ('problem' in sockets) return sockets.problem;
    this.#sockets = sockets;
    const notify = this.#openNotifySocket(notifySocketPath(dir));
    this.#variables = { ...environment.variables, ...notify };
    return undefined;
  }

  /** Its failure costs one way of proving ready, no more. */
  #openNotifySocket(path: string): Variables {
    try {
      this.#notifySocket = this.#options.addon?.openNotifySocket(path, ({ pid, text }) => {
        // STATUS, STOPPING, WATCHDOG and the rest are taken without complaint.
        if (!text.split('\n').includes('READY=1')) return;
        if ([...this.#workers.values()].some((worker) => worker.onNotified(pid))) return;
        this.#options.logger.warn({ pid }, 'READY=1 of a process that is none of ours is ignored');
      });
    } catch (error) {
      this.#options.logger.warn({ path, why: messageOf(error) }, 'no notify socket: READY=1 will not be heard');
    }
    return this.#notifySocket === undefined ? {} : { NOTIFY_SOCKET: path };
  }

  #tick(): void {
    // An action may report its outcome at once and so ask for a tick within the tick.
    if (this.#isTicking) {
      this.#isDirty = true;
      return;
    }
    this.#isTicking = true;
    this.#isDirty = true;
    let nextMs: number | null = null;
    while (this.#takeDirty()) nextMs = this.#turn();
    this.#isTicking = false;
    this.#timer?.cancel();
    const { clock } = this.#options;
    this.#timer =
      nextMs === null
        ? undefined
        : clock.after(Math.max(0, nextMs - clock.nowMs()), () => {
            this.#tick();
          });
    if (this.#isOver() && this.#workers.size === 0) void this.#end();
  }

  #takeDirty(): boolean {
    const wasDirty = this.#isDirty;
    this.#isDirty = false;
    return wasDirty;
  }

  #turn(): number | null {
    const { spec } = this.start;
    const wanted = {
      processes: this.#isOver() ? 0 : spec.processes,
      stopTimeoutMs: spec['stop-timeout'],
      // Until all were ready once, the emperor decides how long it waits.
      readyTimeoutMs: this.#phase === 'ready' ? spec['ready-timeout'] : null,
    };
    const views = [...this.#workers.values()].map(({ view }) => view);
    const { actions, nextMs } = planPool(wanted, views, this.#options.clock.nowMs());
    for (const action of actions) this.#perform(action);
    return nextMs;
  }

  #perform({ type, id, reason }: PoolAction): void {
    const worker = this.#workers.get(id) ?? this.#addWorker(id);
    switch (type) {
      case 'spawn':
        worker.spawn(reason);
        return;
      case 'stop':
        if (worker.missing !== undefined && this.#phase === 'ready') this.#note(id, `${reason}: ${worker.missing}`);
        worker.stop(reason);
        return;
      case 'kill':
        worker.kill(reason);
        return;
      case 'forget':
        this.#workers.delete(id);
        return;
    }
  }

  #addWorker(id: number): WorkerHandle {
    const { addon, tree, logger, clock, random } = this.#options;
    const { spec } = this.start;
    const host = spec.domains.find((domain) => /^[^*/]+$/.test(domain)) ?? 'localhost';
    const check = spec['health-check'];
    const worker = new WorkerHandle({
      id,
      address: formatAddress({ kind: 'unix', path: this.#boundSockets().of(id).own.path }),
      stopSignal: `SIG${spec['stop-signal']}`,
      healthCheck: check === undefined ? undefined : { path: check.path, timeoutMs: check.timeout, host },
      host,
      addon,
      tree,
      output: this.#log,
      logger,
      clock,
      random,
      launch: () => this.#launch(id),
      onChange: () => {
        this.#options.onChange();
        this.#tick();
      },
      onReady: (by) => {
        this.#onReady(by);
      },
      onDeath: (death) => {
        this.#onDeath(death);
      },
    });
    this.#workers.set(id, worker);
    return worker;
  }

  async #launch(worker: number): Promise<LaunchResult> {
    const { name, generation, addon, random } = this.#options;
    const { spec } = this.start;
    const env = { ...this.#variables, ...identityVariables({ app: name, generation, worker, dir: this.start.dir }) };
    const sockets = this.#boundSockets().of(worker);
    const request = { spec, worker, sockets, env, hasAddon: addon !== undefined };
    return spec.command === undefined ? launchNode(request) : launchCommand(request, random);
  }

  #onReady(by: ReadyBy): void {
    const { logger, clock } = this.#options;
    if (this.#phase !== 'starting') return;
    const states = [...this.#workers.values()].map(({ view }) => view.phase);
    if (states.length < this.start.spec.processes || states.some((state) => state !== 'ready')) return;
    this.#readyTimer?.cancel();
    this.#readyMs = Math.round(clock.nowMs() - this.#startedMs);
    this.#readyBy = by;
    logger.info({ readyMs: this.#readyMs, readyBy: by }, 'all workers are ready');
    this.#enter('ready');
    this.#tick();
  }

  #onDeath(death: WorkerDeath): void {
    if (this.#phase === 'starting') this.#fail(death);
    this.#note(null, death.message);
  }

  #fail({ kind, message }: Pick<Failure, 'kind' | 'message'>): void {
    this.#failure = { kind, message, log: this.#log.tail };
    this.#enter('failed');
    this.#tick();
  }

  #enter(phase: VassalState['phase']): void {
    this.#options.logger.info({ from: this.#phase, to: phase, why: this.#failure?.message }, `instance ${phase}`);
    this.#readyTimer?.cancel();
    this.#phase = phase;
    this.#options.onChange();
  }

  /** Tells in both logs what each worker that is not ready still owes. */
  #reportMissing(when: string): void {
    for (const worker of this.#workers.values()) {
      const { missing } = worker;
      if (missing !== undefined) this.#note(worker.id, `worker ${worker.id} is not ready ${when}: ${missing}`);
    }
  }

  #note(worker: number | null, text: string): void {
    this.#options.logger.warn(worker === null ? {} : { worker }, text);
    this.#log.write(worker, 'err', `[emperor] ${text}`);
  }

  #isOver(): boolean {
    return this.#phase === 'stopping' || this.#phase === 'failed';
  }

  #boundSockets(): Sockets {
    if (this.#sockets === undefined) throw new Error('workers are added only after the sockets are bound');
    return this.#sockets;
  }

  async #end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#timer?.cancel();
    // What no worker's number led to (a daemon that cleaned its environment) ends with us too.
    for (const pid of this.#options.tree.all()) killQuietly(pid);
    this.#notifySocket?.close();
    rmSync(notifySocketPath(this.start.dir), { force: true });
    this.#sockets?.close();
    this.#options.tree.close();
    await this.#log.close();
    this.#options.onChange();
    this.#options.onEnd(exitCode(this.#failure));
  }
}

function exitCode(failure: Failure | null): number {
  if (failure === null) return workerExit.ok;
  return failure.kind === 'cannot-load' ? workerExit.cannotLoad : workerExit.bootError;
}

function notifySocketPath(dir: string): string {
  return join(dir, 'notify.sock');
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
