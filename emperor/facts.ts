// What the planner is told: what should run (desired) and what does (actual), as plain values. The reconciler makes
// them anew for each turn; nobody keeps them.
import type { AppRoute, TargetRoute } from '../lib/messages.ts';
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
  /** Workers that may be given requests. */
  readonly targets: readonly TargetRoute[];
  /** Version of the first published table without it; 0 where it never was in one. */
  readonly unroutedVersion: number;
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
}

/** A router that said hello and lives. */
export interface RouterFacts {
  readonly id: number;
  /** Version of the table it serves by. */
  readonly appliedVersion: number;
  /** `name/generation` of unrouted instances that still hold requests. */
  readonly busy: readonly string[];
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

/** The instance that serves: the newest that is ready. */
export function liveInstance(app: AppFacts): InstanceFacts | undefined {
  return app.instances.findLast(({ state }) => state === 'ready');
}

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

/** The deaths' verdict names one app's generations for ever; routers use it in `busy`. */
export function instanceKey(name: string, generation: number): string {
  return `${name}/${generation}`;
}
