// Which app serves a host and a path: an immutable snapshot, replaced by one assignment. Pure.
// A lookup costs a hash lookup or two whatever the number of hosts.
import { isBelow, parseDomain } from './host.ts';

export interface Route<App> {
  /** `host`, `*.host` or `*`, each with an optional `/path` prefix. */
  readonly domain: string;
  readonly app: App;
}

/** Where an app was found. */
export interface Mount<App> {
  /** `/path` of the domain, without a trailing slash, by which the target begins; empty where the whole host is the app's. */
  readonly prefix: string;
  readonly app: App;
}

/** Longer names are no DNS names; without a bound, a host of 8,000 labels would cost 8,000 lookups. */
const longestHost = 255;

/** The prefixes of one host, longest first. */
type HostRoutes<App> = Mount<App>[];

export class RouteTable<App> {
  readonly #exact = new Map<string, HostRoutes<App>>();
  readonly #wildcards = new Map<string, HostRoutes<App>>();
  readonly #any: HostRoutes<App> = [];

  /** Of two routes with the same domain the first stays. */
  constructor(routes: Iterable<Route<App>> = []) {
    for (const { domain, app } of routes) this.#add(domain, app);
    const hosts = [...this.#exact.values(), ...this.#wildcards.values(), this.#any];
    for (const prefixes of hosts) prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
    shareWholeHosts(this.#exact);
  }

  /**
   * The app for a lower-case host without port and a request target. The exact host comes first, then the wildcard
   * with the most labels, then `*`; within each the longest prefix. A host none of whose prefixes fits falls through.
   */
  find(host: string, target: string): Mount<App> | undefined {
    return (
      matchPrefix(this.#exact.get(host), target) ?? this.#findWildcard(host, target) ?? matchPrefix(this.#any, target)
    );
  }

  /** The app to which every request for the host belongs, whatever its target; undefined where that depends on it. */
  findWhole(host: string): App | undefined {
    const [routes = []] = this.#levels(host);
    const [only] = routes;
    // With one prefix more the target decides, and with none but a longer one the next level may have a say.
    return routes.length === 1 && only?.prefix === '' ? only.app : undefined;
  }

  /** Whose routes may take the host, in the order in which they are asked. */
  *#levels(host: string): Iterable<HostRoutes<App>> {
    const exact = this.#exact.get(host);
    if (exact !== undefined) yield exact;
    if (this.#wildcards.size > 0 && host.length <= longestHost) {
      for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
        const routes = this.#wildcards.get(host.slice(dot + 1));
        if (routes !== undefined) yield routes;
      }
    }
    if (this.#any.length > 0) yield this.#any;
  }

  #findWildcard(host: string, target: string): Mount<App> | undefined {
    if (this.#wildcards.size === 0 || host.length > longestHost) return undefined;
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const mount = matchPrefix(this.#wildcards.get(host.slice(dot + 1)), target);
      if (mount !== undefined) return mount;
    }
    return undefined;
  }

  #add(domain: string, app: App): void {
    const { kind, host, prefix } = parseDomain(domain);
    let prefixes = this.#any;
    if (kind !== 'any') {
      const hosts = kind === 'exact' ? this.#exact : this.#wildcards;
      prefixes = hosts.get(host) ?? [];
      hosts.set(host, prefixes);
    }
    if (prefixes.every((known) => known.prefix !== prefix)) prefixes.push({ prefix, app });
  }
}

/**
 * Hosts of which an app has all have the same routes: of ten thousand that are asked in turn, none has routes of its own
 * that had to be fetched from memory first.
 */
function shareWholeHosts<App>(hosts: Map<string, HostRoutes<App>>): void {
  const whole = new Map<App, HostRoutes<App>>();
  for (const [host, routes] of hosts) {
    const [only] = routes;
    if (only === undefined || routes.length > 1 || only.prefix !== '') continue;
    const shared = whole.get(only.app);
    if (shared === undefined) whole.set(only.app, routes);
    else hosts.set(host, shared);
  }
}

function matchPrefix<App>(prefixes: HostRoutes<App> | undefined, target: string): Mount<App> | undefined {
  if (prefixes === undefined) return undefined;
  for (const mount of prefixes) if (isBelow(target, mount.prefix)) return mount;
  return undefined;
}
