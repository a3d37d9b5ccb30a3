// Lets the app's own listen() use the sockets that the primary bound: the first server that listens is adopted, in
// place of the port it asked for. Patches net.Server.prototype.listen, once, before the app is loaded.
import cluster from 'node:cluster';
import { errorMonitor, type EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import { Server, type AddressInfo, type ListenOptions } from 'node:net';
import { errnoOf } from '../../../lib/errors.ts';
import type { ListenTarget } from '../../worker-messages.ts';
import type { WorkerBoot } from './worker-boot.ts';

/** As long as the primary's: listening again on an inherited socket sets its queue anew. */
const backlog = 4096;
/** Node's default, and ours: the router drops idle connections after 4 s, and it must never be the worker that does. */
const nodeKeepAliveMs = 5000;
const keepAliveMs = 65_000;

export interface AdoptionEvents {
  /** A server listens on the worker's own socket; called again when the app's own takes over from ours. */
  onListening(server: Server): void;
  /** Something about the app's listening that its owner should know. */
  onNote(text: string): void;
}

export interface Adoption {
  readonly isAdopted: boolean;
  /** The adopted server, and the one that feeds it from the shared socket. */
  readonly servers: readonly Server[];
  /** Serves an exported handler. If the app calls listen() later, its server takes over. */
  listen(server: Server): void;
}

type Listen = (this: Server, ...args: unknown[]) => Server;
/** Parts of net.Server that have been the same since Node 0.12 but are not in its documented types. */
interface Listening {
  _handle: { getsockname?: (out: Partial<AddressInfo>) => number } | null;
  _listen2(address: null, port: number, addressType: number, backlog: number): void;
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the server as `this` below
const listenForReal = Server.prototype.listen as Listen;

export function adoptListen(boot: WorkerBoot, events: AdoptionEvents): Adoption {
  let adopted: Server | undefined;
  let feeder: Server | undefined;
  let isOurs = false;

  const adopt = (server: Server, wish: Wish): void => {
    const previous = isOurs ? adopted : undefined;
    adopted = server;
    isOurs = false;
    prepare(server, wish);
    if (previous === undefined) listenForReal.call(server, listenOptions(boot.own, wish), ...wish.callbacks);
    else takeOver(server, previous, wish);
    server.once('listening', () => {
      feeder ??= feed(boot.shared, () => adopted, events);
      events.onListening(server);
    });
  };

  Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
    const wish = readWish(args);
    const isFree = adopted === undefined || isOurs;
    if (isFree && canBeAdopted(this, wish, events)) adopt(this, wish);
    else openForReal(this, args, { boot, wish, events });
    return this;
  } as Listen as typeof Server.prototype.listen;

  return {
    get isAdopted() {
      return adopted !== undefined;
    },
    get servers() {
      return [adopted, feeder].filter((server) => server !== undefined);
    },
    listen(server) {
      if (adopted !== undefined) return;
      adopt(server, readWish([]));
      isOurs = true;
    },
  };
}

/** What the app asked for. */
interface Wish {
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly callbacks: readonly unknown[];
}

/** The forms of server.listen(): (port, host, backlog, callback), (path, …), (options, callback), (handle, …). */
function readWish(args: readonly unknown[]): Wish {
  const [first, second] = args;
  const last = args.at(-1);
  const callbacks = typeof last === 'function' ? [last] : [];
  if (typeof first === 'object' && first !== null) {
    const { port, host, path, signal } = first as ListenOptions;
    // node:cluster asks with `host: null`.
    return { port: portOf(port), host: typeof host === 'string' ? host : undefined, path, signal, callbacks };
  }
  const isPath = typeof first === 'string' && portOf(first) === undefined;
  const host = typeof second === 'string' ? second : undefined;
  return { port: portOf(first), host, path: isPath ? first : undefined, signal: undefined, callbacks };
}

function portOf(value: unknown): number | undefined {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  return isNumber ? Number(value) : undefined;
}

function canBeAdopted(server: Server, wish: Wish, events: AdoptionEvents): boolean {
  // Node itself refuses a second listen() of the same server, with the error that the app expects.
  if (server.listening) return false;
  // As tls.Server, https.Server and http2's secure servers have it; importing them all would slow every start.
  if ('setSecureContext' in server) {
    events.onNote('the app listens with TLS, which the router does not speak to workers: use node:http instead');
    return false;
  }
  // Loaders (tsx) and debuggers open unix sockets of their own; only an HTTP server on a path is meant for clients.
  return server instanceof HttpServer || wish.path === undefined;
}

function listenOptions(target: ListenTarget, wish: Wish): object {
  // A socket file that the worker before us left would be EADDRINUSE; nobody else binds in this directory.
  if ('path' in target) rmSync(target.path, { force: true });
  return { ...target, backlog, ...(wish.signal === undefined ? {} : { signal: wish.signal }) };
}

/** Before any listener of the app's own: code that logs the address must find it. */
function prepare(server: Server, wish: Wish): void {
  server.prependOnceListener('listening', () => {
    answerAddress(server, wish);
    if (server instanceof HttpServer && server.keepAliveTimeout === nodeKeepAliveMs) {
      server.keepAliveTimeout = keepAliveMs;
    }
  });
}

/** The app's server takes the listening handle of the one that served its export until now. */
function takeOver(server: Server, previous: Server, wish: Wish): void {
  const from = previous as unknown as Listening;
  const to = server as unknown as Listening;
  for (const callback of wish.callbacks) server.once('listening', callback as () => void);
  to._handle = from._handle;
  from._handle = null;
  // listen(handle) takes TCP handles only. This is what it ends in: it begins to accept on the handle that is there.
  to._listen2(null, -1, -1, backlog);
}

/** server.address() tells the port that was asked for: apps print it, and some build URLs from it. */
function answerAddress(server: Server, { port = 0, host }: Wish): void {
  const handle = (server as unknown as Listening)._handle;
  if (handle === null) return;
  const address = host === undefined || host === 'localhost' ? '127.0.0.1' : host;
  handle.getsockname = (out) => {
    Object.assign(out, { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port });
    return 0;
  };
}

/** Accepts on the shared socket and hands every connection to the adopted server. */
function feed(
  shared: ListenTarget | null,
  adopted: () => Server | undefined,
  events: AdoptionEvents,
): Server | undefined {
  if (shared === null) return undefined;
  if (cluster.isPrimary && Object.keys(cluster.workers ?? {}).length > 0) {
    // Its server only hands connections on and has no use for ours.
    events.onNote('the app uses node:cluster: it is served on worker sockets, not on app.sock');
    return undefined;
  }
  // Half-open as HTTP servers are: a client that ended its direction still gets its answer.
  const feeder = new Server({ allowHalfOpen: true });
  feeder.on('connection', (socket) => {
    adopted()?.emit('connection', socket);
  });
  feeder.on('error', (error) => {
    events.onNote(`app.sock is not served: ${error.message}`);
  });
  return listenForReal.call(feeder, listenOptions(shared, readWish([])));
}

interface Unrouted {
  readonly boot: WorkerBoot;
  readonly wish: Wish;
  readonly events: AdoptionEvents;
}

/** Any further server: it gets what it asked for, but no request comes to it through the router. */
function openForReal(server: Server, args: readonly unknown[], { boot, wish, events }: Unrouted): void {
  const place = wish.path ?? `port ${wish.port ?? 0}`;
  if (!server.listening) {
    server.once('listening', () => {
      events.onNote(`the app also listens on ${place}, which is not routed: only its first server is`);
    });
    // net.Server's types know its own events only; every EventEmitter has this one.
    (server as EventEmitter).once(errorMonitor, (error: unknown) => {
      if (errnoOf(error) !== 'EADDRINUSE') return;
      const clash =
        boot.processes > 1 ? `: each of the ${boot.processes} processes wants it, and only one can have it` : '';
      events.onNote(`the app also wants to listen on ${place}, which is taken${clash}`);
    });
  }
  listenForReal.call(server, ...args);
}
