// The `admin` address: GET /status for monitoring, and nothing else. It is unauthenticated, so it is bound to the
// loopback interface or a unix socket only, and a Host that is not loopback is refused: a web page in a browser on
// this machine could otherwise read it by DNS rebinding.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatAddress, parseAddress } from '../lib/address.ts';
import { EmperorError, errnoOf, messageOf } from '../lib/errors.ts';
import { describeHolder } from './address-holder.ts';
import { reply, replyError } from './api-reply.ts';
import { removeStaleSocket } from './listening.ts';
import type { Status } from './status.ts';

export interface AdminServer {
  /** Where it listens, with the real port. */
  readonly address: string;
  close(): void;
}

/** Starts it, or throws an EmperorError that says what is wrong with the address. */
export async function startAdminServer(text: string, status: () => Status): Promise<AdminServer> {
  const address = parseAddress(text);
  if (typeof address === 'string') throw new EmperorError('EMP_ADDRESS_INVALID', `admin: ${address}`);
  const server = createServer((request, response) => {
    answer(request, response, { status, isTcp: address.kind === 'tcp' });
  });
  if (address.kind === 'unix') {
    await removeStaleSocket(address.path);
    await listen(server, { path: address.path }).catch((error: unknown) => fail(text, error));
    return { address: formatAddress(address), close: () => void server.close() };
  }
  const host = address.host === '' ? '127.0.0.1' : address.host;
  if (!isLoopback(host)) {
    throw new EmperorError('EMP_ADDRESS_INVALID', `admin: ${text} is not a loopback address`, {
      hint: 'use 127.0.0.1:<port>, [::1]:<port> or unix:/path',
    });
  }
  await listen(server, { host, port: address.port }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EADDRINUSE') return fail(text, error);
    throw new EmperorError('EMP_ADDRESS_IN_USE', `admin: ${describeHolder(address)}`, { cause: error });
  });
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : address.port;
  return {
    address: formatAddress({ ...address, host, port }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, isTcp }: { readonly status: () => Status; readonly isTcp: boolean },
): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (isTcp && !isLoopback(host.replace(/^\[|\]$/g, ''))) {
    replyError(response, 421, { code: 'bad-host', message: 'this address answers to loopback hosts only' });
    return;
  }
  const [path] = (request.url ?? '').split('?');
  if (path !== '/status') {
    replyError(response, 404, { code: 'not-found', message: 'only GET /status is served here' });
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    replyError(response, 405, { code: 'bad-method', message: 'only GET /status is served here' });
    return;
  }
  reply(response, 200, status());
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

async function listen(server: Server, options: { path: string } | { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function fail(text: string, error: unknown): never {
  const code = errnoOf(error) === 'EACCES' ? 'EMP_ADDRESS_DENIED' : 'EMP_ADDRESS_INVALID';
  throw new EmperorError(code, `admin: ${text}: ${messageOf(error)}`, { cause: error });
}
