// What the emperor and its children say to each other over control.sock, one JSON object a line (channel.ts).
// Children dial in and say hello first. Everything is level-triggered: a message tells the whole present state of
// its subject, so a lost or doubled one does no harm.
import type { RouterConfig } from './spec/emperor-config.ts';
import type { VassalSpec } from './spec/vassal-spec.ts';

/** Raised when a message changes its meaning; an emperor refuses children of another version by name. */
export const protocolVersion = 3;

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

export interface AppStats {
  readonly name: string;
  readonly requests: number;
  /** Requests waiting for a worker now. */
  readonly queued: number;
  readonly workers: readonly { readonly key: string; readonly requests: number; readonly inFlight: number }[];
  /** While the table gives a share of the clients to a newer generation: how each does; empty otherwise. */
  readonly generations: readonly GenerationStats[];
}

/** Counted from the moment at which the table first had a `next` for the app. */
export interface GenerationStats {
  /** `name/generation`. */
  readonly instance: string;
  /** Requests that ended with an answer or without one, of those that were sent to it. */
  readonly requests: number;
  /** Those answered 5xx, or lost by it (it reset, closed or sent no HTTP). */
  readonly errors: number;
  /** From the request being sent to the head of its answer: for each of `latencyTurns` a histogram of its answers. */
  readonly latency: readonly LatencyHistogram[];
}

/** A count per bucket of `latencyBoundsMs`, and one above. */
export type LatencyHistogram = readonly number[];

/**
 * Answers are counted by the time at which they come, in as many histograms taking turns. What makes one app wait once
 * (a collection, a scheduler, a disk) makes all requests of that moment wait, so they are one observation and not many:
 * a pause of up to a turn's length is seen in two of the three at most.
 */
export const latencyTurns = 3;
export const latencyTurnMs = 500;

/** Upper bounds of the buckets of a latency histogram, in ms. */
export const latencyBoundsMs: readonly number[] = [
  0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000,
  30_000,
];

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

export interface AppRoute {
  readonly name: string;
  /** `host`, `*.host`, `*`, each with an optional `/path` prefix; lower case, no trailing dot. */
  readonly domains: readonly string[];
  /** Workers that may be given requests, of the live generation. Empty: see `hold`. */
  readonly targets: readonly TargetRoute[];
  /**
   * While a newer generation is tried beside the live one: its workers, and the share of client connections (0 … 1)
   * that are its. A connection keeps to one side as long as the share does not fall, so no client goes back and forth:
   * where `next` lists no worker for a moment its requests wait.
   */
  readonly next: { readonly targets: readonly TargetRoute[]; readonly share: number } | null;
  /** With no targets: true = hold requests (one will come), false = answer 503 at once with `reason`. */
  readonly hold: boolean;
  /** Why there are no targets, in words for the error page's log line; empty otherwise. */
  readonly reason: string;
  /** Bytes; 0 = no limit. */
  readonly limitPost: number;
  /** Requests at a time for one target; 0 = no limit. */
  readonly maxConcurrency: number;
  /** Client connections that are kept alive may be handed over to targets that take them (lib/handoff.ts). */
  readonly handoff: boolean;
  readonly queue: number;
  readonly queueTimeoutMs: number;
  /**
   * How long what runs on a target may go on once it left the table: WebSockets and event streams, which never end by
   * themselves, are ended by the router at moments spread over this time.
   */
  readonly drainMs: number;
}

export interface TargetRoute {
  /** `name/generation/worker`: names this target for ever. */
  readonly key: string;
  /** `unix:/path` or `host:port` (see lib/address). */
  readonly address: string;
  /** Its part of the requests, beside the other targets'; at least 1. */
  readonly weight: number;
  /** Path of the socket by which it takes client connections over; null where it takes none. */
  readonly handoff: string | null;
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

// --- vassal -> emperor ---

export interface VassalHello {
  readonly type: 'hello';
  readonly role: 'vassal';
  readonly protocol: number;
  readonly name: string;
  readonly generation: number;
  readonly pid: number;
  /** What it runs, once it was told by `start`; null before. */
  readonly running: {
    readonly spec: VassalSpec;
    readonly digest: string;
    readonly state: VassalState;
    /** As last told by `registrations`, so that an emperor that adopts it knows them. */
    readonly registrations: readonly Registration[];
  } | null;
}

/** Sent at every change of what it tells. */
export interface VassalState {
  readonly type: 'state';
  /** `starting` until all workers were ready once; `failed` = it gave up and is about to exit. */
  readonly phase: 'starting' | 'ready' | 'stopping' | 'failed';
  /** From `start` until the last worker was ready; null before. */
  readonly readyMs: number | null;
  readonly readyBy: ReadyBy | null;
  /** Workers it keeps, as last told by `start` or `scale`. */
  readonly processes: number;
  readonly workers: readonly WorkerState[];
  /** Why the first start failed; null unless phase is `failed`. */
  readonly failure: Failure | null;
  /** What is wrong with the log (a full disk), in words; null when it is written. */
  readonly logProblem: string | null;
}

/**
 * What proved a worker ready: it listened, it said so by message or sd_notify, its health path answered, or (a backend
 * that we do not run) it took a connection.
 */
export type ReadyBy = 'listen' | 'message' | 'notify' | 'health-check' | 'connect';

export interface WorkerState {
  /**
   * 1 … processes; a respawned worker keeps the id and the socket of the one it replaces. Of backends that we do not
   * run: an id names one address for as long as the instance lives.
   */
  readonly id: number;
  /** Null while no process runs (backoff). */
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'stopping' | 'backoff';
  /** Where it takes requests, as in TargetRoute. */
  readonly address: string;
  /** As in TargetRoute: 1, but for backends that say otherwise. */
  readonly weight: number;
  /** As in TargetRoute; null also until its process has opened the socket. */
  readonly handoff: string | null;
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
  /** How many workers to begin with; the spec's number may be reached later, by `scale`. */
  readonly processes: number;
  readonly registrations: readonly Registration[];
}

/** Keep this many workers (at least 1): start those that are missing, end those with a higher id. They drained. */
export interface ScaleVassal {
  readonly type: 'scale';
  readonly processes: number;
}

/** A backend that was registered at run time, beside those in the file. The emperor withdraws it when its time is up. */
export interface Registration {
  /** As in TargetRoute. */
  readonly address: string;
  readonly weight: number;
  /** How long it lives after each renewal. */
  readonly ttlMs: number;
}

/** All registered backends of an app with `upstream`. */
export interface TellRegistrations {
  readonly type: 'registrations';
  readonly registrations: readonly Registration[];
}

/** Stop all workers (stop-signal, then KILL after stop-timeout) and exit. */
export interface StopVassal {
  readonly type: 'stop';
}

export type ToVassal = StartVassal | ScaleVassal | TellRegistrations | StopVassal;

type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'nullable-object';
type Shapes = Readonly<Record<string, Readonly<Record<string, Kind>>>>;

const stateShape = { phase: 'string', processes: 'number', workers: 'array', failure: 'nullable-object' } as const;

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
  start: { spec: 'object', digest: 'string', dir: 'string', processes: 'number', registrations: 'array' },
  scale: { processes: 'number' },
  registrations: { registrations: 'array' },
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
