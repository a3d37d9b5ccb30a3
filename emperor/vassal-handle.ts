// One instance as the emperor sees it: the primary's process, its connection, what it last told of itself, and its
// place in the lifecycle. Every change of state happens in `apply` and is logged there; nothing here decides.
import type { Clock } from '../lib/clock.ts';
import { workerExit } from '../lib/exit-codes.ts';
import type { Logger } from '../lib/log.ts';
import { formatDuration } from '../lib/units.ts';
import {
  decodeFromVassal,
  type Registration,
  type StartVassal,
  type ToVassal,
  type VassalHello,
  type VassalState,
} from '../lib/vassal-messages.ts';
import type { Child, ChildExit } from './child.ts';
import type { Connection } from './connection.ts';
import { instanceKey, type Deployable, type InstanceFacts } from './facts.ts';
import { transition, type Effect, type InstanceEvent, type InstanceState } from './lifecycle.ts';
import { tailOfLog } from './log-file.ts';
import { Workforce } from './workforce.ts';

/** How a start failed, or a ready instance died. */
export interface Fall {
  readonly kind: 'cannot-load' | 'crashed' | 'not-ready';
  readonly message: string;
  /** The last lines the workers wrote, oldest first, at most 50. */
  readonly log: readonly string[];
  /** How long it had been ready; 0 where it never was. */
  readonly healthyMs: number;
}

export interface VassalEvents {
  /** Something that status, routes or the plan depend on changed. */
  onChange(vassal: VassalHandle): void;
  onFailedStart(vassal: VassalHandle, fall: Fall): void;
  onDeath(vassal: VassalHandle, fall: Fall): void;
}

export interface VassalOptions {
  readonly name: string;
  readonly generation: number;
  readonly deployable: Deployable;
  /** The generation's own directory. */
  readonly dir: string;
  /** Workers to begin with. */
  readonly processes: number;
  /** Backends registered at run time, as they are when they are asked for. */
  readonly registrations: () => readonly Registration[];
  /** It had the traffic under another emperor. */
  readonly isPromoted: boolean;
  /** And lost it to a newer one under that emperor. */
  readonly isOutdated: boolean;
  /** When it was asked for, on the monotonic clock: a deploy's time counts from here. */
  readonly sinceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: VassalEvents;
}

/** The primary enforces stop-timeout itself; we step in only after that. Also what a primary may take to dial in. */
const graceMs = 2000;
/** At ready-timeout the primary says in its log what each worker is waiting for; that is part of the verdict. */
const verdictMs = 100;
/** Between two attempts to kill what does not end. */
const killAgainMs = 1000;
/** The last message of a process can be heard after its end: the two arrive on different ways. */
const lastWordsMs = 300;

export class VassalHandle {
  readonly name: string;
  readonly generation: number;
  readonly dir: string;
  /** When it was asked for: a deploy's time counts from here. */
  sinceMs: number;
  /** Version of the first published table with and without this instance; 0: none yet. */
  routedVersion = 0;
  unroutedVersion = 0;
  /** Its becoming live was told already, or needs no telling because it was adopted. */
  isAnnounced = false;
  /** It was given the whole traffic once. */
  isPromoted: boolean;
  /** Since when every router gives it the whole traffic, on the monotonic clock. */
  liveSinceMs: number | undefined;
  readonly #options: VassalOptions;
  #child: Child | undefined;
  #connection: Connection | undefined;
  #state: InstanceState = 'starting';
  #deadlineMs: number | undefined;
  #readyAtMs: number | undefined;
  #report: VassalState | undefined;
  #exit: ChildExit | undefined;
  readonly #workforce: Workforce;
  #isOutdated: boolean;

