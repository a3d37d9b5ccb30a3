// An open loop of requests: each is sent when its time has come, whether or not those before it were answered, so a
// stall of the server is seen by as many requests as would have met it. It records every outcome and judges none.
import { Agent, request, type IncomingMessage } from 'node:http';
import { waitFor } from '../../harness/wait-for.ts';
import type { Exchange } from './record.ts';
import { versionOf } from './releases.ts';

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly perSecond: number;
  /** Clients with one kept-alive connection each, which take turns; one that waits for an answer opens a second. */
  readonly keepAliveClients: number;
  /** Every n-th request comes on a connection of its own. */
  readonly newConnectionEvery: number;
}

/** After this long a request counts as lost: nobody waits longer for a hello. It also bounds what is open at a time. */
const answerTimeoutMs = 10_000;

export class OpenLoop {
  readonly exchanges: Exchange[] = [];
  /** How late the load itself was at the worst: what it cannot tell from a stall of the server. */
  worstLatenessMs = 0;
  readonly #options: LoadOptions;
  readonly #clients: readonly Agent[];
  readonly #startMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #ended = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clients = Array.from(
      { length: options.keepAliveClients },
      () => new Agent({ keepAlive: true, maxFreeSockets: 1 }),
    );
    this.#tick();
  }

  /** Resolves with the moment at which the first answer of `version` had arrived. */
  async served(version: string, timeoutMs: number): Promise<number> {
    let seen = 0;
    const first = await waitFor(
      () => {
        const index = this.exchanges.findIndex((one, at) => at >= seen && one.version === version);
        seen = this.exchanges.length;
        return this.exchanges[index];
      },
      { what: `version ${version} to be served`, timeoutMs },
    );
    return first.endMs;
  }

  /** Sends no more, and resolves when every request has its outcome. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await waitFor(() => this.#ended === this.#sent, {
      what: 'the last answers',
      timeoutMs: 2 * answerTimeoutMs,
    });
    for (const client of this.#clients) client.destroy();
  }

  #tick(): void {
    const { perSecond } = this.#options;
    const sinceMs = performance.now() - this.#startMs;
    for (; (this.#sent * 1000) / perSecond <= sinceMs; this.#sent += 1) {
      const dueMs = (this.#sent * 1000) / perSecond;
      this.worstLatenessMs = Math.max(this.worstLatenessMs, sinceMs - dueMs);
      this.#send(this.#sent);
    }
    const nextMs = (this.#sent * 1000) / perSecond;
    this.#timer = setTimeout(
      () => {
        this.#tick();
      },
      Math.max(0, this.#startMs + nextMs - performance.now()),
    );
  }

  #send(turn: number): void {
    const { port, host, newConnectionEvery } = this.#options;
    const isNew = turn % newConnectionEvery === 0;
    const startMs = performance.now();
    let isOver = false;
    const over = (version: string | undefined, fault: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      this.#ended += 1;
      this.exchanges.push({ startMs, endMs: performance.now(), version, fault });
    };
    const agent = isNew ? false : this.#clients[turn % this.#clients.length];
    const outgoing = request({ host: '127.0.0.1', port, agent, headers: { host } });
    const deadline = setTimeout(() => {
      over(undefined, `no answer within ${answerTimeoutMs / 1000} s`);
      outgoing.destroy();
    }, answerTimeoutMs);
    outgoing.on('response', (response) => {
      collect(response, over);
    });
    outgoing.on('error', (error) => {
      over(undefined, describeFault(error));
    });
    outgoing.end();
  }
}

function collect(response: IncomingMessage, over: (version: string | undefined, fault: string | undefined) => void) {
  let body = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    body += text;
  });
  response.on('end', () => {
    const version = versionOf(body);
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) over(undefined, `status ${statusCode}`);
    else over(version, version === undefined ? 'a body that is not of the app' : undefined);
  });
  response.on('error', () => {
    over(undefined, 'cut in the middle of an answer');
  });
}

function describeFault(error: Error): string {
  if (error.message === 'socket hang up') return 'closed before an answer';
  const code = 'code' in error ? String(error.code) : error.message;
  const words: Readonly<Record<string, string>> = { ECONNREFUSED: 'refused', ECONNRESET: 'reset', EPIPE: 'reset' };
  return words[code] ?? code;
}
