// The router as one thing: it takes the emperor's settings and route tables, accepts clients once it has both, and
// ends without dropping what runs. It never asks the emperor for anything.
import type { Clock } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import type { Logger } from '../../lib/log.ts';
import type { ConfigureRouter, PublishRoutes, RouterStats, RoutesApplied } from '../../lib/messages.ts';
import { Apps } from '../core/apps.ts';
import { RequestIds } from '../core/request-ids.ts';
import { invalidEntries } from '../core/trusted-proxies.ts';
import { HeadWriter } from '../http1/head-writer.ts';
import { deadlineGrainMs, type Acceptor, type ByteStream, type Transport } from '../transports/transport.ts';
import { AccessLog } from './access-log.ts';
import { ClientConnection } from './client-connection.ts';
import { mostConnections } from './descriptor-limit.ts';
import type { Edge } from './edge.ts';
import { FaultLog } from './fault-log.ts';
import { HttpDates } from './http-dates.ts';
import { initialSettings, readSettings, type Settings } from './settings.ts';
import { UpstreamPool } from './upstream-pool.ts';

export interface ServerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Eight hexadecimal digits that no other router has: the first part of request ids. */
  readonly idPrefix: string;
  /** Instances that are out of the table became free. */
  onBusyChange(): void;
}

/**
 * At a shutdown a connection between requests is closed only after this time: a client that sends a request meanwhile
 * gets its answer, with `Connection: close`, instead of a closed connection.
 */
const lastRequestMs = 500;
const logFlushMs = 2000;

export class Server {
  readonly #options: ServerOptions;
  readonly #edge: Edge;
  readonly #apps: Apps;
  readonly #connections = new Set<ClientConnection>();
  readonly #descriptorBound = mostConnections();
  #acceptors: Acceptor[] = [];
  #isConfigured = false;
  #isAccepting = false;
  #isFull = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { transport, clock, log } = options;
    const upstreams = new UpstreamPool();
    this.#apps = new Apps({
      onBusyChange: () => {
        options.onBusyChange();
      },
      onUnlisted: (target) => {
        upstreams.closeIdle(target);
      },
    });
    this.#edge = {
      transport,
      apps: this.#apps,
      upstreams,
      writer: new HeadWriter(),
      accessLog: new AccessLog(),
      faultLog: new FaultLog(log, clock),
      requestIds: new RequestIds(options.idPrefix),
      dates: new HttpDates(clock),
      queueSweep: this.#createQueueSweep(),
      settings: initialSettings,
      isShuttingDown: false,
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

  /** Differs whenever `stats` does. */
  get activity(): string {
    return `${this.#connections.size} ${this.#edge.requests} ${this.#apps.activity}`;
  }

  get stats(): RouterStats {
    return {
      type: 'stats',
      connections: this.#connections.size,
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
    this.#isConfigured = true;
    this.#updateAccepting();
    this.#makeRoom();
  }

  publish(routes: PublishRoutes): void {
    this.#options.transport.run(() => {
      this.#apps.publish(routes, this.#options.transport.nowMs());
    });
    this.#updateAccepting();
  }

  /**
   * Resolves when no client connection is left and the access log is written; with false where a write of the log is
   * stuck for good.
   */
  async shutdown(graceMs: number): Promise<boolean> {
    const { transport } = this.#options;
    this.#edge.isShuttingDown = true;
    for (const acceptor of this.#acceptors) acceptor.close();
    this.#acceptors = [];
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const idle = transport.after(Math.min(lastRequestMs, graceMs), () => {
      for (const connection of [...this.#connections]) connection.closeIdle();
    });
    const grace = transport.after(graceMs, () => {
      for (const connection of [...this.#connections]) connection.cut();
    });
    if (this.#connections.size === 0) this.#onEmpty?.();
    await empty;
    idle.cancel();
    grace.cancel();
    this.#edge.upstreams.closeAll();
    const isLogWritten = await this.#edge.accessLog.flush(logFlushMs);
    const { dropped } = this.#edge.accessLog;
    if (dropped > 0)
      this.#options.log.warn({ dropped }, 'access lines were dropped: standard output was read too slowly');
    return isLogWritten;
  }

  #onStream(stream: ByteStream): void {
    const connection = new ClientConnection(this.#edge, stream, (gone) => {
      this.#onGone(gone);
    });
    this.#connections.add(connection);
    const { size } = this.#connections;
    const { maxConnections } = this.#edge.settings;
    if (size > maxConnections) connection.turnAway();
    if (size >= maxConnections && !this.#isFull) {
      this.#isFull = true;
      for (const acceptor of this.#acceptors) acceptor.pause();
    }
  }

  #onGone(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
    this.#makeRoom();
  }

  /** Accepts again if there is room again. */
  #makeRoom(): void {
    if (!this.#isFull || this.#connections.size >= this.#edge.settings.maxConnections) return;
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
