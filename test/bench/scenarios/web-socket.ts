// Tunnels: small messages to and fro, for as long as a WebSocket lives.
import { siteHost } from '../contenders/contender.ts';
import { compile } from '../load/native-load.ts';
import { runLoad } from '../load/run-load.ts';
import { present } from '../missing.ts';
import { cpuKey, measureCase, type CaseSpec } from '../speed/measure-case.ts';
import { bestPeers } from '../speed/result.ts';
import type { Scenario } from '../speed/scenario.ts';
import { roundSeconds } from '../speed/settings.ts';
import { startAll } from '../speed/start-all.ts';
import { loopColumns } from '../speed/wrk-cases.ts';
import { startNativeUpstream } from '../upstreams/native.ts';

const connections = 64;
const messageBytes = 1024;

export const webSocket: Scenario = {
  summary: 'WebSocket echo of 1 KB messages: CPU per message',
  run: async (scope, settings) => {
    const load = compile(scope, 'web-socket-load');
    const upstream = await startNativeUpstream(scope, 'web-socket-echo');
    const spec: CaseSpec = {
      name: 'web-socket',
      load: `WebSocket messages of ${messageBytes} bytes and their echoes, ${connections} connections that wait for each echo`,
      columns: loopColumns('message'),
      bars: [{ key: cpuKey, what: 'CPU per message', limit: { atMost: 1.0 }, against: bestPeers }],
      run: async ({ port }, seconds) => {
        const flags = [port, siteHost, seconds, connections, messageBytes].map(String);
        const output = await runLoad(scope, [load, ...flags]);
        const { messages, seconds: took, p50Us, p99Us } = JSON.parse(output) as Echoes;
        const figures = { rate: messages / took, p50: p50Us / 1000, p99: p99Us / 1000 };
        return { count: messages, figures, faults: '' };
      },
    };
    const site = { upstream: upstream, accessLog: false };
    const contenders = await startAll(scope, site, settings, {
      'uWSGI http router': 'it speaks to uWSGI apps only, which echo nothing',
    });
    const seconds = roundSeconds(settings, present(contenders).length, 1);
    return [await measureCase(spec, contenders, { rounds: settings.rounds, seconds })];
  },
};

interface Echoes {
  readonly messages: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
}
