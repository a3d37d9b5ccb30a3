// The router as one thing: it takes the emperor's settings and route tables, accepts clients once it has both, and
// ends without dropping what runs. It never asks the emperor for anything.
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import type { Logger } from '../../lib/log.ts';
import type {
  ConfigureRouter,
  Probed,
  ProbeRouter,
  PublishRoutes,
  RouterStats,
  RoutesApplied,
} from '../../lib/router-messages.ts';
import { native } from '../../native/index.ts';
import { Apps } from '../core/apps.ts';
import { idleMsLeft, Streak } from '../core/handoff.ts';
import { RequestIds } from '../core/request-ids.ts';
import { invalidEntries } from '../core/trusted-proxies.ts';
import { HeadWriter } from '../http1/head-writer.ts';
import { deadlineGrainMs, type Acceptor, type ByteStream, type Transport } from '../transports/transport.ts';
import { AccessLog } from './access-log.ts';
import { AnswerReading } from './answer-reading.ts';
import { ClientConnection, type ConnectionKeeper } from './client-connection.ts';
import { DataPathProbe } from './data-path-probe.ts';
import { mostConnections } from './descriptor-limit.ts';
import type { Edge } from './edge.ts';
import { Farewells } from './farewells.ts';
import { FaultLog } from './fault-log.ts';
import { Handoff, type HandoffEvents } from './handoff/handoff.ts';
import { answerLost, recordReport } from './handoff/ledger.ts';
import type { WorkerChannel } from './handoff/worker-channel.ts';
import { HttpDates } from './http-dates.ts';
import { idleDueMs, IdleLine } from './idle-line.ts';
import { passListeners } from './listener-handover.ts';
import { Prober } from './prober.ts';
import { RequestReading } from './request-reading.ts';
import { initialSettings, readSettings, type Settings } from './settings.ts';
import { SpareReadings } from './spare-readings.ts';
import { UpstreamPool } from './upstream-pool.ts';

export interface ServerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Eight hexadecimal digits that no other router has: the first part of request ids. */
  readonly idPrefix: string;
  /** 0 … 1; spreads the ends of what never ends by itself, and clients over the sides of a rollout. */
  readonly random: () => number;
  /** Targets that are out of the table became free. */
  onBusyChange(): void;
}

const logFlushMs = 2000;
/** Idle connections end within this part of a shutdown's time, so that their ends are still read out. */
const idlePart = 0.9;

