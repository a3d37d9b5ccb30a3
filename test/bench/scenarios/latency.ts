// How long requests take when the router is half busy: requests at random moments, whether or not others wait.
import type { Scope } from '../../harness/scope.ts';
import { siteHost } from '../contenders/contender.ts';
import { compile } from '../load/native-load.ts';
import { runLoad } from '../load/run-load.ts';
import { prepareWrk } from '../load/wrk.ts';
import { isMissing, present, type Missing } from '../missing.ts';
import { cpuKey, measureCase, type CaseSpec, type OneOf } from '../speed/measure-case.ts';
import { bestPeers } from '../speed/result.ts';
import type { Scenario } from '../speed/scenario.ts';
import { roundSeconds } from '../speed/settings.ts';
import { startAll } from '../speed/start-all.ts';
import { startUpstream } from '../upstreams/nginx.ts';

const connections = 128;
const saturation = { seconds: 2, connections: 64 };

export const latency: Scenario = {
  summary: 'p99 at half of the saturating rate, in an open loop',
  run: async (scope, settings) => {
    const program = compile(scope, 'open-loop');
    const upstream = await startUpstream(scope);
    const site = { upstream: upstream, accessLog: false };
    const contenders = await startAll(scope, site, settings);
    const rates = ratesFor(await saturatingRates(scope, contenders));
    const seconds = roundSeconds(settings, present(contenders).length, 1);
    const spec = specOf(scope, program, rates);
    return [await measureCase(spec, contenders, { rounds: settings.rounds, seconds })];
  },
};

/** Requests per second of each in a closed loop, by name. */
async function saturatingRates(
  scope: Scope,
  contenders: readonly (OneOf | Missing)[],
): Promise<ReadonlyMap<string, { readonly rate: number; readonly counts: boolean }>> {
  const wrk = prepareWrk(scope, { hosts: [siteHost] });
  const rates = new Map<string, { rate: number; counts: boolean }>();
  for (const one of contenders) {
    if (isMissing(one)) continue;
    await wrk({ port: one.port, ...saturation });
    const { perSecond } = await wrk({ port: one.port, ...saturation });
    rates.set(one.name, { rate: perSecond, counts: one.isOurs || bestPeers.includes(one.name) });
  }
  return rates;
}

/**
 * The same rate for all that are compared: half of what the slowest of them can do. Another that could not even do
 * that gets half of its own.
 */
function ratesFor(
  saturating: ReadonlyMap<string, { readonly rate: number; readonly counts: boolean }>,
): ReadonlyMap<string, number> {
  const common = Math.min(...[...saturating.values()].filter(({ counts }) => counts).map(({ rate }) => rate)) / 2;
  return new Map([...saturating].map(([name, { rate }]) => [name, Math.round(Math.min(common, rate / 2))]));
}

function specOf(scope: Scope, program: string, rates: ReadonlyMap<string, number>): CaseSpec {
  let seed = 0;
  return {
    name: 'latency',
    load: `GET at random moments, an answer of 12 bytes, ${connections} kept-alive connections, in an open loop at half of the rate that saturates the slowest of those compared`,
    columns: [
      { key: 'rate', heading: 'requests/s', digits: 0 },
      { key: cpuKey, heading: 'CPU µs/request', digits: 2 },
      { key: 'p50', heading: 'p50 ms', digits: 3 },
      { key: 'p99', heading: 'p99 ms', digits: 3 },
      { key: 'p999', heading: 'p99.9 ms', digits: 3 },
      { key: 'late', heading: 'load late, p99 ms', digits: 3 },
    ],
    bars: [{ key: 'p99', what: 'p99', limit: { atMost: 1.1 }, against: bestPeers }],
    run: async ({ name, port }, seconds) => {
      // Another seed each time: the figure shall not depend on one pattern.
      seed += 1;
      const rate = rates.get(name) ?? 1000;
      const flags = [port, siteHost, rate, seconds, connections, seed].map(String);
      const output = await runLoad(scope, [program, ...flags]);
      const report = JSON.parse(output) as OpenLoopReport;
      return {
        count: report.sent,
        figures: {
          rate: report.sent / seconds,
          p50: report.p50Us / 1000,
          p99: report.p99Us / 1000,
          p999: report.p999Us / 1000,
          late: report.lateP99Us / 1000,
        },
        faults: report.faults === 0 ? '' : `${report.faults} of ${report.sent}`,
      };
    },
  };
}

interface OpenLoopReport {
  readonly sent: number;
  readonly faults: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly lateP99Us: number;
}
