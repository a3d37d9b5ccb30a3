// One worker as the primary sees it: an id and a socket that stay, a process that comes and goes. Every change of
// its phase happens in `apply` and is logged there. It does what the pool plan says and decides only when a worker
// that died may come back.
import type { Clock } from '../lib/clock.ts';
import type { ReadyBy, WorkerState } from '../lib/vassal-messages.ts';
import type { Logger } from './log.ts';
import type { NativeAddon } from '../native/index.ts';
import type { AppLog } from './app-log.ts';
import type { Launch, LaunchResult } from './launch.ts';
import type { WorkerView } from './pool-plan.ts';
import type { HealthCheck } from './probes.ts';
import type { ProcessTree } from './process-tree.ts';
import { Readiness } from './readiness.ts';
import { healthyMs, respawnDelayMs } from './respawn-delay.ts';
import { describeDeath, type WorkerDeath } from './worker-death.ts';
import { nextPhase, type WorkerEvent, type WorkerPhase } from './worker-lifecycle.ts';
import { readWorkerMessage } from './worker-messages.ts';
import { WorkerProcess, type WorkerExit } from './worker-process.ts';

export interface WorkerHandleOptions {
  readonly id: number;
  /** `unix:/path` of its own socket. */
  readonly address: string;
  readonly stopSignal: NodeJS.Signals;
  readonly healthCheck: HealthCheck | undefined;
  /** The Host of probes. */
  readonly host: string;
  readonly addon: NativeAddon | undefined;
  readonly tree: ProcessTree;
  readonly output: AppLog;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  launch(): Promise<LaunchResult>;
  /** Its phase, pid or address changed. */
  onChange(): void;
  onReady(by: ReadyBy): void;
  /** Its process ended although nobody told it to. */
  onDeath(death: WorkerDeath): void;
}

/** A command that found its port taken is given another one, this many times in a row. */
const portAttempts = 3;

export class WorkerHandle {
  readonly id: number;
  readonly #options: WorkerHandleOptions;
  #phase: WorkerPhase = 'backoff';
  #sinceMs: number;
  #dueMs: number;
  #killedMs: number | null = null;
  #process: WorkerProcess | undefined;
  #launch: Launch | undefined;
  #readiness: Readiness | undefined;
  #address: string;
  /** Its process takes client connections over there. */
  #handoff: string | null = null;
  #spawns = 0;
  #spawnedMs = 0;
  #deaths = 0;
  #portsTaken = 0;
  #lastExit: string | null = null;
  #cannotLoad: string | undefined;

  constructor(options: WorkerHandleOptions) {
    this.id = options.id;
    this.#options = options;
    this.#address = options.address;
    this.#sinceMs = options.clock.nowMs();
    this.#dueMs = this.#sinceMs;
  }

