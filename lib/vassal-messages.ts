// What the emperor and the primary of a vassal say to each other (protocol.ts).
import { decode, type Shapes } from './protocol.ts';
import type { WorkerProtocol } from './routes.ts';
import type { VassalSpec } from './spec/vassal-spec.ts';

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
  /** Where it takes requests, as in TargetRoute (routes.ts). */
  readonly address: string;
  /** As in TargetRoute: 1, but for backends that say otherwise. */
  readonly weight: number;
  /** As in TargetRoute; null also until its process has opened the socket. */
  readonly handoff: string | null;
  /** As in TargetRoute; told by what was launched, so it may differ while no process runs. */
  readonly protocol?: WorkerProtocol;
  /** As in TargetRoute. */
  readonly capacity?: number | null;
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

const fromVassal: Shapes = {
  hello: {
    role: 'string',
    protocol: 'number',
    name: 'string',
    generation: 'number',
    pid: 'number',
    running: 'nullable-object',
  },
  state: { phase: 'string', processes: 'number', workers: 'array', failure: 'nullable-object' },
};
const toVassal: Shapes = {
  start: { spec: 'object', digest: 'string', dir: 'string', processes: 'number', registrations: 'array' },
  scale: { processes: 'number' },
  registrations: { registrations: 'array' },
  stop: {},
};

/** Decoders return a sentence where the message is not of its shape; the receiver logs it and drops the message. */
export const decodeFromVassal = (message: unknown): FromVassal | string =>
  decode(message, fromVassal) as FromVassal | string;
export const decodeToVassal = (message: unknown): ToVassal | string => decode(message, toVassal) as ToVassal | string;
