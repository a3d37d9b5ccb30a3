// PURE. Joins what is known into the JSON that `status --json` prints. Fields are only ever added: monitoring reads
// them.
import type { AppStats } from '../lib/app-stats.ts';
import type { RouterHello, RouterStats } from '../lib/router-messages.ts';
import type { VassalState } from '../lib/vassal-messages.ts';
import type { AppState } from './app-state.ts';
import type { LastDeploy } from './app.ts';
import type { Note } from './config/note.ts';
import type { Problem } from './config/problem.ts';
import type { Phase } from './events.ts';
import type { InstanceState } from './lifecycle.ts';
import type { Memory } from './memory.ts';
import type { RolloutStatus } from './rollout-status.ts';

export interface StatusFacts {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly phase: Phase;
  readonly directory: string;
  readonly runDir: string;
  readonly problems: readonly Problem[];
  /** Why the addon is not there; undefined where it is. */
  readonly nativeMissing: string | undefined;
  readonly degraded: readonly string[];
  readonly origin: Origin;
  readonly listen: readonly string[];
  readonly routers: readonly RouterStatusFacts[];
  readonly apps: readonly AppStatusFacts[];
  readonly memory: ReadonlyMap<number, Memory>;
}

export interface RouterStatusFacts {
  readonly id: number;
  readonly pid: number | undefined;
  readonly hello: RouterHello | undefined;
  readonly isEnding: boolean;
  readonly stats: RouterStats | undefined;
}

export interface AppStatusFacts {
  readonly name: string;
  readonly file: string | null;
  readonly state: AppState;
  readonly generation: number | null;
  readonly domains: readonly string[];
  readonly runtime: string | null;
  readonly digest: string | null;
  readonly reason: string | null;
  readonly instances: readonly InstanceStatusFacts[];
  readonly lastDeploy: LastDeploy | null;
  readonly processes: number | null;
  readonly isPaused: boolean;
  readonly rollout: RolloutStatus | null;
  readonly goodGenerations: readonly number[];
  readonly notes: readonly Note[];
  /** One entry per router. */
  readonly stats: readonly AppStats[];
}

export interface InstanceStatusFacts {
  readonly key: string;
  readonly generation: number;
  readonly state: InstanceState;
  readonly pid: number | undefined;
  readonly report: VassalState | undefined;
}

/** How the emperor came to be running. */
export interface Origin {
  /** `adoption`: after the emperor before it died; `upgrade`: in its place, under its pid. */
  readonly startedBy: 'start' | 'adoption' | 'upgrade';
  /** The last upgrade; null where there was none since the start. */
  readonly upgrade: UpgradeState | null;
}

export interface UpgradeState {
  readonly id: string;
  /** The version that was to be replaced. */
  readonly from: string;
  /** `done`: new routers serve, and the old ones were told to end. */
  readonly result: 'running' | 'done' | 'failed';
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
}

export interface Status {
  readonly version: string;
  readonly emperor: {
    readonly pid: number;
    /** Seconds. */
    readonly uptime: number;
    readonly directory: string;
    readonly problems: readonly Problem[];
    readonly phase: Phase;
    readonly runDir: string;
    readonly rss: number | null;
    readonly pss: number | null;
    /** What runs in a lesser way, one sentence each. */
    readonly degraded: readonly string[];
    readonly native: { readonly loaded: boolean; readonly missing: string | null };
  } & Origin;
  readonly router: {
    /** Of the routers that accept; while they are renewed, of the oldest. `processes` has each. */
    readonly transport: string;
    /** Why it runs, in words; null where no router runs. */
    readonly transportReason: string | null;
    /** Those that accept; `processes` has those that end as well. */
    readonly pids: readonly number[];
    readonly listen: readonly string[];
    readonly connections: number;
    readonly requests: number;
    readonly processes: readonly RouterStatus[];
  };
  readonly vassals: readonly VassalStatus[];
}

export interface RouterStatus {
  readonly id: number;
  readonly pid: number | null;
  readonly transport: string | null;
  readonly transportReason: string | null;
  /** It accepts no more, and finishes what runs. */
  readonly isEnding: boolean;
  readonly connections: number;
  readonly requests: number;
  readonly rss: number | null;
  readonly pss: number | null;
}

export interface VassalStatus {
  readonly name: string;
  readonly state: AppState;
  readonly generation: number | null;
  readonly domains: readonly string[];
  readonly runtime: string | null;
  readonly instances: readonly InstanceStatus[];
  readonly lastDeploy: LastDeploy | null;
  readonly file: string | null;
  /** Of the live generation's spec; null where none is live. */
  readonly digest: string | null;
  /** Why it is in this state, where that needs saying. */
  readonly reason: string | null;
  readonly requests: number;
  /** Requests that wait for a worker now. */
  readonly queued: number;
  /** Workers that are wanted: the file's number, or the operator's (`scale`). Null where we run none of them. */
  readonly processes: number | null;
  /** The operator said `pause`: its requests wait. */
  readonly paused: boolean;
  /** Null where none is under way. */
  readonly rollout: RolloutStatus | null;
  /** Generations that stood their probation, oldest first: `rollback` goes to the one before the live one. */
  readonly goodGenerations: readonly number[];
  /** What of its file does nothing here; none of a file that is invalid. */
  readonly notes: readonly Note[];
}