  get view(): WorkerView {
    const { id } = this;
    return { id, phase: this.#phase, sinceMs: this.#sinceMs, dueMs: this.#dueMs, killedMs: this.#killedMs };
  }

  /** What the emperor is told of it; nothing once it has ended. */
  get state(): WorkerState | undefined {
    if (this.#phase === 'ended') return undefined;
    return {
      id: this.id,
      pid: this.#phase === 'backoff' ? null : (this.#process?.pid ?? null),
      state: this.#phase,
      address: this.#address,
      weight: 1,
      handoff: this.#handoff,
      protocol: this.#launch?.protocol ?? 'http',
      capacity: this.#launch?.capacity ?? null,
      restarts: Math.max(0, this.#spawns - 1),
      lastExit: this.#lastExit,
    };
  }

  /** What it has not done yet to be ready; undefined where it is ready or does not run. */
  get missing(): string | undefined {
    return this.#phase === 'starting' ? (this.#readiness?.missing() ?? 'its process is not started yet') : undefined;
  }

  spawn(reason: string): void {
    this.#spawns += 1;
    this.#spawnedMs = this.#options.clock.nowMs();
    this.#killedMs = null;
    this.#cannotLoad = undefined;
    this.#address = this.#options.address;
    this.#apply('spawned', { reason });
    // Launching reports its failure as an exit and does not reject.
    void this.#start();
  }

  stop(reason: string): void {
    this.#readiness?.cancel();
    this.#apply('told-to-stop', { reason });
    this.#process?.stop(this.#options.stopSignal);
  }

  kill(reason: string): void {
    this.#killedMs = this.#options.clock.nowMs();
    this.#options.logger.warn({ worker: this.id, pid: this.#process?.pid, reason }, 'worker is killed');
    this.#process?.kill();
  }

  /** READY=1 came from process `pid`: true where that is one of this worker's. */
  onNotified(pid: number): boolean {
    if (this.#process?.holds(pid) !== true) return false;
    this.#readiness?.notified();
    return true;
  }

  async #start(): Promise<void> {
    const launch = await this.#options.launch();
    if ('problem' in launch) {
      this.#onExit({ code: null, message: launch.problem, isNotStarted: true, saysAddressInUse: false });
      return;
    }
    if (this.#phase !== 'starting') {
      // It was told to stop while a port was looked for.
      this.#apply('exited', {});
      return;
    }
    this.#launch = launch;
    const { tree, output, logger, clock, healthCheck, host, address } = this.#options;
    this.#process = new WorkerProcess({
      worker: this.id,
      launch,
      addon: this.#options.addon,
      tree,
      output,
      logger,
      clock,
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onExit: (exit) => {
        this.#onExit(exit);
      },
    });
    this.#readiness = new Readiness({
      address,
      port: launch.port,
      protocol: launch.protocol,
      tellsListening: launch.tellsListening,
      healthCheck,
      host,
      clock,
      onProof: (proof) => {
        this.#address = proof.address;
        this.#apply('proved', { by: proof.by });
        this.#options.onReady(proof.by);
      },
    });
    this.#readiness.start();
    this.#options.onChange();
  }

  #onMessage(message: unknown): void {
    const known = readWorkerMessage(message);
    if (known === undefined) return;
    if (known === 'ready') this.#readiness?.said();
    else if (known.emperor === 'listening') this.#onListening(known.handoff);
    else if (known.emperor === 'loaded') this.#readiness?.loaded(known.serves);
    else this.#cannotLoad = known.message;
  }

  #onListening(takesConnections: boolean): void {
    const handoff = takesConnections ? (this.#launch?.handoff ?? null) : null;
    const isChanged = handoff !== this.#handoff;
    this.#handoff = handoff;
    this.#readiness?.listening();
    // It may have been ready by another proof before.
    if (isChanged) this.#options.onChange();
  }

  #onExit(exit: WorkerExit): void {
    this.#handoff = null;
    this.#readiness?.cancel();
    this.#lastExit = exit.message;
    const death = this.#phase === 'stopping' ? undefined : this.#describe(exit);
    this.#readiness = undefined;
    const isTriedAgain = death !== undefined && this.#isPortTaken(exit);
    const delayMs = death === undefined || isTriedAgain ? 0 : this.#countDeath(death);
    this.#dueMs = this.#options.clock.nowMs() + delayMs;
    this.#process = undefined;
    this.#launch = undefined;
    // The death first: it may end the whole instance, and then nothing must be started again.
    if (death !== undefined && !isTriedAgain) this.#options.onDeath(death);
    this.#apply('exited', { exit: exit.message, delayMs });
  }

  #describe(exit: WorkerExit): WorkerDeath {
    return describeDeath(exit, {
      worker: this.id,
      runtime: this.#launch?.runtime ?? 'command',
      wasReady: this.#phase === 'ready',
      cannotLoad: this.#cannotLoad,
      isLoaded: this.#readiness?.isLoaded === true,
    });
  }

  /** True where another port is worth a try. A program that insists on a port of its own ends this soon. */
  #isPortTaken(exit: WorkerExit): boolean {
    const isTaken = this.#phase === 'starting' && exit.saysAddressInUse && this.#launch?.port !== undefined;
    this.#portsTaken = isTaken ? this.#portsTaken + 1 : 0;
    return isTaken && this.#portsTaken <= portAttempts;
  }

  /** Returns how long to wait before the next start. */
  #countDeath({ wasReady }: WorkerDeath): number {
    const { clock, random } = this.#options;
    const wasHealthy = wasReady && clock.nowMs() - this.#spawnedMs >= healthyMs;
    this.#deaths = wasHealthy ? 1 : this.#deaths + 1;
    return respawnDelayMs(this.#deaths, random());
  }

  /** The one place where a worker's phase changes. */
  #apply(event: WorkerEvent, details: Readonly<Record<string, unknown>>): void {
    const { logger, clock } = this.#options;
    const from = this.#phase;
    const to = nextPhase(from, event);
    const line = { worker: this.id, pid: this.#process?.pid, from, event, ...details };
    if (to === 'impossible') {
      logger.error(line, 'event that cannot happen in this phase');
      return;
    }
    if (from === to) return;
    this.#phase = to;
    this.#sinceMs = clock.nowMs();
    logger.info({ ...line, to }, `worker ${from} -> ${to}`);
    this.#options.onChange();
  }
}
