// What the planner is told: what should run (desired) and what does (actual), as plain values. The reconciler makes
// them anew for each turn; nobody keeps them.
import type { GenerationStats } from '../lib/app-stats.ts';
import type { AppRoute, TargetRoute } from '../lib/routes.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { InstanceState } from './lifecycle.ts';
import type { Death } from './restart-policy.ts';

/** A spec together with what asks for a new generation of it. */
export interface Deployable {
  readonly spec: VassalSpec;
  readonly digest: string;
  /** Raised by each `touch`, `reload` and `start`: a generation of a lower order is out of date, whatever its digest. */
  readonly order: number;
}

export interface DesiredApp {
  /** The last valid content of the file, also while the file is broken; undefined where it never was valid. */
  readonly target: Deployable | undefined;
  /** The operator said `stop`. */
  readonly isStopped: boolean;
  /** The operator said `pause`: requests are held. */
  readonly isPaused: boolean;
  /** The operator's `scale`, in place of the file's number of workers; undefined: as the file says. */
  readonly processes: number | undefined;
}

export interface Desired {
  /** False while the directory could not be read even once: apps that are missing here are then left alone. */
  readonly isComplete: boolean;
  /** The emperor ends: every app is to be stopped. */
  readonly isEnding: boolean;
  readonly apps: ReadonlyMap<string, DesiredApp>;
}

export interface InstanceFacts {
  readonly generation: number;
  readonly deployable: Deployable;
  readonly state: InstanceState;
  /** When the state's deadline passes, on the monotonic clock; undefined where it has none. */
  readonly deadlineMs: number | undefined;
  /** Workers that are ready, by id. */
  readonly workers: readonly WorkerFacts[];
  /** Workers that were ready once, even if they are starting again. */
  readonly begun: number;
  /** Workers that have a process, also while it starts or stops. */
  readonly running: number;
  /** Workers that its primary was last told to keep. */
  readonly processes: number;
  /** Workers with a higher id are given no requests any more: they are on their way out. */
  readonly keep: number;
  /** When `keep` was last lowered, on the monotonic clock. */
  readonly narrowedAtMs: number;
  /** Version of the first published table without it; 0 where it never was in one. */
  readonly unroutedVersion: number;
  /** It was given the whole traffic once. */
  readonly isPromoted: boolean;
  /** Under an emperor before us it had given way to a newer one: what clients saw since must not be taken back. */
  readonly isOutdated: boolean;
  /** Since when every router gives it the whole traffic; undefined: not yet, or since before this emperor. */
  readonly liveSinceMs: number | undefined;
  /** Times that one of its workers died after it was ready. */
  readonly crashes: number;
}

export interface WorkerFacts extends Required<TargetRoute> {
  readonly id: number;
}

/** A newer generation that is tried beside the live one. */
export interface RolloutFacts {
  readonly generation: number;
  /** Index of the canary step that it is at. */
  readonly step: number;
  /** When it got there, on the monotonic clock. */
  readonly sinceMs: number;
}

export interface AppFacts {
  readonly name: string;
  /** Ascending by generation. */
  readonly instances: readonly InstanceFacts[];
  /** What was last proven by becoming ready: served again where the newest is refused. */
  readonly proven: Deployable | undefined;
  /** What failed as a replacement; not tried again until an edit, a touch or a reload. */
  readonly refused: { readonly digest: string; readonly order: number } | undefined;
  /** Deaths of what is wanted now, oldest first. */
  readonly deaths: readonly Death[];
  readonly nextGeneration: number;
  /** Requests that wait for it in the routers. */
  readonly queued: number;
  /** Undefined where none is under way. */
  readonly rollout: RolloutFacts | undefined;
  /** How the generations of a rollout do, one entry per router and generation. */
  readonly figures: readonly GenerationStats[];
}

