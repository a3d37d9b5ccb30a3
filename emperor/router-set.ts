// Keeps the wanted number of routers alive, with a back-off for those that die, and hands each the whole state
// whenever it dials in. It owns the listening descriptors: they stay open whatever happens to a router.
import type { AppStats } from '../lib/app-stats.ts';
import type { Clock } from '../lib/clock.ts';
import type { Listener } from '../lib/listeners.ts';
import type { Logger } from '../lib/log.ts';
import type { ConfigureRouter, PublishRoutes, RouterHello } from '../lib/router-messages.ts';
import type { AppRoute } from '../lib/routes.ts';
import type { TransportWish } from '../lib/transport-choice.ts';
import { reactorSupport } from '../native/reactor-support.ts';
import { adoptChild, type ChildExit } from './child.ts';
import type { Connection } from './connection.ts';
import type { RouterFacts } from './facts.ts';
import { farewellAmongOthers, farewellOfAll, type Farewell } from './farewell.ts';
import { PublishedRoutes } from './published-routes.ts';
import { RouterBackoff } from './router-backoff.ts';
import { RouterHandle, type ProbeAnswer, type RouterEvents } from './router-handle.ts';
import { planRouters } from './router-plan.ts';
import { spawnRouter } from './router-program.ts';
import { routerTrouble } from './router-trouble.ts';

export interface RouterSetOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly controlPath: string;
  readonly env: NodeJS.ProcessEnv;
  /** How long what runs on a router that ends may go on. */
  readonly drainMs: () => number;
  /** A router said something, came or went. */
  readonly onChange: () => void;
}

/** What one router reached when it was asked to. */
export interface RouterProbe extends ProbeAnswer {
  /** The router's id. */
  readonly router: number;
}

/** A router that has not dialled in after so long hangs, and is replaced. */
const helloTimeoutMs = 15_000;

export class RouterSet implements RouterEvents {
  readonly #options: RouterSetOptions;
  readonly #routers = new Map<number, RouterHandle>();
  readonly #backoff: RouterBackoff;
  readonly #published = new PublishedRoutes();
  #wanted = 0;
  #listeners: readonly Listener[] | undefined;
  #configure: ConfigureRouter | undefined;
  #transport: TransportWish = 'auto';
  /** Routers that dial in without being ours were started by code that was replaced. */
  #adoptsStale = false;
  #isEnding = false;

  constructor(options: RouterSetOptions) {
    this.#options = options;
    const { clock, random, onChange } = options;
    this.#backoff = new RouterBackoff({ clock, random, onOver: onChange });
  }

