// What the emperor and its children say to each other over control.sock, one JSON object a line (channel.ts).
// Children dial in and say hello first. Everything is level-triggered: a message tells the whole present state of
// its subject, so a lost or doubled one does no harm.
import type { RouterConfig } from './spec/emperor-config.ts';
import type { VassalSpec } from './spec/vassal-spec.ts';

/** Raised when a message changes its meaning; an emperor refuses children of another version by name. */
export const protocolVersion = 1;

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
}

/** The router serves by table `version`. Sent again, with the same version, whenever `busy` changes. */
export interface RoutesApplied {
  readonly type: 'applied';
  readonly version: number;
  /** Keys (`name/generation`) of instances that are out of the table but still hold requests of this router. */
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

export interface AppStats {
  readonly name: string;
  readonly requests: number;
  /** Requests waiting for a worker now. */
  readonly queued: number;
  readonly workers: readonly { readonly key: string; readonly requests: number; readonly inFlight: number }[];
}

export type FromRouter = RouterHello | RoutesApplied | RouterStats;

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

export interface AppRoute {
  readonly name: string;
  /** `host`, `*.host`, `*`, each with an optional `/path` prefix; lower case, no trailing dot. */
  readonly domains: readonly string[];
  /** Workers that may be given requests, of the live generation. Empty: see `hold`. */
  readonly targets: readonly TargetRoute[];
  /** With no targets: true = hold requests (one will come), false = answer 503 at once with `reason`. */
  readonly hold: boolean;
  /** Why there are no targets, in words for the error page's log line; empty otherwise. */
  readonly reason: string;
  /** Bytes; 0 = no limit. */
  readonly limitPost: number;
  /** Requests at a time for one target; 0 = no limit. */
  readonly maxConcurrency: number;
  readonly queue: number;
  readonly queueTimeoutMs: number;
}

export interface TargetRoute {
  /** `name/generation/worker`: names this target for ever. */
  readonly key: string;
  /** `unix:/path` or `127.0.0.1:port` (see lib/address). */
  readonly address: string;
}

/** Accept no more, finish what runs, end within `graceMs`. */
export interface ShutdownRouter {
  readonly type: 'shutdown';
  readonly graceMs: number;
}

export type ToRouter = ConfigureRouter | PublishRoutes | ShutdownRouter;

// --- vassal -> emperor ---

export interface VassalHello {
  readonly type: 'hello';
  readonly role: 'vassal';
  readonly protocol: number;
  readonly name: string;
  readonly generation: number;
  readonly pid: number;
  /** What it runs, once it was told by `start`; null before. */
  readonly running: { readonly spec: VassalSpec; readonly digest: string; readonly state: VassalState } | null;
}

/** Sent at every change of what it tells. */
export interface VassalState {
  readonly type: 'state';
  /** `starting` until all workers were ready once; `failed` = it gave up and is about to exit. */
  readonly phase: 'starting' | 'ready' | 'stopping' | 'failed';
  /** From `start` until the last worker was ready; null before. */
  readonly readyMs: number | null;
  readonly readyBy: ReadyBy | null;
  readonly workers: readonly WorkerState[];
  /** Why the first start failed; null unless phase is `failed`. */
  readonly failure: Failure | null;
  /** What is wrong with the log (a full disk), in words; null when it is written. */
  readonly logProblem: string | null;
}

/** What proved a worker ready: it listened, it said so by message or sd_notify, or its health path answered. */
export type ReadyBy = 'listen' | 'message' | 'notify' | 'health-check';

export interface WorkerState {
  /** 1 … processes; a respawned worker keeps the id and the socket of the one it replaces. */
  readonly id: number;
  /** Null while no process runs (backoff). */
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'stopping' | 'backoff';
  /** Where it takes requests, as in TargetRoute. */
  readonly address: string;
  /** Times this worker was started again. */
  readonly restarts: number;
  /** How the previous process of this worker ended, in words (`exit code 1`, `killed by SIGKILL`); null if none did. */
  readonly lastExit: string | null;
}

export interface Failure {
  /** `cannot-load`: the app's code could not be loaded. `crashed`: it ended before it was ready. */
  readonly kind: 'cannot-load' | 'crashed';
  /** One sentence for status, such as `worker 1 ended with exit code 1 before it was ready`. */
  readonly message: string;
  /** The last lines the workers wrote, oldest first, at most 50. */
  readonly log: readonly string[];
}

export type FromVassal = VassalHello | VassalState;

// --- emperor -> vassal ---

export interface StartVassal {
  readonly type: 'start';
  readonly spec: VassalSpec;
  readonly digest: string;
  /** The generation's own directory, made by the emperor: sockets and log go there. */
  readonly dir: string;
}

/** Stop all workers (stop-signal, then KILL after stop-timeout) and exit. */
export interface StopVassal {
  readonly type: 'stop';
}

export type ToVassal = StartVassal | StopVassal;

type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'nullable-object';
type Shapes = Readonly<Record<string, Readonly<Record<string, Kind>>>>;

const stateShape = { phase: 'string', workers: 'array', failure: 'nullable-object' } as const;

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
  },
  applied: { version: 'number', busy: 'array' },
  stats: { connections: 'number', requests: 'number', apps: 'array' },
};
const toRouter: Shapes = {
  configure: { router: 'object', trustedProxies: 'array', accessLog: 'boolean' },
  routes: { version: 'number', apps: 'array' },
  shutdown: { graceMs: 'number' },
};
const fromVassal: Shapes = {
  hello: {
    role: 'string',
    protocol: 'number',
    name: 'string',
    generation: 'number',
    pid: 'number',
    running: 'nullable-object',
  },
  state: stateShape,
};
const toVassal: Shapes = {
  start: { spec: 'object', digest: 'string', dir: 'string' },
  stop: {},
};

/** Decoders return a sentence where the message is not of its shape; the receiver logs it and drops the message. */
export const decodeFromRouter = (message: unknown): FromRouter | string =>
  decode(message, fromRouter) as FromRouter | string;
export const decodeToRouter = (message: unknown): ToRouter | string => decode(message, toRouter) as ToRouter | string;
export const decodeFromVassal = (message: unknown): FromVassal | string =>
  decode(message, fromVassal) as FromVassal | string;
export const decodeToVassal = (message: unknown): ToVassal | string => decode(message, toVassal) as ToVassal | string;

/** Checks the outer shape: both ends are of one build (protocolVersion), so this guards against strangers, not typos. */
function decode(message: unknown, shapes: Shapes): object | string {
  if (!isRecord(message)) return 'not an object';
  const type = message['type'];
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) return `unknown type ${JSON.stringify(type)}`;
  for (const [field, kind] of Object.entries(shape)) {
    if (kindOf(message[field], kind) !== kind) return `${String(type)}: ${field} is not of kind ${kind}`;
  }
  return message;
}

function kindOf(value: unknown, wanted: Kind): string {
  if (Array.isArray(value)) return 'array';
  if (wanted === 'nullable-object') return value === null || isRecord(value) ? wanted : typeof value;
  return value === null ? 'null' : typeof value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