/** A router that said hello and lives. */
export interface RouterFacts {
  readonly id: number;
  /** Version of the table it serves by. */
  readonly appliedVersion: number;
  /** `name/generation/worker` of targets that left the table and still hold requests. */
  readonly busy: readonly string[];
  /** It was told to shut down: it accepts nothing, and still serves what it holds by the latest table. */
  readonly isEnding: boolean;
}

export interface Actual {
  readonly apps: readonly AppFacts[];
  readonly routers: readonly RouterFacts[];
  /** The table last published; version 0 before the first. */
  readonly routes: { readonly version: number; readonly apps: readonly AppRoute[] };
}

export interface Limits {
  /** Generations that may start at the same time; 0 starts nothing. */
  readonly deploysAtOnce: number;
}

/**
 * The instance that has the traffic: the newest ready one that was given it, above all one that is what is wanted.
 * Before anyone was given it, simply the newest ready one.
 */
export function liveInstance(app: AppFacts, chosen: Deployable | undefined): InstanceFacts | undefined {
  const ready = app.instances.filter(({ state, isOutdated }) => state === 'ready' && !isOutdated);
  const promoted = ready.filter(({ isPromoted }) => isPromoted);
  const sound = promoted.filter((instance) => !isRefused(app, instance));
  const wanted = sound.findLast(({ deployable }) => chosen !== undefined && satisfies(deployable, chosen));
  return wanted ?? sound.at(-1) ?? promoted.at(-1) ?? ready.at(-1);
}

/** The instance that is to follow the live one: ready, wanted, and not given the traffic yet. */
export function nextInstance(app: AppFacts, chosen: Deployable | undefined): InstanceFacts | undefined {
  if (chosen === undefined) return undefined;
  const live = liveInstance(app, chosen);
  return app.instances.findLast(
    (instance) =>
      instance !== live &&
      instance.state === 'ready' &&
      !instance.isPromoted &&
      !isRefused(app, instance) &&
      satisfies(instance.deployable, chosen),
  );
}

/** True for an instance of exactly what was refused: another one of the same digest may be sound. */
export function isRefused({ refused }: AppFacts, { deployable }: InstanceFacts): boolean {
  return refused !== undefined && deployable.digest === refused.digest && deployable.order === refused.order;
}

/** Workers that the app's instances are to have. Of backends that we do not run there is nothing to choose. */
export function wantedProcesses(desired: Desired, app: AppFacts, { spec }: Deployable): number {
  if (spec.upstream !== undefined) return spec.processes;
  return desired.apps.get(app.name)?.processes ?? spec.processes;
}

/** How `next` takes over. What was proven takes over at once: it is a way back. */
export function strategyOf(desired: Desired, app: AppFacts, next: Deployable): VassalSpec['rollout'] {
  const target = desired.apps.get(app.name)?.target;
  const isWayBack = target === undefined || !satisfies(next, target);
  return isWayBack || next.spec.upstream !== undefined ? atOnce : next.spec.rollout;
}

const atOnce: VassalSpec['rollout'] = { strategy: 'all', steps: [], pauseMs: 0 };

/** True where `have` is as new as `wanted` asks. */
export function satisfies(
  have: { readonly digest: string; readonly order: number },
  wanted: { readonly digest: string; readonly order: number },
): boolean {
  return have.digest === wanted.digest && have.order >= wanted.order;
}

/** What the app should run now: its file's content, or what was proven where that was refused; undefined: nothing. */
export function chooseDeployable(desired: Desired, app: AppFacts): Deployable | undefined {
  const wanted = desired.apps.get(app.name);
  if (desired.isEnding || wanted?.isStopped === true) return undefined;
  if (wanted === undefined) return desired.isComplete ? undefined : app.proven;
  const { target } = wanted;
  if (target === undefined) return app.proven;
  const isRefused = app.refused !== undefined && satisfies(app.refused, target);
  return isRefused && app.proven !== undefined ? app.proven : target;
}

/** Names one generation of one app for ever; routers use it in the keys of its workers. */
export function instanceKey(name: string, generation: number): string {
  return `${name}/${generation}`;
}
