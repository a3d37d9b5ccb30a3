// Ends a Node worker on the stop signal: accept no more, let what runs finish, exit. An app that handles the signal
// itself is left in charge; its own close() of a server that we closed already is then no error.
import { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { workerExit } from '../../../lib/exit-codes.ts';
import type { Adoption } from './adopt-listen.ts';

/** Keep-alive connections become idle, and streams begin, one by one as answers end; looked at this often. */
const sweepMs = 50;

export interface Ending {
  /** The app's export: where it can close itself (Fastify), it is asked to instead of its server. */
  closeWith(app: unknown): void;
}

export interface EndingOptions {
  readonly signal: NodeJS.Signals;
  /** From the signal until the worker is killed. */
  readonly stopTimeoutMs: number;
  readonly adoption: Adoption;
  /** Gives back what was handed over, as soon as that can be; resolves when nothing is left of it. */
  readonly giveBack: () => Promise<void>;
  /** Ends the connections that never end by themselves. Doing it again does nothing to those that are ended. */
  readonly endStreams: () => void;
}

export function endInOrder({ signal, stopTimeoutMs, adoption, giveBack, endStreams }: EndingOptions): Ending {
  let isEnding = false;
  let closeApp: (() => Promise<unknown>) | undefined;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    const isAppInCharge = process.listenerCount(signal) > 1;
    // An app that ends by itself may take half of the time to say goodbye in its own words.
    const streamsFromMs = performance.now() + (isAppInCharge ? stopTimeoutMs / 2 : 0);
    const sweep = (): void => {
      if (performance.now() >= streamsFromMs) endStreams();
      for (const server of adoption.servers) if (server instanceof HttpServer) server.closeIdleConnections();
    };
    // Rejected by an app's own close only; there is nothing left to do but to end.
    const servers = adoption.servers.filter(({ listening }) => listening);
    const closed = Promise.all([giveBack(), ...servers.map(closeForGood)]);
    for (const server of servers) tellWhenClosed(server, closed);
    void closeAll(closed, sweep, isAppInCharge ? undefined : closeApp).finally(() => {
      if (!isAppInCharge) process.exit(workerExit.ok);
    });
  };
  // KILL cannot be heard, and needs no order.
  if (signal !== 'SIGKILL') process.on(signal, end);
  return {
    closeWith: (app) => {
      closeApp = closeOf(app);
    },
  };
}

function closeOf(app: unknown): (() => Promise<unknown>) | undefined {
  const candidates = [app, typeof app === 'object' && app !== null && 'default' in app ? app.default : undefined];
  for (const candidate of candidates) {
    if (typeof candidate !== 'object' || candidate === null) continue;
    if (!('ready' in candidate && 'inject' in candidate && 'close' in candidate)) continue;
    const { close } = candidate;
    if (typeof close === 'function') return async () => (await close.call(candidate)) as unknown;
  }
  return undefined;
}

async function closeAll(
  closed: Promise<unknown>,
  sweep: () => void,
  closeApp: (() => Promise<unknown>) | undefined,
): Promise<void> {
  sweep();
  const timer = setInterval(sweep, sweepMs);
  try {
    await closeApp?.();
    await closed;
  } finally {
    clearInterval(timer);
  }
}

async function closeForGood(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  server.close();
  await closed;
}

/** The app's shutdown code commonly ends by server.close(callback), and takes an error there for a failure. */
function tellWhenClosed(server: Server, closed: Promise<unknown>): void {
  server.close = function (callback?: (error?: Error) => void): Server {
    if (callback !== undefined) {
      // Nothing rejects: all of it ends, or the process is killed.
      void closed.then(() => {
        callback();
      });
    }
    return server;
  };
}
