// Ends a Node worker on the stop signal: accept no more, let what runs finish, exit. An app that handles the signal
// itself is left in charge; its own close() of a server that we closed already is then no error.
import { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { workerExit } from '../../../lib/exit-codes.ts';
import type { Adoption } from './adopt-listen.ts';
import type { UpgradedSockets } from './upgraded-sockets.ts';

/** Keep-alive connections become idle one by one as their last answers end; looked at this often. */
const idleSweepMs = 50;

export interface Ending {
  /** The app's export: where it can close itself (Fastify), it is asked to instead of its server. */
  closeWith(app: unknown): void;
}

export function endInOrder(signal: NodeJS.Signals, adoption: Adoption, upgraded: UpgradedSockets): Ending {
  let isEnding = false;
  let closeApp: (() => Promise<unknown>) | undefined;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    const isAppInCharge = process.listenerCount(signal) > 1;
    if (!isAppInCharge) upgraded.end();
    // Rejected by an app's own close only; there is nothing left to do but to end.
    void closeAll(adoption.servers, isAppInCharge ? undefined : closeApp).finally(() => {
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

async function closeAll(servers: readonly Server[], closeApp: (() => Promise<unknown>) | undefined): Promise<void> {
  const sweep = setInterval(() => {
    for (const server of servers) if (server instanceof HttpServer) server.closeIdleConnections();
  }, idleSweepMs);
  const closing = servers.map(closeServer);
  try {
    await closeApp?.();
    await Promise.all(closing);
  } finally {
    clearInterval(sweep);
  }
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  server.close();
  // The app's shutdown code commonly ends by server.close(callback) and takes an error there for a failure.
  server.close = function (callback?: (error?: Error) => void): Server {
    if (callback !== undefined) {
      // Nothing rejects: the event comes, or the process is killed.
      void closed.then(() => {
        callback();
      });
    }
    return server;
  };
  await closed;
}
