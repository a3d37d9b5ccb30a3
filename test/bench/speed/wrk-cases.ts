// Cases whose load is wrk: requests in a closed loop from 64 connections, judged by the router's CPU time for each.
import type { Scope } from '../../harness/scope.ts';
import { siteHost } from '../contenders/contender.ts';
import { prepareWrk } from '../load/wrk.ts';
import type { RequestSpec } from '../load/wrk-script.ts';
import { present } from '../missing.ts';
import { startUpstream } from '../upstreams/nginx.ts';
import { cpuKey, measureCase, type CaseSpec } from './measure-case.ts';
import { bestPeers, type CaseResult, type Column } from './result.ts';
import { roundSeconds, type Settings } from './settings.ts';
import { startAll } from './start-all.ts';

export interface WrkCase {
  readonly name: string;
  readonly load: string;
  /** To the host that every contender serves. */
  readonly request: Omit<RequestSpec, 'hosts'>;
  /** CPU time for each, ours divided by the best peer's. */
  readonly atMost: number;
  /** What is counted; default `request`. */
  readonly unit?: string;
}

export interface WrkSite {
  readonly accessLog?: boolean;
  /** Peers that cannot do what is asked here, and why. */
  readonly without?: Readonly<Record<string, string>>;
}

const connections = 64;

/** The columns of a closed loop. */
export function loopColumns(unit: string): readonly Column[] {
  return [
    { key: 'rate', heading: `${unit}s/s`, digits: 0 },
    { key: cpuKey, heading: `CPU µs/${unit}`, digits: 2 },
    { key: 'p50', heading: 'p50 ms', digits: 2 },
    { key: 'p99', heading: 'p99 ms', digits: 2 },
  ];
}

/** Starts everything once, and measures one case after the other. */
export async function measureWrkCases(
  scope: Scope,
  settings: Settings,
  cases: readonly WrkCase[],
  { accessLog = false, without = {} }: WrkSite = {},
): Promise<readonly CaseResult[]> {
  const specs = cases.map((one) => specOf(scope, one));
  const upstream = await startUpstream(scope);
  const contenders = await startAll(scope, { upstream, accessLog }, settings, without);
  const seconds = roundSeconds(settings, present(contenders).length, cases.length);
  const results: CaseResult[] = [];
  for (const spec of specs) results.push(await measureCase(spec, contenders, { rounds: settings.rounds, seconds }));
  return results;
}

function specOf(scope: Scope, { name, load, request, atMost, unit = 'request' }: WrkCase): CaseSpec {
  const wrk = prepareWrk(scope, { ...request, hosts: [siteHost] });
  return {
    name,
    load: `${load}; ${connections} connections`,
    columns: loopColumns(unit),
    bars: [{ key: cpuKey, what: `CPU per ${unit}`, limit: { atMost }, against: bestPeers }],
    run: async ({ port }, seconds) => {
      const { requests, perSecond, p50Ms, p99Ms, faults } = await wrk({ port, seconds, connections });
      return { count: requests, figures: { rate: perSecond, p50: p50Ms, p99: p99Ms }, faults };
    },
  };
}