  constructor(options: VassalOptions) {
    this.#options = options;
    this.name = options.name;
    this.generation = options.generation;
    this.dir = options.dir;
    this.sinceMs = options.sinceMs;
    this.isPromoted = options.isPromoted;
    this.#isOutdated = options.isOutdated;
    this.#workforce = new Workforce({
      instance: instanceKey(options.name, options.generation),
      processes: options.processes,
      isForeign: options.deployable.spec.upstream !== undefined,
    });
    this.#armDeadline(false);
  }

  get state(): InstanceState {
    return this.#state;
  }

  get deployable(): Deployable {
    return this.#options.deployable;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isAdopted(): boolean {
    return this.#child?.isAdopted === true;
  }

  /** What the primary last told; undefined before its first word. */
  get report(): VassalState | undefined {
    return this.#report;
  }

  facts(): InstanceFacts {
    return {
      ...this.#workforce.facts(),
      generation: this.generation,
      deployable: this.deployable,
      state: this.#state,
      deadlineMs: this.#deadlineMs,
      unroutedVersion: this.unroutedVersion,
      isPromoted: this.isPromoted,
      isOutdated: this.#isOutdated,
      liveSinceMs: this.liveSinceMs,
    };
  }

  /** True while it may still have to give way to the one before it. */
  isOnProbation(nowMs: number): boolean {
    if (this.isAdopted && this.isPromoted) return false;
    return this.liveSinceMs === undefined || nowMs - this.liveSinceMs < this.deployable.spec.settle;
  }

  /** Workers with a higher id are to be given no requests any more, or are again. */
  narrow(processes: number): void {
    this.#workforce.narrow(processes, this.#options.clock.nowMs());
    this.#options.log.info({ app: this.name, generation: this.generation, processes }, 'workers narrowed');
  }

  /** Tells the primary how many workers to keep. */
  scale(processes: number): void {
    this.#workforce.scale(processes);
    this.#options.log.info({ app: this.name, generation: this.generation, processes }, 'scaling');
    this.#send({ type: 'scale', processes });
  }

  /** Tells the primary which backends are registered. */
  tellRegistrations(): void {
    this.#send({ type: 'registrations', registrations: this.#options.registrations() });
  }

  /** Gives the handle its process. */
  own(child: Child): void {
    this.#child = child;
  }

  /** Lets go of the process, which goes on. */
  release(): void {
    this.#child?.release();
  }

  /** The primary dialled in, for the first time or again. */
  attach(connection: Connection, hello: VassalHello): void {
    this.#connection = connection;
    connection.handTo({
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onClose: () => {
        if (this.#connection === connection) this.#onConnectionLost();
      },
    });
    if (hello.running !== null) this.#onRunning(hello.running.state);
    else if (this.#state === 'starting') this.#sendStart();
    // What was said while nobody listened is said again: messages are level-triggered.
    if (this.#state === 'stopping') this.#send({ type: 'stop' });
  }

  /** The process is gone. Its last words may still be on their way through the socket. */
  onExit(exit: ChildExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    const isHeard = this.#connection === undefined || !this.#connection.isOpen;
    if (isHeard) this.apply('exited');
    else {
      this.#options.clock.after(lastWordsMs, () => {
        this.apply('exited');
      });
    }
  }

  /** The one place where an instance's state changes. */
  apply(event: InstanceEvent): void {
    const from = this.#state;
    const row = transition(from, event);
    const line = { app: this.name, generation: this.generation, child: this.pid, from, event };
    if (row === 'impossible') {
      this.#options.log.error(line, 'event that cannot happen in this state');
      return;
    }
    if (row === 'ignored') return;
    this.#state = row.to;
    if (event === 'recalled') this.#onRecalled();
    const healthyMs = this.#readyAtMs === undefined ? 0 : this.#options.clock.nowMs() - this.#readyAtMs;
    if (event === 'ready') {
      this.#readyAtMs = this.#options.clock.nowMs();
      this.#workforce.countCrashes();
    }
    this.#armDeadline(from === row.to);
    this.#options.log.info({ ...line, to: row.to, exit: this.#exit?.message }, `${from} -> ${row.to}`);
    for (const effect of row.effects) this.#perform(effect, { event, healthyMs });
    this.#options.events.onChange(this);
  }

  /** A fall for a reason that somebody else found, with what the workers said last. */
  fallFor(message: string): Fall {
    const healthyMs = this.#readyAtMs === undefined ? 0 : this.#options.clock.nowMs() - this.#readyAtMs;
    return { kind: 'crashed', message, log: tailOfLog(this.dir, 50), healthyMs };
  }

  #perform(effect: Effect, cause: { readonly event: InstanceEvent; readonly healthyMs: number }): void {
    switch (effect) {
      case 'send-stop':
        // Without a connection the primary hears it after its next hello, or is killed at the deadline.
        this.#send({ type: 'stop' });
        return;
      case 'kill-tree':
        this.#child?.killTree();
        return;
      case 'record-failed-start':
        this.#options.events.onFailedStart(this, this.#fall(cause.event, 0));
        return;
      case 'record-death':
        this.#options.events.onDeath(this, this.#fall(cause.event, cause.healthyMs));
        return;
    }
  }

  #onMessage(message: unknown): void {
    const decoded = decodeFromVassal(message);
    if (typeof decoded === 'string') {
      this.#options.log.warn({ app: this.name, generation: this.generation, why: decoded }, 'message dropped');
      return;
    }
    if (decoded.type === 'state') this.#onState(decoded);
  }

  #onState(report: VassalState): void {
    this.#report = report;
    this.#workforce.take(report.workers);
    switch (report.phase) {
      case 'starting':
        break;
      case 'ready':
        if (this.#state === 'starting') this.apply('ready');
        break;
      case 'failed':
        this.apply('gave-up');
        break;
      case 'stopping':
        // Said without being asked: somebody signalled the primary.
        if (this.#state === 'starting' || this.#state === 'ready') this.apply('gave-up');
        break;
    }
    this.#options.events.onChange(this);
  }

  /** It runs: under us, or since before us. Both sides may have missed the other's last word. */
  #onRunning(state: VassalState): void {
    const { processes } = this.#workforce;
    if (this.#report === undefined) this.#workforce.scale(state.processes);
    else if (state.processes !== processes) this.#send({ type: 'scale', processes });
    this.#onState(state);
    if (this.deployable.spec.upstream !== undefined) this.tellRegistrations();
  }

  /** It serves again, and that will be told as any deploy is. */
  #onRecalled(): void {
    this.sinceMs = this.#options.clock.nowMs();
    this.#isOutdated = false;
    this.isAnnounced = false;
    this.routedVersion = 0;
    this.unroutedVersion = 0;
    this.#workforce.countCrashes();
  }

  #onConnectionLost(): void {
    this.#connection = undefined;
    // A living primary dials again within a second; a dead one has now said its last word.
    if (this.#exit !== undefined && this.#state !== 'exited') this.apply('exited');
  }

  #sendStart(): void {
    const { spec, digest } = this.#options.deployable;
    // Only now is there anything that could become ready.
    this.#deadlineMs = this.#options.clock.nowMs() + spec['ready-timeout'] + verdictMs;
    const start: StartVassal = {
      type: 'start',
      spec,
      digest,
      dir: this.dir,
      processes: this.#workforce.processes,
      registrations: this.#options.registrations(),
    };
    this.#send(start);
  }

  #send(message: ToVassal): void {
    this.#connection?.send(message);
  }

  #fall(event: InstanceEvent, healthyMs: number): Fall {
    const failure = this.#report?.failure;
    if (failure !== null && failure !== undefined) return { ...failure, healthyMs };
    const log = tailOfLog(this.dir, 50);
    const { spec } = this.#options.deployable;
    if (event === 'ready-timeout') {
      const ready = this.#workforce.ready.length;
      const limit = formatDuration(spec['ready-timeout']);
      const message = `not ready after ${limit} (ready-timeout): ${ready} of ${this.#workforce.processes} workers are`;
      return { kind: 'not-ready', message, log, healthyMs };
    }
    const kind = this.#exit?.code === workerExit.cannotLoad ? 'cannot-load' : 'crashed';
    return {
      kind,
      message: `the primary ${this.#exit?.message ?? 'was told to stop by somebody else'}`,
      log,
      healthyMs,
    };
  }

  #armDeadline(isRepeated: boolean): void {
    const { spec } = this.#options.deployable;
    const delaysMs: Record<InstanceState, number | undefined> = {
      starting: spec['ready-timeout'] + graceMs,
      ready: undefined,
      draining: spec['drain-timeout'],
      stopping: isRepeated ? killAgainMs : spec['stop-timeout'] + graceMs,
      exited: undefined,
    };
    const delayMs = delaysMs[this.#state];
    this.#deadlineMs = delayMs === undefined ? undefined : this.#options.clock.nowMs() + delayMs;
  }
}
