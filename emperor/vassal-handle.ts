// One instance as the emperor sees it: the primary's process, its connection, what it last told of itself, and its
// place in the lifecycle. Every change of state happens in `apply` and is logged there; nothing here decides.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registration, StartVassal, VassalHello, VassalState } from '../lib/vassal-messages.ts';
import type { Child, ChildExit } from './child.ts';
import type { Connection } from './connection.ts';
import { readyLimitMs, stateLimitMs } from './deadlines.ts';
import { instanceKey, type Deployable, type InstanceFacts } from './facts.ts';
import { causeOfFall, type Fall } from './fall.ts';
import { transition, type Effect, type InstanceEvent, type InstanceState } from './lifecycle.ts';
import { tailOfLog } from './log-file.ts';
import { PrimaryLink } from './primary-link.ts';
import { Traffic, type TrafficOptions } from './traffic.ts';
import { Workforce } from './workforce.ts';

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
  readonly traffic: TrafficOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: VassalEvents;
}

/** The last message of a process can be heard after its end: the two arrive on different ways. */
const lastWordsMs = 300;

export class VassalHandle {
  readonly name: string;
  readonly generation: number;
  readonly dir: string;
  readonly traffic: Traffic;
  readonly #options: VassalOptions;
  #child: Child | undefined;
  #state: InstanceState = 'starting';
  #deadlineMs: number | undefined;
  #readyAtMs: number | undefined;
  #report: VassalState | undefined;
  #exit: ChildExit | undefined;
  readonly #workforce: Workforce;
  readonly #link: PrimaryLink;

  constructor(options: VassalOptions) {
    this.#options = options;
    this.name = options.name;
    this.generation = options.generation;
    this.dir = options.dir;
    this.traffic = new Traffic(options.traffic);
    this.#workforce = new Workforce({
      instance: instanceKey(options.name, options.generation),
      processes: options.processes,
      isForeign: options.deployable.spec.upstream !== undefined,
    });
    this.#link = new PrimaryLink({
      app: options.name,
      generation: options.generation,
      log: options.log,
      onState: (state) => {
        this.#onState(state);
      },
      onLost: () => {
        this.#onConnectionLost();
      },
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
      ...this.traffic.facts(),
      generation: this.generation,
      deployable: this.deployable,
      state: this.#state,
      deadlineMs: this.#deadlineMs,
    };
  }

  /** True while it may still have to give way to the one before it. */
  isOnProbation(nowMs: number): boolean {
    if (this.isAdopted && this.traffic.isPromoted) return false;
    return this.traffic.isNew(this.deployable.spec.settle, nowMs);
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
    this.#link.send({ type: 'scale', processes });
  }

  /** Tells the primary which backends are registered. */
  tellRegistrations(): void {
    this.#link.send({ type: 'registrations', registrations: this.#options.registrations() });
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
    this.#link.attach(connection);
    if (hello.running !== null) this.#onRunning(hello.running.state);
    else if (this.#state === 'starting') this.#sendStart();
    // What was said while nobody listened is said again: messages are level-triggered.
    if (this.#state === 'stopping') this.#link.send({ type: 'stop' });
  }

  /** The process is gone. Its last words may still be on their way through the socket. */
  onExit(exit: ChildExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    if (this.#link.isOpen) {
      this.#options.clock.after(lastWordsMs, () => {
        this.apply('exited');
      });
    } else this.apply('exited');
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
        this.#link.send({ type: 'stop' });
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
    else if (state.processes !== processes) this.#link.send({ type: 'scale', processes });
    this.#onState(state);
    if (this.deployable.spec.upstream !== undefined) this.tellRegistrations();
  }

  #onRecalled(): void {
    this.traffic.recall(this.#options.clock.nowMs());
    this.#workforce.countCrashes();
  }

  #onConnectionLost(): void {
    // A living primary dials again within a second; a dead one has now said its last word.
    if (this.#exit !== undefined && this.#state !== 'exited') this.apply('exited');
  }

  #sendStart(): void {
    const { spec, digest } = this.#options.deployable;
    this.#deadlineMs = this.#options.clock.nowMs() + readyLimitMs(spec);
    const start: StartVassal = {
      type: 'start',
      spec,
      digest,
      dir: this.dir,
      processes: this.#workforce.processes,
      registrations: this.#options.registrations(),
    };
    this.#link.send(start);
  }

  #fall(event: InstanceEvent, healthyMs: number): Fall {
    const failure = this.#report?.failure;
    if (failure !== null && failure !== undefined) return { ...failure, healthyMs };
    const cause = causeOfFall({
      event,
      exit: this.#exit,
      readyTimeoutMs: this.deployable.spec['ready-timeout'],
      ready: this.#workforce.ready.length,
      processes: this.#workforce.processes,
    });
    return { ...cause, log: tailOfLog(this.dir, 50), healthyMs };
  }

  #armDeadline(isRepeated: boolean): void {
    const limitMs = stateLimitMs(this.#state, this.deployable.spec, isRepeated);
    this.#deadlineMs = limitMs === undefined ? undefined : this.#options.clock.nowMs() + limitMs;
  }
}
