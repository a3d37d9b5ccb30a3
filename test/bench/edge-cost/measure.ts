// The program whose cost is measured, one question a process: `cost SHAPE`, `profile SHAPE` or `idle`. Prints one line
// of JSON. Needs --expose-gc, and for `cost` a young generation that holds all its exchanges.
import { Session } from 'node:inspector';
import { median } from '../statistics.ts';
import { BenchEdge } from './bench-edge.ts';
import { MemoryTransport } from './memory-transport.ts';
import { sharesOf, type Share } from './profile-shares.ts';
import { shapes, type Shape } from './shapes.ts';

export interface Cost {
  /** Of one request and its answer, the work of the garbage collector's threads included. */
  readonly cpuNs: number;
  /** The same in the best of many short spans: what it costs where nothing else disturbs the caches. */
  readonly bestNs: number;
  readonly heapBytes: number;
}

export interface IdleCost {
  /** Of one connection between two requests. */
  readonly heapBytes: number;
  /** What of it is the benchmark's own stream. */
  readonly streamBytes: number;
}

/** Clients that are served in one turn, as many as a busy router finds at one wake-up. */
const batch = 16;
const warmUpExchanges = 400_000;
const spans = 25;
const spanMs = 20;
const allocationRounds = 200;
/** Twice as many descriptors, as the router counts them, are within what most systems allow. */
const idleConnections = 5000;
const profiledExchanges = 1_000_000;
const samplingUs = 100;

const [question = '', name = 'get'] = process.argv.slice(2);
const shape = shapes[name];
if (shape === undefined) throw new Error(`no shape ${name}`);
const answers = { cost, profile, idle };
const answer = await answers[question as keyof typeof answers](shape);
process.stdout.write(`${JSON.stringify(answer)}\n`);
process.exit();

async function cost(shape: Shape): Promise<Cost> {
  const { run, verify } = await warm(shape);
  const costs = Array.from({ length: spans }, () => {
    let requests = 0;
    const before = process.cpuUsage();
    const until = performance.now() + spanMs;
    while (performance.now() < until) requests += run(20);
    return cpuNsSince(before) / requests;
  });
  verify();
  gc();
  const heapBefore = process.memoryUsage().heapUsed;
  const allocating = run(allocationRounds / shape.requests);
  const heapBytes = (process.memoryUsage().heapUsed - heapBefore) / allocating;
  return { cpuNs: median(costs), bestNs: Math.min(...costs), heapBytes };
}

async function profile(shape: Shape): Promise<Share[]> {
  const { run } = await warm(shape);
  const session = new Session();
  session.connect();
  const ask = (method: string, params?: object): unknown => {
    let result: unknown;
    session.post(method, params, (_error, answer) => {
      result = answer;
    });
    return result;
  };
  ask('Profiler.enable');
  ask('Profiler.setSamplingInterval', { interval: samplingUs });
  ask('Profiler.start');
  const before = process.cpuUsage();
  const requests = run(profiledExchanges / batch / shape.requests);
  return sharesOf(ask('Profiler.stop'), cpuNsSince(before) / requests);
}

function cpuNsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

async function idle(shape: Shape): Promise<IdleCost> {
  // The streams of a transport that nobody uses, then those of connections: the difference is the router's.
  const { edge } = await warm(shape);
  const bare = new MemoryTransport();
  const before = heapNow();
  const streams = Array.from({ length: idleConnections }, () => bare.accept());
  const streamBytes = (heapNow() - before) / streams.length;
  const beforeClients = heapNow();
  const clients = edge.connect(idleConnections);
  for (let at = 0; at < clients.length; at += batch) edge.exchange(clients.slice(at, at + batch));
  const heapBytes = (heapNow() - beforeClients) / clients.length;
  return { heapBytes, streamBytes: clients.length === streams.length ? streamBytes : NaN };
}

interface Warm {
  readonly edge: BenchEdge;
  /** Does so many rounds and returns the number of requests in them. */
  readonly run: (rounds: number) => number;
  /** Throws unless all answers so far were whole. */
  readonly verify: () => void;
}

async function warm(shape: Shape): Promise<Warm> {
  const edge = await BenchEdge.start(shape);
  const clients = edge.connect(batch);
  let exchanges = 0;
  const run = (rounds: number): number => {
    exchanges += rounds;
    for (let round = 0; round < rounds; round++) edge.exchange(clients);
    return rounds * batch * shape.requests;
  };
  run(warmUpExchanges / batch / shape.requests);
  const verify = (): void => {
    edge.verify(clients, exchanges);
  };
  verify();
  return { edge, run, verify };
}

/** Everything that JavaScript holds, typed arrays' memory included. */
function heapNow(): number {
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function gc(): void {
  if (globalThis.gc === undefined) throw new Error('start with --expose-gc');
  globalThis.gc();
}
