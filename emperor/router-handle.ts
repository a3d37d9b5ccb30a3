// One router process as the emperor sees it: its process, its connection, what it acknowledged and counted. It only
// passes on what it is given; which table to publish is the planner's to say.
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import {
  decodeFromRouter,
  type ConfigureRouter,
  type Probed,
  type PublishRoutes,
  type RouterHello,
  type RouterStats,
  type ToRouter,
} from '../lib/router-messages.ts';
import { chooseTransport, type TransportWish } from '../lib/transport-choice.ts';
import type { Child, ChildExit } from './child.ts';
import type { Connection } from './connection.ts';
import type { RouterFacts } from './facts.ts';
import type { Farewell } from './farewell.ts';
import { startTime } from './proc.ts';

export interface RouterEvents {
  /** It said hello, acknowledged, counted or lost its connection. */
  onChange(router: RouterHandle): void;
  onExit(router: RouterHandle, exit: ChildExit): void;
}

/** What a router said to a probe: which instance it reached, or why it reached none. */
export interface ProbeAnswer {
  /** `name/generation`; null where no worker was reached. */
  readonly instance: string | null;
  /** In words; empty where one was reached. */
  readonly reason: string;
}

interface PendingProbe {
  readonly app: string;
  readonly answer: (answer: ProbeAnswer | undefined) => void;
}

/** A router answers a probe in milliseconds, or as soon as the worker does. */
const probeTimeoutMs = 3000;

/** A router enforces its grace itself; it is killed this much later. */
const overdueMs = 5000;

export interface RouterOptions {
  readonly id: number;
  /** The addresses it was given, as formatAddress spells them; undefined where another emperor gave them. */
  readonly listen: readonly string[] | undefined;
  /** What it was told of its transport; undefined where another emperor told it. */
  readonly transport: TransportWish | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: RouterEvents;
}

export class RouterHandle {
  readonly id: number;
  readonly startedMs: number;
  /** Grows from the oldest router to the newest, also among those that other emperors started. */
  age = 0;
  /** It is to be replaced as soon as others serve (router-plan). */
  isStale = false;
  readonly #options: RouterOptions;
  #child: Child | undefined;
  #connection: Connection | undefined;
  #hello: RouterHello | undefined;
  #appliedVersion = 0;
  #busy: readonly string[] = [];
  #stats: RouterStats | undefined;
  #farewell: Farewell | undefined;
  #overdue: Timer | undefined;
  readonly #probes = new Map<number, PendingProbe>();
  #lastProbe = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.id = options.id;
    this.startedMs = options.clock.nowMs();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** It was asked to end, by us or by the emperor before us. */
  get isEnding(): boolean {
    return this.#farewell !== undefined || this.#hello?.isEnding === true;
  }

  /** The addresses it accepts on; undefined where it did not say so yet and we did not choose them. */
  get listen(): readonly string[] | undefined {
    return this.#options.listen ?? this.#hello?.listen;
  }

  /**
   * It moves bytes as `wish` says, or was told to and could do no better. `obstacle`: why a reactor cannot run here. One
   * that another emperor started is not judged before its hello.
   */
  movesBytesBy(wish: TransportWish, obstacle: string | undefined): boolean {
    const told = this.#options.transport;
    if (told === wish) return true;
    if (this.#hello === undefined) return told === undefined;
    const choice = chooseTransport(wish, obstacle);
    return typeof choice === 'string' || choice.transport === this.#hello.transport;
  }

  get isAdopted(): boolean {
    return this.#child?.isAdopted === true;
  }

  /** Its last hello; undefined before the first. */
  get hello(): RouterHello | undefined {
    return this.#hello;
  }

  get stats(): RouterStats | undefined {
    return this.#stats;
  }

  /** Undefined before its first hello: it accepts nothing yet, so it holds nothing. */
  facts(): RouterFacts | undefined {
    if (this.#hello === undefined) return undefined;
    return { id: this.id, appliedVersion: this.#appliedVersion, busy: this.#busy, isEnding: this.isEnding };
  }

  /** Has it reach a worker of the app as a request would. Undefined where the router died before it could tell. */
  async probe(app: string): Promise<ProbeAnswer | undefined> {
    const id = (this.#lastProbe += 1);
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(probeTimeoutMs, () => {
        answer({ instance: null, reason: `the router did not answer within ${probeTimeoutMs / 1000} seconds` });
      });
      const answer = (given: ProbeAnswer | undefined): void => {
        timer.cancel();
        this.#probes.delete(id);
        resolve(given);
      };
      this.#probes.set(id, { app, answer });
      this.send({ type: 'probe', id, app });
    });
  }

  own(child: Child): void {
    this.#child = child;
    this.age = Number((child.pid === undefined ? undefined : startTime(child.pid)) ?? 0);
  }

  /** The router dialled in. What it is to know is said right away, again or for the first time. */
  attach(connection: Connection, hello: RouterHello, state: readonly [ConfigureRouter, PublishRoutes?]): void {
    this.#hello = hello;
    this.#connection = connection;
    this.#appliedVersion = hello.routesVersion;
    connection.handTo({
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onClose: () => {
        if (this.#connection === connection) this.#connection = undefined;
      },
    });
    for (const message of state) if (message !== undefined) this.send(message);
    if (this.#farewell !== undefined) this.send({ type: 'shutdown', ...this.#farewell });
    for (const [id, { app }] of this.#probes) this.send({ type: 'probe', id, app });
    this.#options.events.onChange(this);
  }

  /** Without a connection nothing is lost: the next hello is answered with the whole state. */
  send(message: ToRouter): void {
    this.#connection?.send(message);
  }

  /** Has it send its listening descriptors to the unix socket `path`. */
  passListeners(path: string): void {
    this.send({ type: 'pass-listeners', path });
  }

  onExit(exit: ChildExit): void {
    this.#overdue?.cancel();
    for (const { answer } of [...this.#probes.values()]) answer(undefined);
    this.#options.events.onExit(this, exit);
  }

  /** Asks it to finish what runs and end. Asked again it can only end sooner. */
  shutDown(farewell: Farewell): void {
    this.#farewell = farewell;
    this.send({ type: 'shutdown', ...farewell });
    this.#overdue?.cancel();
    this.#overdue = this.#options.clock.after(farewell.graceMs + overdueMs, () => {
      this.#options.log.error({ router: this.id, child: this.pid }, 'router did not end in time: killed');
      this.kill();
    });
    // Not dialled in yet: it serves nobody and would not hear us.
    if (this.#hello === undefined) this.kill();
  }

  /** Lets go of the process, which goes on. */
  release(): void {
    this.#overdue?.cancel();
    this.#child?.release();
  }

  kill(): void {
    this.#child?.killTree();
  }

  #onMessage(message: unknown): void {
    const decoded = decodeFromRouter(message);
    if (typeof decoded === 'string') {
      this.#options.log.warn({ router: this.id, why: decoded }, 'message dropped');
      return;
    }
    switch (decoded.type) {
      case 'hello':
        return;
      case 'probed':
        this.#onProbed(decoded);
        return;
      case 'applied':
        this.#appliedVersion = decoded.version;
        this.#busy = decoded.busy;
        break;
      case 'stats':
        this.#stats = decoded;
        // Counters change no plan, but for those by which a newer generation is judged against the live one.
        if (decoded.apps.every(({ generations }) => generations.length === 0)) return;
        break;
    }
    this.#options.events.onChange(this);
  }

  /** The answer to a probe that timed out has no one waiting for it any more. */
  #onProbed({ id, instance, reason }: Probed): void {
    this.#probes.get(id)?.answer({ instance, reason });
  }
}
