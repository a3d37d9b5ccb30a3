// Whether the number of hosts in the table makes a request dearer: 10 against 10,000, each asked in turn.
import { startEmperor } from '../contenders/emperor.ts';
import { ourContender } from '../contenders/ours.ts';
import { prepareWrk } from '../load/wrk.ts';
import { cpuKey, measureCase, type CaseSpec, type OneOf } from '../speed/measure-case.ts';
import type { Scenario } from '../speed/scenario.ts';
import { roundSeconds } from '../speed/settings.ts';
import { loopColumns } from '../speed/wrk-cases.ts';
import { startUpstream } from '../upstreams/nginx.ts';

const few = 10;
const many = 10_000;
/** A vassal's file may have 256 KB. */
const hostsPerFile = 2500;
const connections = 64;

export const hosts: Scenario = {
  summary: '10 against 10,000 hosts in the table: CPU per request, ours only',
  run: async (scope, settings) => {
    const loads = new Map(
      [few, many].map((count) => [rowName(count), prepareWrk(scope, { hosts: hostsOf(count) })] as const),
    );
    const spec: CaseSpec = {
      name: 'hosts',
      load: `GET, an answer of 12 bytes, kept-alive connections, every host of the table in turn; ${connections} connections`,
      columns: loopColumns('request'),
      bars: [{ key: cpuKey, what: 'CPU per request', limit: { atMost: 1.05 }, against: [rowName(few)] }],
      run: async ({ name, port }, seconds) => {
        const report = await loads.get(name)?.({ port, seconds, connections });
        if (report === undefined) throw new Error(`no load for ${name}`);
        const { requests, perSecond, p50Ms, p99Ms, faults } = report;
        return { count: requests, figures: { rate: perSecond, p50: p50Ms, p99: p99Ms }, faults };
      },
    };
    const upstream = await startUpstream(scope);
    const contenders: OneOf[] = [];
    for (const count of [few, many]) {
      const [transport = 'auto'] = settings.transports;
      const vassals = vassalsOf(count, upstream);
      const contender = await ourContender(await startEmperor(scope, { vassals, transport, accessLog: false }));
      contenders.push({ ...contender, name: rowName(count), isOurs: true });
    }
    const seconds = roundSeconds(settings, contenders.length, 1);
    return [await measureCase(spec, contenders, { rounds: settings.rounds, seconds })];
  },
};

function rowName(count: number): string {
  return `Emperor, ${count} hosts`;
}

function hostsOf(count: number): string[] {
  return Array.from({ length: count }, (_unused, index) => `shop-${index}.example.com`);
}

function vassalsOf(count: number, upstream: string): Record<string, string> {
  const all = hostsOf(count);
  const files: Record<string, string> = {};
  for (let at = 0; at < count; at += hostsPerFile) {
    const domains = all.slice(at, at + hostsPerFile);
    files[`shops-${at}.json`] = JSON.stringify({ upstream: `unix:${upstream}`, domains });
  }
  return files;
}
