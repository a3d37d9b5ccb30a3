// A Node app end to end: what a core serves through a proxy, and what it serves where the router hands a kept-alive
// connection to the app's worker and is out of its way. Router and app share the core that is otherwise the router's.
import type { Scope } from '../../harness/scope.ts';
import { siteHost } from '../contenders/contender.ts';
import { startEmperor } from '../contenders/emperor.ts';
import { ourContender } from '../contenders/ours.ts';
import { cores, pin } from '../cores.ts';
import { prepareWrk } from '../load/wrk.ts';
import { isMissing, present, type Missing } from '../missing.ts';
import { measureCase, type CaseSpec, type OneOf } from '../speed/measure-case.ts';
import { bestPeers } from '../speed/result.ts';
import type { Scenario } from '../speed/scenario.ts';
import { roundSeconds, type Settings, type TransportName } from '../speed/settings.ts';
import { startPeers } from '../speed/start-all.ts';
import { loopColumns } from '../speed/wrk-cases.ts';
import { startNodeApp, writeNodeApp } from '../upstreams/node-app.ts';

const connections = 64;

export const nodeApp: Scenario = {
  summary: 'a Node app end to end, one core for router and app: requests per second',
  run: async (scope, settings) => {
    const wrk = prepareWrk(scope, { hosts: [siteHost] });
    const spec: CaseSpec = {
      name: 'node-app',
      load: `GET, an answer of 12 bytes by a Node app of one process, kept-alive connections, router and app on one core; ${connections} connections`,
      columns: loopColumns('request'),
      bars: [{ key: 'rate', what: 'requests per second', limit: { atLeast: 1.6 }, against: bestPeers }],
      run: async ({ port }, seconds) => {
        const { requests, perSecond, p50Ms, p99Ms, faults } = await wrk({ port, seconds, connections });
        return { count: requests, figures: { rate: perSecond, p50: p50Ms, p99: p99Ms }, faults };
      },
    };
    const file = writeNodeApp(scope);
    const contenders = [
      ...(await startOursWith(scope, file, settings)),
      ...(await startPeersWith(scope, file, settings)),
    ];
    const seconds = roundSeconds(settings, present(contenders).length, 1);
    return [await measureCase(spec, contenders, { rounds: settings.rounds, seconds })];
  },
};

async function startOursWith(scope: Scope, file: string, settings: Settings): Promise<readonly OneOf[]> {
  const all: OneOf[] = [];
  for (const transport of settings.transports) {
    for (const handoff of ['auto', 'off'] as const) {
      const ours = await startOurs(scope, file, transport, handoff);
      if (all.every(({ name }) => name !== ours.name)) all.push(ours);
    }
  }
  return all;
}

async function startOurs(scope: Scope, app: string, transport: TransportName, handoff: 'auto' | 'off'): Promise<OneOf> {
  const vassal = JSON.stringify({ app, domains: [siteHost], handoff });
  const emperor = await startEmperor(scope, { vassals: { 'site.json': vassal }, transport, accessLog: false });
  const router = await ourContender(emperor);
  const { vassals } = await emperor.status();
  const workers = vassals.flatMap(({ instances }) => instances.flatMap((one) => one.workers.map(({ pid }) => pid)));
  pin(cores.router, workers);
  const name = handoff === 'auto' ? router.name : `${router.name}, hand-off off`;
  return { ...router, name, pids: [...router.pids, ...workers], isOurs: true };
}

/** All peers stand before one app, which only one of them uses at a time. */
async function startPeersWith(scope: Scope, file: string, settings: Settings): Promise<readonly (OneOf | Missing)[]> {
  const { socket, process } = await startNodeApp(scope, file);
  const peers = await startPeers(scope, { upstream: socket, accessLog: false }, settings, {
    'uWSGI http router': 'it speaks to uWSGI apps only',
  });
  return peers.map((peer) => (isMissing(peer) ? peer : { ...peer, pids: [...peer.pids, process.pid] }));
}
