// The router as one thing: it takes the emperor's settings and route tables, accepts clients once it has both, and
// ends without dropping what runs. It never asks the emperor for anything.
import type { Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import type {
  ConfigureRouter,
  Probed,
  ProbeRouter,
  PublishRoutes,
  RouterStats,
  RoutesApplied,
} from '../../lib/router-messages.ts';
import { invalidEntries } from '../core/trusted-proxies.ts';
import type { Acceptor } from '../transports/transport.ts';
import { ClientConnections } from './client-connections.ts';
import { DataPathProbe } from './data-path-probe.ts';
import { mostConnections } from './descriptor-limit.ts';
import { assembleEdge, type EdgeOptions } from './edge-assembly.ts';
import type { Edge } from './edge.ts';
import { passListeners } from './listener-handover.ts';
import { readSettings, type Settings } from './settings.ts';

const logFlushMs = 2000;
/** Idle connections end within this part of a shutdown's time, so that their ends are still read out. */
const idlePart = 0.9;

export class Server {
  readonly #options: EdgeOptions;
  readonly #edge: Edge;
  readonly #probe: DataPathProbe;
  readonly #connections: ClientConnections;
  readonly #descriptorBound = mostConnections();
  #acceptors: Acceptor[] = [];
  #isConfigured = false;
  #isAccepting = false;
  #ended: Promise<boolean> | undefined;
  /** At which the router cuts what still runs. */
  #graceEndMs = Infinity;
  #grace: Timer | undefined;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#edge = assembleEdge(options, (channel, stream) => {
      this.#connections.addStray(stream, channel);
    });
    this.#probe = new DataPathProbe(options.transport, this.#edge.apps, this.#edge.handoff);
    this.#connections = new ClientConnections(this.#edge, {
      onFull: () => {
        for (const acceptor of this.#acceptors) acceptor.pause();
      },
      onRoom: () => {
        for (const acceptor of this.#acceptors) acceptor.resume();
      },
    });
  }

  /** The addresses it accepts on. */
  get listen(): string[] {
    return this.#acceptors.map(({ address }) => address);
  }

  get routesVersion(): number {
    return this.#edge.apps.version;
  }

  get applied(): RoutesApplied {
    return { type: 'applied', version: this.#edge.apps.version, busy: this.#edge.apps.busy() };
  }

  /** Tries to reach the app as a request would; `onAnswer` is called once. */
  probe(question: ProbeRouter, onAnswer: (answer: Probed) => void): void {
    this.#options.transport.run(() => {
      this.#probe.ask(question, onAnswer);
    });
  }

  /** Differs whenever `stats` does. */
  get activity(): string {
    return `${this.#connections.size} ${this.#edge.requests} ${this.#edge.apps.activity}`;
  }

  get stats(): RouterStats {
    return {
      type: 'stats',
      connections: this.#connections.size,
      requests: this.#edge.requests,
      apps: this.#edge.apps.stats(),
    };
  }

  /** Takes up the listeners; nothing is accepted before the first configure and publish. */
  async bind(listeners: readonly Listener[]): Promise<void> {
    const { transport, log } = this.#options;
    for (const listener of listeners) {
      const acceptor = await transport.listen(listener, {
        onStream: (stream) => {
          this.#connections.add(stream);
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
    this.#edge.handoff?.configure(this.#edge.settings);
    this.#isConfigured = true;
    this.#updateAccepting();
    this.#connections.reviewRoom();
  }

  publish(routes: PublishRoutes): void {
    this.#options.transport.run(() => {
      this.#edge.apps.publish(routes, this.#options.transport.nowMs());
      this.#edge.farewells.review();
      this.#edge.handoff?.review();
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
        this.#connections.cutAll();
      });
      this.#edge.farewells.endAll(graceMs);
    }
    const { retirement } = this.#edge;
    const untilMs = Math.min(retirement?.untilMs ?? Infinity, nowMs + graceMs * idlePart);
    const isSooner = retirement === undefined || nowMs + idleMs < retirement.sinceMs + retirement.idleMs;
    this.#edge.retirement = isSooner ? { sinceMs: nowMs, idleMs, untilMs } : { ...retirement, untilMs };
    this.#edge.handoff?.retire(this.#graceEndMs - nowMs);
    this.#reviewIdle();
  }

  async #end(): Promise<boolean> {
    if (!this.#connections.isEmpty) await this.#connections.whenEmpty();
    this.#grace?.cancel();
    this.#edge.handoff?.close();
    this.#edge.upstreams.closeAll();
    const isLogWritten = await this.#edge.accessLog.flush(logFlushMs);
    const { dropped } = this.#edge.accessLog;
    if (dropped > 0)
      this.#options.log.warn({ dropped }, 'access lines were dropped: standard output did not take them');
    return isLogWritten;
  }

  #updateAccepting(): void {
    if (this.#isAccepting || !this.#isConfigured || this.#edge.apps.version === 0) return;
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

  /** What is granted to connections that wait for a request has changed. */
  #reviewIdle(): void {
    this.#options.transport.run(() => {
      this.#edge.newcomers.review();
      this.#edge.idlers.review();
      this.#edge.returners.review();
    });
  }
}
