// Large bodies, both ways: how fast they pass, and what they cost.
import type { Scope } from '../../harness/scope.ts';
import { siteHost } from '../contenders/contender.ts';
import { compile } from '../load/native-load.ts';
import { runLoad } from '../load/run-load.ts';
import { present } from '../missing.ts';
import { cpuKey, measureCase, type CaseSpec } from '../speed/measure-case.ts';
import { bestPeers, type CaseResult } from '../speed/result.ts';
import type { Scenario } from '../speed/scenario.ts';
import { roundSeconds, type Settings } from '../speed/settings.ts';
import { startAll } from '../speed/start-all.ts';
import { within } from '../scope.ts';
import { startNativeUpstream } from '../upstreams/native.ts';
import { fileBytes, startUpstream } from '../upstreams/nginx.ts';

const connections = 4;

type Direction = 'down' | 'up';

export const transfer: Scenario = {
  summary: 'bodies of 100 MB, down and up: throughput and CPU per GB',
  run: async (scope, settings) => [
    ...(await within(scope, (inner) => measure(inner, settings, 'down', () => startUpstream(inner)))),
    ...(await within(scope, (inner) =>
      measure(inner, settings, 'up', () => startNativeUpstream(inner, 'upload-sink')),
    )),
  ],
};

async function measure(
  scope: Scope,
  settings: Settings,
  direction: Direction,
  start: () => Promise<string>,
): Promise<readonly CaseResult[]> {
  const load = compile(scope, 'transfer-load');
  const spec = specOf(scope, load, direction);
  const upstream = await start();
  const site = { upstream: upstream, accessLog: false };
  const contenders = await startAll(scope, site, settings, {
    'uWSGI http router': 'it speaks to uWSGI apps only, whose files are not those of the others',
  });
  const seconds = roundSeconds(settings, present(contenders).length, 2);
  return [await measureCase(spec, contenders, { rounds: settings.rounds, seconds })];
}

function specOf(scope: Scope, program: string, direction: Direction): CaseSpec {
  const what = direction === 'down' ? 'GET of a file' : 'PUT of a body';
  return {
    name: `transfer, ${direction}`,
    load: `${what} of 100 MB, one after the other on each of ${connections} connections`,
    columns: [
      { key: 'throughput', heading: 'GB/s', digits: 2 },
      { key: cpuKey, heading: 'CPU ms/GB', digits: 0 },
    ],
    bars: [
      { key: 'throughput', what: 'throughput', limit: { atLeast: 1.0 }, against: bestPeers },
      { key: cpuKey, what: 'CPU per GB', limit: { atMost: 1.0 }, against: bestPeers },
    ],
    run: async ({ port }, seconds) => {
      const flags = [port, siteHost, direction, fileBytes, seconds, connections].map(String);
      const output = await runLoad(scope, [program, ...flags]);
      const { transfers, seconds: took } = JSON.parse(output) as Transfers;
      const gigabytes = (transfers * fileBytes) / 1e9;
      // The CPU time comes in microseconds for each of what is counted: of thousandths, in milliseconds for each.
      return { count: gigabytes * 1000, figures: { throughput: gigabytes / took }, faults: '' };
    },
  };
}

interface Transfers {
  readonly transfers: number;
  readonly seconds: number;
}
