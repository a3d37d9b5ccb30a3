// The route table in force, and what outlives it: pools by app, targets by key, and which retired targets still hold
// requests. Publishing a table is one synchronous step. Pure.
import type { AppStats } from '../../lib/app-stats.ts';
import type { PublishRoutes } from '../../lib/router-messages.ts';
import type { AppRoute, TargetRoute } from '../../lib/routes.ts';
import { Pool, type PoolEvents } from './pool.ts';
import { RouteTable, type Mount } from './route-table.ts';
import { Target } from './target.ts';

export interface AppsEvents {
  /** What `busy` returns became less. */
  onBusyChange(): void;
  /** The target left the table: connections that idle to it are of no use. */
  onUnlisted(target: Target): void;
}

export class Apps implements PoolEvents {
  #version = 0;
  #table = new RouteTable<Pool>();
  #pools = new Map<string, Pool>();
  /** Targets that the table lists or that still hold requests or connections. */
  readonly #targets = new Map<string, Target>();
  readonly #events: AppsEvents;

  constructor(events: AppsEvents) {
    this.#events = events;
  }

  /** Version of the table in force; 0 before the first. */
  get version(): number {
    return this.#version;
  }

  /** Requests that wait for a worker now, of all apps. */
  get queued(): number {
    let queued = 0;
    for (const pool of this.#pools.values()) queued += pool.queued;
    return queued;
  }

  /** The pool of the app of that name. */
  pool(name: string): Pool | undefined {
    return this.#pools.get(name);
  }

  /** The pool of the app that serves this host and target. */
  find(host: string, target: string): Mount<Pool> | undefined {
    return this.#table.find(host, target);
  }

  /** The pool of the app to which every request for this host belongs; undefined where its path decides. */
  findWhole(host: string): Pool | undefined {
    return this.#table.findWhole(host);
  }

  publish(routes: PublishRoutes, nowMs: number): void {
    this.#version = routes.version;
    const listed = new Map(routes.apps.flatMap(allTargets).map((target) => [target.key, target]));
    this.#unlist(listed);
    const previous = this.#pools;
    this.#pools = new Map(routes.apps.map((app) => [app.name, previous.get(app.name) ?? new Pool(app, this)] as const));
    this.#table = new RouteTable(
      routes.apps.flatMap((app) => {
        const pool = this.#pools.get(app.name);
        return pool === undefined ? [] : app.domains.map((domain) => ({ domain, app: pool }));
      }),
    );
    // Targets are looked up before pools are told: serving who waits may end requests and retire targets meanwhile.
    const updates = routes.apps.map((app) => ({
      app,
      live: app.targets.map((target) => this.#list(target)),
      next: (app.next?.targets ?? []).map((target) => this.#list(target)),
    }));
    for (const { app, live, next } of updates) this.#pools.get(app.name)?.update(app, { live, next }, nowMs);
    for (const [name, pool] of previous) if (!this.#pools.has(name)) pool.remove();
  }

  /** Keys of targets that are out of the table but still hold requests or connections. */
  busy(): string[] {
    return [...this.#targets.values()].filter(({ isListed, isFree }) => !isListed && !isFree).map(({ key }) => key);
  }

  /** A text that differs whenever stats() does, and costs no object per app. */
  get activity(): string {
    let [requests, queued, sent, inFlight, tallied] = [0, 0, 0, 0, 0];
    for (const pool of this.#pools.values()) {
      requests += pool.requests;
      queued += pool.queued;
      tallied += pool.tally?.changes ?? 0;
      for (const target of pool.targets) {
        sent += target.requests;
        inFlight += target.inFlight;
      }
    }
    return `${this.#version} ${requests} ${queued} ${sent} ${inFlight} ${tallied}`;
  }

  stats(): AppStats[] {
    return [...this.#pools.values()].map(({ name, requests, queued, targets, tally }) => ({
      name,
      requests,
      queued,
      workers: targets.map(({ key, requests, inFlight }) => ({ key, requests, inFlight })),
      generations: tally?.report() ?? [],
    }));
  }

  /** Refuses requests that waited too long, in every app. */
  expire(nowMs: number): void {
    for (const pool of this.#pools.values()) {
      if (pool.queued === 0) continue;
      pool.expire(nowMs);
      pool.grant(nowMs);
    }
  }

  /** The target holds less than before, by other ways than a lease. */
  settle(target: Target): void {
    if (!target.isListed && target.isFree) this.onRetired(target);
  }

  /** Called by a pool. */
  onRetired(target: Target): void {
    // A target of the same key at another address may have taken its place.
    if (this.#targets.get(target.key) === target) this.#targets.delete(target.key);
    this.#events.onBusyChange();
  }

  #unlist(listed: ReadonlyMap<string, TargetRoute>): void {
    for (const [key, target] of this.#targets) {
      if (listed.get(key)?.address === target.address) continue;
      target.isListed = false;
      if (target.isFree || listed.has(key)) this.#targets.delete(key);
      this.#events.onUnlisted(target);
    }
  }

  #list({ key, address, weight, handoff, protocol, capacity }: TargetRoute): Target {
    const target = this.#targets.get(key) ?? new Target(key, address);
    // What was held against it is from before: who lists it again knows that it is there.
    if (!target.isListed) target.health.reset();
    target.isListed = true;
    target.weight = weight;
    target.isGateway = protocol === 'gateway';
    target.capacity = capacity ?? Infinity;
    // What is handed over is HTTP, and nobody counts its requests before they run.
    target.handoff = target.isGateway || target.capacity !== Infinity ? null : handoff;
    this.#targets.set(key, target);
    return target;
  }
}

function allTargets({ targets, next }: AppRoute): readonly TargetRoute[] {
  return next === null ? targets : [...targets, ...next.targets];
}