  get routers(): readonly RouterHandle[] {
    return [...this.#routers.values()].sort((a, b) => a.id - b.id);
  }

  get routes(): PublishRoutes {
    return this.#published.current;
  }

  /** Undefined while the addresses are held only by routers that another emperor started. */
  get listeners(): readonly Listener[] | undefined {
    return this.#listeners;
  }

  /** Why a router is not running that should be; undefined where none is missing. */
  get trouble(): string | undefined {
    return routerTrouble(this.routers, this.#wanted, this.#backoff.lastDeath);
  }

  /** Some routers are out of date, and go on until new ones serve. */
  get isRenewing(): boolean {
    return this.routers.some(({ isStale, isEnding }) => isStale && !isEnding);
  }

  facts(): readonly RouterFacts[] {
    return this.routers.map((router) => router.facts()).filter((facts) => facts !== undefined);
  }

  /** True once a router serves and every router that dialled in serves by table `version` or a later one. */
  hasApplied(version: number): boolean {
    const facts = this.facts();
    return facts.length > 0 && facts.every(({ appliedVersion }) => appliedVersion >= version);
  }

  /** True once every router serves by the latest table and none holds a request on a target that left it. */
  isQuiet(app: string): boolean {
    const facts = this.facts();
    const isOfApp = (key: string): boolean => key.startsWith(`${app}/`);
    return facts.every(({ appliedVersion, busy }) => appliedVersion >= this.routes.version && !busy.some(isOfApp));
  }

  /**
   * Has every router that accepts requests reach a worker of the app, as a request would. Each answers within 3
   * seconds or counts as having reached none; one that dies meanwhile drops out.
   */
  async probe(app: string): Promise<readonly RouterProbe[]> {
    const asked = this.routers.filter(({ hello, isEnding }) => hello !== undefined && !isEnding);
    const answers = await Promise.all(
      asked.map(async (router) => ({ router: router.id, answer: await router.probe(app) })),
    );
    return answers.flatMap(({ router, answer }) => (answer === undefined ? [] : [{ router, ...answer }]));
  }

  /** From now on routers listen on these; those that do not are replaced, new ones first. */
  listenOn(listeners: readonly Listener[]): void {
    this.#listeners = listeners;
    this.#backoff.forgive();
    for (const router of this.#routers.values()) router.isStale ||= !this.#isListening(router);
  }

  /** Replaces every router, new ones first: those that run, and those of another emperor that dial in later. */
  renew(): void {
    this.#adoptsStale = true;
    this.#backoff.forgive();
    for (const router of this.#routers.values()) router.isStale = true;
  }

  /** From now on routers have these settings; those that do not move bytes by `transport` are replaced, new ones first. */
  configure(configure: ConfigureRouter, transport: TransportWish): void {
    this.#configure = configure;
    if (transport !== this.#transport) this.#backoff.forgive();
    this.#transport = transport;
    for (const router of this.#routers.values()) {
      this.#judgeTransport(router);
      router.send(configure);
    }
  }

  /** Publishes a new table and returns its version, which is above all that any router ever held. */
  publish(apps: readonly AppRoute[]): number {
    const routes = this.#published.publish(apps);
    for (const router of this.#routers.values()) router.send(routes);
    return routes.version;
  }

  /** Starts what is missing and ends what is too much. Call it again whenever something changed; it is cheap. */
  keep(wanted: number): void {
    this.#wanted = wanted;
    if (this.#isEnding) return;
    this.#killHung();
    const { version } = this.routes;
    const views = this.routers.map((router) => {
      const { id, age, isEnding, isStale } = router;
      const appliedVersion = router.facts()?.appliedVersion ?? 0;
      return { id, age, isEnding, isStale, isServing: version > 0 && appliedVersion >= version };
    });
    const plan = planRouters(views, wanted);
    for (const id of plan.end) {
      this.#options.log.info({ router: id, child: this.#routers.get(id)?.pid }, 'router is told to end');
      this.#routers.get(id)?.shutDown(this.#farewell());
    }
    // What was kept for the old ones may go now; whoever keeps it looks again.
    if (plan.end.length > 0) this.#options.onChange();
    for (let count = 0; count < plan.start; count += 1) if (!this.#start()) return;
  }

  /** A router dialled in: one of ours, or one that outlived another emperor. */
  onHello(connection: Connection, hello: RouterHello): void {
    const { clock } = this.#options;
    const router = this.routers.find(({ pid }) => pid === hello.pid) ?? this.#adopt(hello);
    this.#published.noteHeld(hello.routesVersion);
    if (this.#published.isOlderThan(hello.routesVersion)) this.publish(this.routes.apps);
    if (this.#configure === undefined) throw new Error('a router dialled in before it could be configured');
    const { routes } = this;
    router.attach(connection, hello, routes.version === 0 ? [this.#configure] : [this.#configure, routes]);
    this.#judgeTransport(router);
    this.#options.log.info(
      {
        router: hello.id,
        child: hello.pid,
        transport: hello.transport,
        afterMs: Math.round(clock.nowMs() - router.startedMs),
      },
      'router is up',
    );
  }

  /** Asks every router to finish; whoever is still there after the grace is killed. */
  async end(graceMs: number): Promise<void> {
    this.#isEnding = true;
    this.#backoff.stop();
    for (const router of this.#routers.values()) router.shutDown(farewellOfAll(graceMs));
    const kill = this.#options.clock.after(graceMs + 1000, () => {
      this.hurry();
    });
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      this.#tellIfEmpty();
    });
    kill.cancel();
  }

  hurry(): void {
    for (const router of this.#routers.values()) router.kill();
  }

  /** Lets go of every router; they go on, and the next emperor adopts them. */
  release(): void {
    this.#isEnding = true;
    this.#backoff.stop();
    for (const router of this.#routers.values()) router.release();
  }

  onChange(): void {
    this.#options.onChange();
  }

  onExit(router: RouterHandle, exit: ChildExit): void {
    if (this.#routers.get(router.id) === router) this.#routers.delete(router.id);
    if (!router.isEnding) {
      this.#backoff.record(exit.message, router.hello === undefined ? undefined : router.startedMs);
      this.#options.log.error({ router: router.id, child: router.pid, exit: exit.message }, 'router died');
    }
    this.#options.onChange();
    this.#tellIfEmpty();
  }

  /** The counters of each app, one entry per router. */
  appStats(): ReadonlyMap<string, readonly AppStats[]> {
    const byName = new Map<string, AppStats[]>();
    for (const app of this.routers.flatMap(({ stats }) => stats?.apps ?? [])) {
      byName.set(app.name, [...(byName.get(app.name) ?? []), app]);
    }
    return byName;
  }

  #farewell(): Farewell {
    return farewellAmongOthers(this.#options.drainMs(), this.#configure?.router['idle-timeout'] ?? 0);
  }

  /** One that did not say yet where it listens is judged when it does. */
  #isListening({ listen, isEnding }: RouterHandle): boolean {
    return isEnding || listen === undefined || isSame(listen, this.#listeners ?? []);
  }

  #judgeTransport(router: RouterHandle): void {
    router.isStale ||= !router.movesBytesBy(this.#transport, reactorSupport.missing);
  }

  #onEmpty: () => void = () => undefined;

  #tellIfEmpty(): void {
    if (this.#isEnding && this.#routers.size === 0) this.#onEmpty();
  }

  #start(): boolean {
    const { clock, log, env, controlPath } = this.#options;
    const listeners = this.#listeners;
    if (listeners === undefined) return false;
    const permission = this.#backoff.permission();
    if (permission === undefined) return false;
    const id = this.#freeId();
    const listen = listeners.map(({ address }) => address);
    const transport = this.#transport;
    const router = new RouterHandle({ id, listen, transport, clock, log, events: this });
    this.#routers.set(id, router);
    const onExit = (exit: ChildExit): void => {
      router.onExit(exit);
    };
    router.own(spawnRouter({ id, controlPath, transport, listeners, env, onExit }));
    log.info({ router: id, child: router.pid, reason: permission.reason }, 'router started');
    return true;
  }

  #adopt(hello: RouterHello): RouterHandle {
    const { clock, log } = this.#options;
    // Two emperors may have given the same id; what counts is the process.
    const id = this.#routers.has(hello.id) ? this.#freeId() : hello.id;
    const router = new RouterHandle({ id, listen: undefined, transport: undefined, clock, log, events: this });
    this.#routers.set(id, router);
    router.isStale = this.#adoptsStale || (this.#listeners !== undefined && !isSame(hello.listen, this.#listeners));
    router.own(
      adoptChild(hello.pid, clock, (exit) => {
        router.onExit(exit);
      }),
    );
    log.info({ router: id, child: hello.pid }, 'router adopted');
    return router;
  }

  #freeId(): number {
    for (let id = 1; ; id += 1) if (!this.#routers.has(id)) return id;
  }

  #killHung(): void {
    const { clock, log } = this.#options;
    for (const router of this.#routers.values()) {
      if (router.hello !== undefined || clock.nowMs() - router.startedMs < helloTimeoutMs) continue;
      log.error({ router: router.id, child: router.pid }, 'router did not dial in: killed');
      router.kill();
    }
  }
}

function isSame(addresses: readonly string[], listeners: readonly Listener[]): boolean {
  const wanted = new Set(listeners.map(({ address }) => address));
  return addresses.length === wanted.size && addresses.every((address) => wanted.has(address));
}