export interface InstanceStatus {
  readonly generation: number;
  readonly state: InstanceState;
  readonly pid: number | null;
  readonly readyMs: number | null;
  readonly readyBy: string | null;
  readonly workers: readonly WorkerStatus[];
  readonly rss: number | null;
  readonly pss: number | null;
  readonly logProblem: string | null;
}

export interface WorkerStatus {
  readonly id: number;
  readonly pid: number | null;
  readonly state: string;
  readonly requests: number;
  readonly inFlight: number;
  readonly rss: number | null;
  readonly pss: number | null;
  readonly address: string;
  readonly restarts: number;
  readonly lastExit: string | null;
}

export function buildStatus(facts: StatusFacts): Status {
  const routers = facts.routers.map((router) => routerStatus(router, facts.memory));
  const known = routers.filter(({ transport }) => transport !== null);
  const shown = known.find(({ isEnding }) => !isEnding) ?? known[0];
  return {
    version: facts.version,
    emperor: {
      pid: facts.pid,
      uptime: Math.floor(facts.uptimeMs / 1000),
      directory: facts.directory,
      problems: facts.problems,
      phase: facts.phase,
      runDir: facts.runDir,
      ...memoryOf(facts.pid, facts.memory),
      degraded: facts.degraded,
      native: { loaded: facts.nativeMissing === undefined, missing: facts.nativeMissing ?? null },
      ...facts.origin,
    },
    router: {
      transport: shown?.transport ?? 'none',
      transportReason: shown?.transportReason ?? null,
      pids: routers.flatMap(({ pid, isEnding }) => (pid === null || isEnding ? [] : [pid])),
      listen: facts.listen,
      connections: sum(routers.map(({ connections }) => connections)),
      requests: sum(routers.map(({ requests }) => requests)),
      processes: routers,
    },
    vassals: facts.apps.map((app) => vassalStatus(app, facts.memory)),
  };
}

/** Every process that status shows, for the memory sampler. */
export function pidsOf(facts: Omit<StatusFacts, 'memory'>): readonly number[] {
  const instances = facts.apps.flatMap((app) => app.instances);
  const workers = instances.flatMap(({ report }) => report?.workers.map(({ pid }) => pid) ?? []);
  const all = [facts.pid, ...facts.routers.map(({ pid }) => pid), ...instances.map(({ pid }) => pid), ...workers];
  return [...new Set(all.filter((pid) => pid !== undefined && pid !== null))];
}

function routerStatus(router: RouterStatusFacts, memory: StatusFacts['memory']): RouterStatus {
  return {
    id: router.id,
    pid: router.pid ?? null,
    transport: router.hello?.transport ?? null,
    transportReason: router.hello?.transportReason ?? null,
    isEnding: router.isEnding,
    connections: router.stats?.connections ?? 0,
    requests: router.stats?.requests ?? 0,
    ...memoryOf(router.pid, memory),
  };
}

function vassalStatus(app: AppStatusFacts, memory: StatusFacts['memory']): VassalStatus {
  return {
    name: app.name,
    state: app.state,
    generation: app.generation,
    domains: app.domains,
    runtime: app.runtime,
    instances: app.instances.map((instance) => instanceStatus(instance, app.stats, memory)),
    lastDeploy: app.lastDeploy,
    file: app.file,
    digest: app.digest,
    reason: app.reason,
    requests: sum(app.stats.map(({ requests }) => requests)),
    queued: sum(app.stats.map(({ queued }) => queued)),
    processes: app.processes,
    paused: app.isPaused,
    rollout: app.rollout,
    goodGenerations: app.goodGenerations,
    notes: app.notes,
  };
}

function instanceStatus(
  { key, generation, state, pid, report }: InstanceStatusFacts,
  stats: readonly AppStats[],
  memory: StatusFacts['memory'],
): InstanceStatus {
  const counters = stats.flatMap(({ workers }) => workers);
  return {
    generation,
    state,
    pid: pid ?? null,
    readyMs: report?.readyMs ?? null,
    readyBy: report?.readyBy ?? null,
    workers: (report?.workers ?? []).map((worker) => {
      const own = counters.filter((counter) => counter.key === `${key}/${worker.id}`);
      return {
        id: worker.id,
        pid: worker.pid,
        state: worker.state,
        requests: sum(own.map(({ requests }) => requests)),
        inFlight: sum(own.map(({ inFlight }) => inFlight)),
        ...memoryOf(worker.pid ?? undefined, memory),
        address: worker.address,
        restarts: worker.restarts,
        lastExit: worker.lastExit,
      };
    }),
    ...memoryOf(pid, memory),
    logProblem: report?.logProblem ?? null,
  };
}

function memoryOf(pid: number | undefined, memory: StatusFacts['memory']): Memory {
  return (pid === undefined ? undefined : memory.get(pid)) ?? { rss: null, pss: null };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
