// What a connection costs that does nothing: memory of the router's processes with 10,000 of them, less that before.
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import type { Scope } from '../../harness/scope.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { siteHost, type Contender } from '../contenders/contender.ts';
import { connectionsWithin, descriptorLimit } from '../descriptors.ts';
import { pssBytes } from '../cpu-time.ts';
import { prepareWrk } from '../load/wrk.ts';
import { isMissing, present, type Missing } from '../missing.ts';
import { within } from '../scope.ts';
import type { CaseResult, Row, Sample } from '../speed/result.ts';
import type { Scenario } from '../speed/scenario.ts';
import type { Settings } from '../speed/settings.ts';
import { startAll } from '../speed/start-all.ts';
import { startUpstream } from '../upstreams/nginx.ts';

const connections = connectionsWithin(descriptorLimit(), 10_000);
/** Each round has new processes (what a router took once it may keep), and most of its time is waiting. */
const mostRounds = 3;
/** What a router does some time after busy times is done. */
const settleMs = 12_000;

const spec: Pick<CaseResult, 'name' | 'load' | 'columns' | 'bars'> = {
  name: 'idle',
  load: `${connections} kept-alive connections, each of which made one request and idles now`,
  columns: [
    { key: 'bytes', heading: 'bytes/connection', digits: 0 },
    { key: 'before', heading: 'MB before', digits: 1 },
    { key: 'with', heading: 'MB with them', digits: 1 },
  ],
  bars: [{ key: 'bytes', what: 'memory per connection', limit: { atMost: 1.0 }, against: ['HAProxy'] }],
};

export const idle: Scenario = {
  summary: '10,000 idle connections: memory of the router per connection',
  run: async (scope, settings) => {
    const rounds = Math.min(mostRounds, settings.rounds);
    const rows = new Map<string, Row | Missing>();
    for (let round = 0; round < rounds; round += 1) {
      for (const row of await within(scope, (inner) => measureRound(inner, settings))) {
        const before = rows.get(row.name);
        const isBoth = before !== undefined && !isMissing(before) && !isMissing(row);
        rows.set(row.name, isBoth ? { ...row, samples: [...before.samples, ...row.samples] } : row);
      }
    }
    return [{ ...spec, load: `${spec.load}; ${rounds} rounds`, rows: [...rows.values()] }];
  },
};

/** All at the same time: nobody's memory depends on what the others do. */
async function measureRound(scope: Scope, settings: Settings): Promise<readonly (Row | Missing)[]> {
  const upstream = await startUpstream(scope);
  const contenders = await startAll(scope, { upstream, accessLog: false, isInspectable: true }, settings, {
    'uWSGI http router': 'it has an upstream of its own',
  });
  const started = present(contenders);
  const wrk = prepareWrk(scope, { hosts: [siteHost] });
  // What a router loads and compiles for its first requests is no cost of a connection.
  for (const { port } of started) await wrk({ port, seconds: 1, connections: 64 });
  await settle(started);
  const before = started.map(megabytes);
  await Promise.all(started.map(({ port }) => holdConnections(scope, port)));
  await settle(started);
  const rows = started.map(({ name, version, isOurs, pids }, index): Row => {
    const sample = sampleOf(before[index] ?? NaN, megabytes({ pids }));
    return { name, version, isOurs, samples: [sample], faults: [] };
  });
  return [...rows, ...contenders.filter(isMissing)];
}

function sampleOf(before: number, now: number): Sample {
  return { bytes: ((now - before) * 1e6) / connections, before, with: now };
}

function megabytes({ pids }: Pick<Contender, 'pids'>): number {
  return pids.reduce((total, pid) => total + pssBytes(pid), 0) / 1e6;
}

/** Resolves when all of them are open and idle; they are closed with the scope. */
async function holdConnections(scope: Scope, port: number): Promise<void> {
  const program = fileURLToPath(new URL('../load/idle-clients.js', import.meta.url));
  const args = [program, String(port), siteHost, String(connections)];
  const clients = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  clients.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  scope.after(() => clients.kill('SIGKILL'));
  await waitFor(
    () => {
      if (clients.exitCode !== null) throw new Error('the idle clients lost a connection');
      return output.includes('idle');
    },
    { what: `${connections} connections to idle`, timeoutMs: 60_000 },
  );
}

/** What is garbage is no cost of a connection, and when V8 would have collected it is chance: before it may weigh more. */
async function settle(contenders: readonly Contender[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  for (const { collectGarbage } of contenders) await collectGarbage?.();
}
