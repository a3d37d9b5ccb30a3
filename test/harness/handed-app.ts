// A Node app behind the real emperor whose workers take connections over. It tells who answered, and whether that was by
// way of the router.
import type { TestContext } from 'node:test';
import { startEmperor, type EmperorOptions, type EmperorProcess } from './emperor-process.ts';
import type { KeptClient } from './kept-client.ts';

export interface WhoAnswered {
  readonly generation: number;
  readonly worker: number;
  readonly pid: number;
  /** The worker has the client's connection itself. */
  readonly isDirect: boolean;
}

const source = `
const { createServer } = require('node:http');
const server = createServer((request, response) => {
  const { remotePort } = request.socket;
  const { EMPEROR_GENERATION: generation, EMPEROR_WORKER: worker } = process.env;
  const answer = () => response.end([generation, worker, process.pid, remotePort === undefined ? 'routed' : 'direct'].join(' '));
  const wait = Number(new URL(request.url, 'http://a').searchParams.get('wait'));
  if (wait > 0) setTimeout(answer, wait); else answer();
});
server.listen(3000);
`;

export function readWho(body: string): WhoAnswered {
  const [generation, worker, pid, how] = body.split(' ');
  return { generation: Number(generation), worker: Number(worker), pid: Number(pid), isDirect: how === 'direct' };
}

/**
 * Asks until a worker answers that has the client's connection itself. A request that is there too soon puts the hand-over
 * off: then it takes more than four.
 */
export async function untilDirect(client: KeptClient): Promise<WhoAnswered & { readonly asked: number }> {
  for (let asked = 1; asked <= mostAsked; asked++) {
    const who = readWho((await client.ask()).body);
    if (who.isDirect) return { ...who, asked };
  }
  throw new Error(`no worker took the connection over within ${mostAsked} requests`);
}

const mostAsked = 2000;

/** `keys`: further lines of who.yaml. */
export async function startHandedApp(t: TestContext, keys = '', options: EmperorOptions = {}): Promise<EmperorProcess> {
  const vassals = { 'who.cjs': source, 'who.yaml': `app: ./who.cjs\n${keys}`, ...options.vassals };
  const emperor = await startEmperor(t, { ...options, vassals });
  await emperor.appIs('who', 'running');
  return emperor;
}

/** Of the live generation. */
export async function workerPids(emperor: EmperorProcess): Promise<number[]> {
  const { generation, instances } = await emperor.appIs('who', 'running');
  const live = instances.find((instance) => instance.generation === generation);
  return (live?.workers ?? []).map(({ pid }) => pid);
}
