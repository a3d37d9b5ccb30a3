// One router process as the emperor sees it: its process, its connection, what it acknowledged and counted. It only
// passes on what it is given; which table to publish is the planner's to say.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import {
  decodeFromRouter,
  type ConfigureRouter,
  type PublishRoutes,
  type RouterHello,
  type RouterStats,
  type ToRouter,
} from '../lib/messages.ts';
import type { Child, ChildExit } from './child.ts';
import type { Connection } from './connection.ts';
import type { RouterFacts } from './facts.ts';

export interface RouterEvents {
  /** It said hello, acknowledged, counted or lost its connection. */
  onChange(router: RouterHandle): void;
  onExit(router: RouterHandle, exit: ChildExit): void;
}

export interface RouterOptions {
  readonly id: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: RouterEvents;
}

export class RouterHandle {
  readonly id: number;
  readonly startedMs: number;
  readonly #options: RouterOptions;
  #child: Child | undefined;
  #connection: Connection | undefined;
  #hello: RouterHello | undefined;
  #appliedVersion = 0;
  #busy: readonly string[] = [];
  #stats: RouterStats | undefined;
  #graceMs: number | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.id = options.id;
    this.startedMs = options.clock.nowMs();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** It was asked to end. */
  get isEnding(): boolean {
    return this.#graceMs !== undefined;
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
    return { id: this.id, appliedVersion: this.#appliedVersion, busy: this.#busy };
  }

  own(child: Child): void {
    this.#child = child;
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
    if (this.#graceMs !== undefined) this.send({ type: 'shutdown', graceMs: this.#graceMs, idleMs: this.#graceMs });
    this.#options.events.onChange(this);
  }

  /** Without a connection nothing is lost: the next hello is answered with the whole state. */
  send(message: ToRouter): void {
    this.#connection?.send(message);
  }

  onExit(exit: ChildExit): void {
    this.#options.events.onExit(this, exit);
  }

  /** Asks it to finish what runs and end within `graceMs`. */
  shutDown(graceMs: number): void {
    this.#graceMs = graceMs;
    this.send({ type: 'shutdown', graceMs, idleMs: graceMs });
  }

  /** Lets go of the process, which goes on. */
  release(): void {
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
      case 'probed':
        return;
      case 'applied':
        this.#appliedVersion = decoded.version;
        this.#busy = decoded.busy;
        break;
      case 'stats':
        // Counters change no plan: whoever wants them reads them.
        this.#stats = decoded;
        return;
    }
    this.#options.events.onChange(this);
  }
}
