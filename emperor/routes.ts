// PURE. The route table that follows from the facts: each app's live generation, or why it has none. Equal facts
// give an equal table, so that comparing two tables tells whether there is anything to publish.
import type { AppRoute, TargetRoute } from '../lib/routes.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import { chooseDeployable, liveInstance, type AppFacts, type Desired, type InstanceFacts } from './facts.ts';
import { decideRestart } from './restart-policy.ts';
import { rolloutPair, shareOf } from './rollout.ts';

/** Requests are held over a pause so short; a longer one is answered 503 at once. */
const longestHeldPauseMs = 2500;

/** Builds the whole table, sorted by name. Apps that nobody wants any more are not in it. */
export function buildRoutes(desired: Desired, apps: readonly AppFacts[], nowMs: number): readonly AppRoute[] {
  const routes = apps
    .map((app) => buildRoute(desired, app, nowMs))
    .filter((route) => route !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return withoutDoubleClaims(desired, routes);
}

function buildRoute(desired: Desired, app: AppFacts, nowMs: number): AppRoute | undefined {
  const wanted = desired.apps.get(app.name);
  if (wanted?.isStopped === true) {
    const spec = wanted.target?.spec ?? app.proven?.spec;
    return spec && vacant(app.name, spec, false, 'stopped by the operator');
  }
  const isGone = desired.isEnding || (wanted === undefined && desired.isComplete);
  return isGone ? undefined : wantedRoute(desired, app, nowMs);
}

function wantedRoute(desired: Desired, app: AppFacts, nowMs: number): AppRoute | undefined {
  const chosen = chooseDeployable(desired, app);
  const live = liveInstance(app, chosen);
  if (desired.apps.get(app.name)?.isPaused === true) {
    const spec = live?.deployable.spec ?? chosen?.spec;
    return spec && vacant(app.name, spec, true, '');
  }
  if (live !== undefined) {
    return {
      ...route(app.name, live.deployable.spec, { targets: routed(live), hold: true }),
      next: nextOf(desired, app),
    };
  }
  if (chosen === undefined) return undefined;
  const decision = decideRestart(app.deaths, nowMs);
  if (decision.restart || app.instances.some(({ state }) => state === 'starting')) {
    return vacant(app.name, chosen.spec, true, '');
  }
  return vacant(app.name, chosen.spec, decision.waitMs <= longestHeldPauseMs, decision.reason);
}

/** The workers of a newer generation that is tried, where it has a share of the clients by now. */
function nextOf(desired: Desired, app: AppFacts): AppRoute['next'] {
  const pair = rolloutPair(app, chooseDeployable(desired, app));
  if (pair === undefined) return null;
  const share = shareOf(desired, app, pair);
  return share === 0 ? null : { targets: routed(pair.next), share };
}

function routed({ workers, keep }: InstanceFacts): readonly TargetRoute[] {
  return workers
    .filter(({ id }) => id <= keep)
    .map(({ key, address, weight, handoff, protocol, capacity }) => {
      return { key, address, weight, handoff, protocol, capacity };
    });
}

function vacant(name: string, spec: VassalSpec, hold: boolean, reason: string): AppRoute {
  return route(name, spec, { targets: [], hold, reason: hold ? '' : reason });
}

function route(
  name: string,
  spec: VassalSpec,
  rest: Pick<AppRoute, 'targets' | 'hold'> & { readonly reason?: string },
): AppRoute {
  return {
    name,
    domains: spec.domains,
    targets: rest.targets,
    next: null,
    hold: rest.hold,
    reason: rest.reason ?? '',
    limitPost: spec['limit-post'],
    maxConcurrency: spec['max-concurrency'],
    handoff: handsOver(spec),
    queue: spec.queue,
    queueTimeoutMs: spec['queue-timeout'],
    drainMs: spec['drain-timeout'],
  };
}

/** What a worker serves by itself the router does not count, so it could keep to no limit of requests at a time. */
function handsOver(spec: VassalSpec): boolean {
  return spec.handoff === 'auto' && spec.app !== undefined && spec['max-concurrency'] === 0;
}

/**
 * While a domain moves from one app to another, the live generations of both may claim it. The app whose file claims
 * it has it; the files themselves never claim one twice (the scan sees to that).
 */
function withoutDoubleClaims(desired: Desired, routes: readonly AppRoute[]): readonly AppRoute[] {
  const owners = new Map<string, string>();
  for (const isByFile of [true, false]) {
    for (const { name, domains } of routes) {
      const named = desired.apps.get(name)?.target?.spec.domains ?? [];
      for (const domain of domains) {
        if (named.includes(domain) === isByFile && !owners.has(domain)) owners.set(domain, name);
      }
    }
  }
  return routes.map((one) => ({ ...one, domains: one.domains.filter((domain) => owners.get(domain) === one.name) }));
}
