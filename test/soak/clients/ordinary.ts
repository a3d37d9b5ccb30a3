// Ordinary requests, each of which has to be answered, whatever happens beside them.
import { Agent, request } from 'node:http';
import type { Pace } from '../../chaos/pace.ts';
import type { Where } from './conversation.ts';
import type { Tally } from './tally.ts';

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  /** Without a declared length. */
  readonly isChunked?: boolean;
  readonly expected: Buffer;
}

const longBytes = 100_000;
const period = 251;
const long = Buffer.from(Array.from({ length: longBytes }, (_unused, at) => at % period));
const form = Buffer.alloc(3000, 'form ');

const asks: readonly Ask[] = [
  { method: 'GET', path: '/small', expected: Buffer.from('small') },
  { method: 'POST', path: '/echo', body: form, expected: form },
  { method: 'GET', path: `/long?bytes=${longBytes}`, expected: long },
  { method: 'POST', path: '/echo', body: form, isChunked: true, expected: form },
  { method: 'GET', path: '/late?ms=20', expected: Buffer.from('late') },
  { method: 'POST', path: '/echo', body: long, expected: long },
];

const pauseMs = 50;
/** Whoever gets no answer should not stop the count. */
const longestMs = 30_000;

/** One after the other, on one connection that is kept or on one for each, until the pace is over. */
export async function askOrdinarily(where: Where, pace: Pace, tally: Tally, isKept: boolean): Promise<void> {
  const agent = isKept ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
  for (let at = 0; !pace.isOver; at++) {
    const one = asks[at % asks.length];
    if (one !== undefined) {
      const what = `${one.method} ${one.path} on ${isKept ? 'a kept' : 'a new'} connection`;
      await tally.count(what, async () => ask(where, agent, one));
    }
    await pace.pause(pauseMs);
  }
  if (agent !== false) agent.destroy();
}

async function ask({ port, host }: Where, agent: Agent | false, one: Ask): Promise<void> {
  const { method, path, body, isChunked, expected } = one;
  const length = body === undefined || isChunked === true ? {} : { 'content-length': body.length };
  const answer = await new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, agent, headers: { host, ...length }, timeout: longestMs },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) });
        });
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`nothing came for ${longestMs} ms`)));
    outgoing.on('error', reject);
    if (isChunked === true) outgoing.write(body);
    outgoing.end(isChunked === true ? undefined : body);
  });
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  if (!answer.body.equals(expected)) throw new Error(`answered other bytes (${answer.body.length})`);
}
