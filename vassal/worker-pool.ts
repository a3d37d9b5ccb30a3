// The worker processes of an instance. Each tick looks at all of them, lets the plan decide and does what it says;
// exits, proofs, commands and timers only wake it. It binds their sockets before they start.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NotifySocket } from '../native/index.ts';
import type { Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { formatAddress } from '../lib/address.ts';
import { workerSocket } from '../lib/run-dir.ts';
import { isPythonApp } from '../lib/spec/python-app.ts';
import type { ReadyBy, WorkerState } from '../lib/vassal-messages.ts';
import { identityVariables, readEnvironment, type Variables } from './environment.ts';
import type { LaunchRequest, LaunchResult } from './launch.ts';
import type { Missing, Pool, PoolOptions } from './pool.ts';
import { planPool, type PoolAction } from './pool-plan.ts';
import { probeHost } from './probes.ts';
import { launchNode } from './runtimes/node/launch.ts';
import { Sockets } from './sockets.ts';
import type { WorkerDeath } from './worker-death.ts';
import { WorkerHandle } from './worker-handle.ts';

export class WorkerPool implements Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Map<number, WorkerHandle>();
  readonly #sockets: Sockets;
  /** Workers 1 … trial are those by which the instance is ready or fails; 0 once it was ready. */
  #trial: number;
  #processes: number;
  #lastProof: ReadyBy = 'listen';
  #variables: Variables = {};
  #notifySocket: NotifySocket | undefined;
  #timer: Timer | undefined;
  #isTicking = false;
  #isDirty = false;
  #isStopped = false;

  constructor(options: PoolOptions) {
    const { start, addon } = options;
    this.#options = options;
    this.#processes = start.processes;
    this.#trial = start.processes;
    this.#sockets = new Sockets({
      dir: start.dir,
      addon,
      blocking: start.spec.command !== undefined,
      isShared: addon !== undefined || start.spec.processes === 1,
      handsOver: start.spec.app !== undefined && start.spec.handoff === 'auto',
    });
  }

  get members(): readonly WorkerState[] {
    return [...this.#workers.values()].flatMap((worker) => worker.state ?? []);
  }

  open(): string | undefined {
    const problem = this.#prepare();
    if (problem === undefined) this.#tick();
    return problem;
  }

  scale(processes: number): void {
    this.#processes = processes;
    // Fewer are all there will be; more are a growth of what is proven, or fails, without them.
    this.#trial = Math.min(this.#trial, processes);
    this.#tick();
    this.#judge();
  }

  register(): void {
    this.#options.logger.warn('backends were registered for an app that runs by itself; ignored');
  }

  missing(): readonly Missing[] {
    return [...this.#workers.values()].flatMap(({ id, missing }) =>
      missing === undefined ? [] : [{ member: id, text: missing }],
    );
  }

  onOverdue(): undefined {
    return undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#tick();
  }

  close(): void {
    this.#timer?.cancel();
    this.#notifySocket?.close();
    rmSync(notifySocketPath(this.#options.start.dir), { force: true });
    this.#sockets.close();
  }

  /** What has to be there before a worker can start; returns what is wrong. */
  #prepare(): string | undefined {
    const { start, env } = this.#options;
    const { spec, dir } = start;
    if (!isDirectory(spec.chdir)) return `the working directory ${spec.chdir} is not there (chdir)`;
    const environment = readEnvironment(spec, env);
    if ('problem' in environment) return environment.problem;
    const problem = this.#sockets.bind(this.#processes);
    if (problem !== undefined) return problem;
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
    const { clock, events } = this.#options;
    this.#timer =
      nextMs === null
        ? undefined
        : clock.after(Math.max(0, nextMs - clock.nowMs()), () => {
            this.#tick();
          });
    if (this.#isStopped && this.#workers.size === 0) events.onEmpty();
  }

  #takeDirty(): boolean {
    const wasDirty = this.#isDirty;
    this.#isDirty = false;
    return wasDirty;
  }

  #turn(): number | null {
    const { clock, start } = this.#options;
    const wanted = {
      processes: this.#isStopped ? 0 : this.#processes,
      stopTimeoutMs: start.spec['stop-timeout'],
      readyTimeoutMs: start.spec['ready-timeout'],
      trial: this.#trial,
    };
    const views = [...this.#workers.values()].map(({ view }) => view);
    const { actions, nextMs } = planPool(wanted, views, clock.nowMs());
    for (const action of actions) this.#perform(action);
    return nextMs;
  }

  #perform({ type, id, reason }: PoolAction): void {
    const worker = this.#workers.get(id) ?? this.#addWorker(id);
    const { events } = this.#options;
    switch (type) {
      case 'spawn':
        worker.spawn(reason);
        return;
      case 'end-overdue':
        events.note(id, `worker ${id}: ${reason}: ${worker.missing ?? 'nothing is known of it'}`);
        worker.stop(reason);
        return;
      case 'stop':
        worker.stop(reason);
        return;
      case 'kill':
        worker.kill(reason);
        return;
      case 'forget':
        this.#workers.delete(id);
        this.#sockets.release(id);
        events.onChange();
        return;
    }
  }

  #addWorker(id: number): WorkerHandle {
    const { addon, tree, output, logger, clock, random, start, events } = this.#options;
    const { spec } = start;
    const host = probeHost(spec.domains);
    const check = spec['health-check'];
    const worker = new WorkerHandle({
      id,
      address: formatAddress({ kind: 'unix', path: workerSocket(start.dir, id) }),
      stopSignal: `SIG${spec['stop-signal']}`,
      healthCheck: check === undefined ? undefined : { path: check.path, timeoutMs: check.timeout, host },
      host,
      addon,
      tree,
      output,
      logger,
      clock,
      random,
      launch: () => this.#launch(id),
      onChange: () => {
        events.onChange();
        this.#tick();
      },
      onReady: (by) => {
        this.#lastProof = by;
        this.#judge();
      },
      onDeath: (death) => {
        this.#onDeath(id, death);
      },
    });
    this.#workers.set(id, worker);
    return worker;
  }

  async #launch(worker: number): Promise<LaunchResult> {
    const { name, generation, addon, random, start } = this.#options;
    const problem = this.#sockets.add(worker);
    if (problem !== undefined) return { problem };
    const request: LaunchRequest = {
      spec: start.spec,
      worker,
      processes: this.#processes,
      sockets: this.#sockets.of(worker),
      env: { ...this.#variables, ...identityVariables({ app: name, generation, worker, dir: start.dir }) },
      hasAddon: addon !== undefined,
    };
    if (start.spec.app !== undefined) return launchNode(request);
    // Loaded for those only that need it: each module costs every start some of its time.
    if (isPythonApp(start.spec)) {
      const { launchPython } = await import('./runtimes/python/launch.ts');
      return launchPython(request);
    }
    const { launchCommand } = await import('./runtimes/command/launch.ts');
    return launchCommand(request, random);
  }

  /** The instance is ready once all those are on whom it depends. */
  #judge(): void {
    if (this.#trial === 0 || this.#isStopped) return;
    for (let id = 1; id <= this.#trial; id++) if (this.#workers.get(id)?.view.phase !== 'ready') return;
    this.#trial = 0;
    this.#options.events.onReady(this.#lastProof);
    // From now on it is us who watch the time that a worker takes to become ready.
    this.#tick();
  }

  #onDeath(id: number, { kind, message }: WorkerDeath): void {
    const { events } = this.#options;
    if (id <= this.#trial) events.onFailed({ kind, message });
    else events.note(null, message);
  }
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