export class Server implements ConnectionKeeper {
  readonly #options: ServerOptions;
  readonly #edge: Edge;
  readonly #apps: Apps;
  readonly #probe: DataPathProbe;
  readonly #handoff: Handoff | undefined;
  readonly #connections = new Set<ClientConnection>();
  /** Of those, the ones that come through a worker which has the client's connection itself: to be called at the end. */
  readonly #strays = new Map<ClientConnection, () => void>();
  readonly #descriptorBound = mostConnections();
  #acceptors: Acceptor[] = [];
  #isConfigured = false;
  #isAccepting = false;
  #isFull = false;
  #onEmpty: (() => void) | undefined;
  #ended: Promise<boolean> | undefined;
  /** At which the router cuts what still runs. */
  #graceEndMs = Infinity;
  #grace: Timer | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { transport, clock, log } = options;
    const upstreams = new UpstreamPool();
    const farewells = new Farewells({ transport, random: options.random });
    const prober = new Prober({
      transport,
      log,
      onEjected: (target) => {
        upstreams.closeIdle(target);
      },
    });
    this.#apps = new Apps({
      onBusyChange: () => {
        options.onBusyChange();
      },
      onUnlisted: (target) => {
        upstreams.closeIdle(target);
        farewells.onUnlisted(target);
        prober.forget(target);
      },
    });
    this.#handoff = this.#createHandoff();
    this.#probe = new DataPathProbe(transport, this.#apps, this.#handoff);
    this.#edge = {
      transport,
      apps: this.#apps,
      upstreams,
      requestReadings: new SpareReadings(
        (limits) => new RequestReading(transport, limits),
        () => this.#edge.settings.requestLimits,
      ),
      answerReadings: new SpareReadings(
        (limits) => new AnswerReading(limits),
        () => this.#edge.settings.responseLimits,
      ),
      newcomers: this.#createIdleLine((settings) => settings.headerTimeoutMs),
      idlers: this.#createIdleLine((settings) => settings.idleTimeoutMs),
      returners: this.#createIdleLine((settings) => idleMsLeft(settings.idleTimeoutMs)),
      handoff: this.#handoff,
      prober,
      writer: new HeadWriter(options.transport.headSpace),
      accessLog: new AccessLog(transport, clock),
      faultLog: new FaultLog(log, clock),
      farewells,
      requestIds: new RequestIds(options.idPrefix),
      dates: new HttpDates(clock),
      random: options.random,
      queueSweep: this.#createQueueSweep(),
      settings: initialSettings,
      retirement: undefined,
      requests: 0,
    };
  }

  /** The addresses it accepts on. */
  get listen(): string[] {
    return this.#acceptors.map(({ address }) => address);
  }

  get routesVersion(): number {
    return this.#apps.version;
  }

  get applied(): RoutesApplied {
    return { type: 'applied', version: this.#apps.version, busy: this.#apps.busy() };
  }

  /** Tries to reach the app as a request would; `onAnswer` is called once. */
  probe(question: ProbeRouter, onAnswer: (answer: Probed) => void): void {
    this.#options.transport.run(() => {
      this.#probe.ask(question, onAnswer);
    });
  }

  /** Differs whenever `stats` does. */
  get activity(): string {
    return `${this.#size} ${this.#edge.requests} ${this.#apps.activity}`;
  }

  get stats(): RouterStats {
    return {
      type: 'stats',
      connections: this.#size,
      requests: this.#edge.requests,
      apps: this.#apps.stats(),
    };
  }

  /** Takes up the listeners; nothing is accepted before the first configure and publish. */
  async bind(listeners: readonly Listener[]): Promise<void> {
    const { transport, log } = this.#options;
    for (const listener of listeners) {
      const acceptor = await transport.listen(listener, {
        onStream: (stream) => {
          this.#onStream(stream);
        },
        onError: (error) => {
          log.error({ err: error, listen: listener.address }, 'listening failed');
        },
      });
      this.#acceptors.push(acceptor);
    }
  }

  configure(message: ConfigureRouter): void {
    const settings = readSettings(message);
    for (const entry of invalidEntries(message.trustedProxies)) {
      this.#options.log.warn({ entry }, 'trusted-proxies: neither an address, a network nor "unix"; it trusts nobody');
    }
    this.#edge.settings = this.#bounded(settings);
    this.#reviewIdle();
    this.#handoff?.configure(this.#edge.settings);
    this.#isConfigured = true;
    this.#updateAccepting();
    this.#makeRoom();
  }

  publish(routes: PublishRoutes): void {
    this.#options.transport.run(() => {
      this.#apps.publish(routes, this.#options.transport.nowMs());
      this.#edge.farewells.review();
      this.#handoff?.review();
    });
    this.#updateAccepting();
  }

  /** It was told to end: it accepts nothing any more. */
  get isEnding(): boolean {
    return this.#edge.retirement !== undefined;
  }

  /** Sends the listening descriptors to whoever listens on that unix socket; listening goes on. */
  passListeners(path: string): void {
    const listeners = this.#acceptors.map((acceptor) => ({ address: acceptor.address, fd: acceptor.duplicate() }));
    passListeners(path, listeners, this.#options);
  }

  /**
   * Accepts no more, and ends within `graceMs`; a connection between requests may stay for `idleMs` for a last one.
   * Told again, it can only end sooner. Resolves when no client connection is left and the access log is written; with
   * false where a write of the log is stuck for good.
   */
  async shutdown(graceMs: number, idleMs: number): Promise<boolean> {
    const { transport } = this.#options;
    for (const acceptor of this.#acceptors) acceptor.close();
    this.#acceptors = [];
    transport.run(() => {
      this.#hasten(graceMs, idleMs);
    });
    return (this.#ended ??= this.#end());
  }

  #hasten(graceMs: number, idleMs: number): void {
    const { transport } = this.#options;
    const nowMs = transport.nowMs();
    if (nowMs + graceMs < this.#graceEndMs) {
      this.#graceEndMs = nowMs + graceMs;
      this.#grace?.cancel();
      this.#grace = transport.after(graceMs, () => {
        for (const connection of [...this.#connections]) connection.cut();
      });
      this.#edge.farewells.endAll(graceMs);
    }
    const { retirement } = this.#edge;
    const untilMs = Math.min(retirement?.untilMs ?? Infinity, nowMs + graceMs * idlePart);
    const isSooner = retirement === undefined || nowMs + idleMs < retirement.sinceMs + retirement.idleMs;
    this.#edge.retirement = isSooner ? { sinceMs: nowMs, idleMs, untilMs } : { ...retirement, untilMs };
    this.#handoff?.retire(this.#graceEndMs - nowMs);
    this.#reviewIdle();
  }

  async #end(): Promise<boolean> {
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    this.#grace?.cancel();
    this.#handoff?.close();
    this.#edge.upstreams.closeAll();
    const isLogWritten = await this.#edge.accessLog.flush(logFlushMs);
    const { dropped } = this.#edge.accessLog;
    if (dropped > 0)
      this.#options.log.warn({ dropped }, 'access lines were dropped: standard output did not take them');
    return isLogWritten;
  }

  #onStream(stream: ByteStream): void {
    const connection = new ClientConnection(this.#edge, stream, this);
    this.#connections.add(connection);
    const size = this.#size;
    const { maxConnections } = this.#edge.settings;
    if (size > maxConnections) connection.turnAway();
    if (size >= maxConnections && !this.#isFull) {
      this.#isFull = true;
      for (const acceptor of this.#acceptors) acceptor.pause();
    }
  }

  /** Called by a connection. */
  onGone(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#strays.get(connection)?.();
    this.#strays.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
    this.#makeRoom();
  }

  /** Connections of clients, each counted once. */
  get #size(): number {
    return this.#connections.size - this.#strays.size;
  }

  /** Accepts again if there is room again. */
  #makeRoom(): void {
    if (!this.#isFull || this.#size >= this.#edge.settings.maxConnections) return;
    this.#isFull = false;
    for (const acceptor of this.#acceptors) acceptor.resume();
  }

  #updateAccepting(): void {
    if (this.#isAccepting || !this.#isConfigured || this.#apps.version === 0) return;
    this.#isAccepting = true;
    for (const acceptor of this.#acceptors) acceptor.resume();
  }

  #bounded(settings: Settings): Settings {
    const bound = this.#descriptorBound;
    if (bound === undefined || bound >= settings.maxConnections) return settings;
    // No warning: the default is more than most systems allow, and fewer connections only wait in the listen queue.
    this.#options.log.info(
      { maxConnections: settings.maxConnections, possible: bound },
      'max-connections is more than the limit of open files allows; raise that limit (ulimit -n, LimitNOFILE)',
    );
    return { ...settings, maxConnections: bound };
  }

  #createIdleLine(timeoutMs: (settings: Settings) => number): IdleLine {
    return new IdleLine(this.#options.transport, (sinceMs) =>
      idleDueMs(sinceMs, timeoutMs(this.#edge.settings), this.#edge.retirement),
    );
  }

  /** What is granted to connections that wait for a request has changed. */
  #reviewIdle(): void {
    this.#options.transport.run(() => {
      this.#edge.newcomers.review();
      this.#edge.idlers.review();
      this.#edge.returners.review();
    });
  }

  /** Requests of a client whose connection is with a worker, who is not to answer them. */
  #onStray({ pool, target }: WorkerChannel, stream: ByteStream): void {
    const connection = new ClientConnection(this.#edge, stream, this);
    connection.streak = Streak.broken();
    this.#connections.add(connection);
    // It goes when the worker that carries it goes, whoever serves it.
    this.#strays.set(connection, this.#edge.farewells.add(connection, { pool, target }));
  }

  #createHandoff(): Handoff | undefined {
    const { transport, log, idPrefix } = this.#options;
    const { addon } = native;
    if (addon === undefined) return undefined;
    const events: HandoffEvents = {
      onReport: (channel, report) => {
        recordReport(this.#edge, channel, report);
      },
      onStray: this.#onStray.bind(this),
      onLost: (away, unanswered) => {
        answerLost(this.#edge, away, unanswered);
      },
      onNonsense: ({ target }, problem) => {
        this.#edge.faultLog.write('warn', { worker: target.key, problem }, 'dropped a message of a worker');
      },
    };
    return new Handoff({ addon, transport, apps: this.#apps, log, idPrefix, events });
  }

  #createQueueSweep(): { arm(): void } {
    const { transport } = this.#options;
    let isArmed = false;
    const deadline = transport.createDeadline(() => {
      isArmed = false;
      this.#apps.expire(transport.nowMs());
      if (this.#apps.queued > 0) arm();
    });
    const arm = (): void => {
      if (isArmed) return;
      isArmed = true;
      deadline.arm(deadlineGrainMs);
    };
    return { arm };
  }
}
