// What the emperor and a router say to each other (protocol.ts).
import type { AppStats } from './app-stats.ts';
import { decode, type Shapes } from './protocol.ts';
import type { AppRoute } from './routes.ts';
import type { RouterConfig } from './spec/emperor-config.ts';

// --- router -> emperor ---

export interface RouterHello {
  readonly type: 'hello';
  readonly role: 'router';
  readonly protocol: number;
  readonly id: number;
  readonly pid: number;
  readonly transport: string;
  /** Why this transport runs, in words. */
  readonly transportReason: string;
  /** The addresses it accepts on, as formatAddress spells them. */
  readonly listen: readonly string[];
  /** Version of the route table it holds; 0 where it has none yet. */
  readonly routesVersion: number;
  /** It was told to shut down, by this emperor or one before: it accepts nothing and ends soon. */
  readonly isEnding: boolean;
}

/** The router serves by table `version`. Sent again, with the same version, whenever `busy` changes. */
export interface RoutesApplied {
  readonly type: 'applied';
  readonly version: number;
  /** Keys (`name/generation/worker`) of targets out of the table that still hold requests or connections of this router. */
  readonly busy: readonly string[];
}

/** Counters since the router started; sent at most once a second, and only if something changed. */
export interface RouterStats {
  readonly type: 'stats';
  /** Client connections open now. */
  readonly connections: number;
  readonly requests: number;
  readonly apps: readonly AppStats[];
}

/** Answer to `probe`. */
export interface Probed {
  readonly type: 'probed';
  readonly id: number;
  /** `name/generation` of the worker that was reached; null where none was. */
  readonly instance: string | null;
  /** Why none was reached, in words; empty otherwise. */
  readonly reason: string;
}

export type FromRouter = RouterHello | RoutesApplied | RouterStats | Probed;

// --- emperor -> router ---

/** First answer to a router's hello; also sent when emperor.yaml's values for the router change. */
export interface ConfigureRouter {
  readonly type: 'configure';
  readonly router: RouterConfig;
  readonly trustedProxies: readonly string[];
  readonly accessLog: boolean;
}

/** The whole route table. `version` only grows; the router acknowledges with `applied`. */
export interface PublishRoutes {
  readonly type: 'routes';
  readonly version: number;
  readonly apps: readonly AppRoute[];
}

/**
 * Accept no more, finish what runs, end within `graceMs`. A connection that idles between requests may stay for
 * `idleMs` for a last one, which is answered with `Connection: close`.
 */
export interface ShutdownRouter {
  readonly type: 'shutdown';
  readonly graceMs: number;
  readonly idleMs: number;
}

/** Reach a worker of the app as a request would; answered by `probed`. */
export interface ProbeRouter {
  readonly type: 'probe';
  readonly id: number;
  readonly app: string;
}

/**
 * Connect to the unix socket `path` and send the listening descriptors over it (SCM_RIGHTS), with one line of JSON,
 * `{"listen": [addresses in the order of the descriptors]}`; beyond 64 descriptors the line comes in as many pieces,
 * each with its part of them. Listening goes on. An emperor that adopted the router holds the ports again by this.
 */
export interface PassListeners {
  readonly type: 'pass-listeners';
  readonly path: string;
}

export type ToRouter = ConfigureRouter | PublishRoutes | ShutdownRouter | ProbeRouter | PassListeners;

const fromRouter: Shapes = {
  hello: {
    role: 'string',
    protocol: 'number',
    id: 'number',
    pid: 'number',
    transport: 'string',
    transportReason: 'string',
    listen: 'array',
    routesVersion: 'number',
    isEnding: 'boolean',
  },
  applied: { version: 'number', busy: 'array' },
  stats: { connections: 'number', requests: 'number', apps: 'array' },
  probed: { id: 'number', reason: 'string' },
};
const toRouter: Shapes = {
  configure: { router: 'object', trustedProxies: 'array', accessLog: 'boolean' },
  routes: { version: 'number', apps: 'array' },
  shutdown: { graceMs: 'number', idleMs: 'number' },
  probe: { id: 'number', app: 'string' },
  'pass-listeners': { path: 'string' },
};

/** Decoders return a sentence where the message is not of its shape; the receiver logs it and drops the message. */
export const decodeFromRouter = (message: unknown): FromRouter | string =>
  decode(message, fromRouter) as FromRouter | string;
export const decodeToRouter = (message: unknown): ToRouter | string => decode(message, toRouter) as ToRouter | string;
