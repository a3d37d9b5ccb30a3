// Gathers what status joins: the emperor's own facts, routers, apps, and the sentences about what runs in a lesser
// way. It only reads.
import type { AppStats } from '../lib/app-stats.ts';
import type { Clock } from '../lib/clock.ts';
import { isPythonApp } from '../lib/spec/python-app.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import { native } from '../native/index.ts';
import type { Addresses } from './addresses.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { EventHub } from './events.ts';
import type { Note } from './config/note.ts';
import { instanceKey, type Desired } from './facts.ts';
import { MemorySampler } from './memory.ts';
import type { Reconciler } from './reconciler.ts';
import { rolloutStatus } from './rollout-status.ts';
import type { RouterSet } from './router-set.ts';
import type { Settings } from './settings.ts';
import {
  buildStatus,
  pidsOf,
  type AppStatusFacts,
  type InstanceStatusFacts,
  type Origin,
  type Status,
} from './status.ts';
import type { VassalHandle } from './vassal-handle.ts';
import { version } from './version.ts';

export interface InspectionOptions {
  readonly clock: Clock;
  readonly directory: string;
  readonly runDir: string;
  readonly apps: Apps;
  readonly routers: RouterSet;
  readonly reconciler: Reconciler;
  readonly hub: EventHub;
  readonly addresses: Addresses;
  readonly settings: () => Settings;
  /** Why the directory is not watched, in words; undefined where it is. */
  readonly watchWarning: () => string | undefined;
  /** How it came to be running. */
  readonly origin: () => Origin;
}

export class Inspection {
  readonly #options: InspectionOptions;
  readonly #memory: MemorySampler;
  readonly #startedMs: number;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#memory = new MemorySampler(options.clock);
    this.#startedMs = options.clock.nowMs();
  }

  status(): Status {
    const { clock, directory, runDir, routers, reconciler, hub, origin } = this.#options;
    const stats = routers.appStats();
    const desired = this.#options.apps.desired();
    const facts = {
      version,
      pid: process.pid,
      uptimeMs: clock.nowMs() - this.#startedMs,
      phase: hub.phase,
      directory,
      runDir,
      problems: reconciler.snapshot?.problems ?? [],
      nativeMissing: native.missing,
      degraded: this.#degraded(),
      listen: this.listen(),
      origin: origin(),
      routers: routers.routers.map(({ id, pid, hello, isEnding, stats: counters }) => {
        return { id, pid, hello, isEnding, stats: counters };
      }),
      apps: this.#options.apps.all.map((app) => this.#app(app, desired, stats.get(app.name) ?? [])),
    };
    return buildStatus({ ...facts, memory: this.#memory.sample(pidsOf(facts)) });
  }

  /** The addresses that clients connect to, with their real ports. */
  listen(): readonly string[] {
    const { routers } = this.#options;
    const told = routers.routers.find(({ hello, isEnding }) => hello !== undefined && !isEnding)?.hello?.listen;
    return routers.listeners?.map(({ address }) => address) ?? told ?? [];
  }

  #app(app: App, desired: Desired, stats: readonly AppStats[]): AppStatusFacts {
    const { clock, reconciler } = this.#options;
    const state = reconciler.stateOf(app, desired);
    const spec = (app.live?.deployable ?? app.desired()?.target)?.spec;
    const figures = stats.flatMap(({ generations }) => generations);
    const now = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    return {
      name: app.name,
      file: app.file?.file ?? null,
      state,
      generation: app.live?.generation ?? null,
      digest: app.live?.deployable.digest ?? null,
      ...specFacts(spec, app.processes),
      reason: reconciler.reasonOf(app, state),
      instances: [...app.instances.values()].map(instanceFacts),
      lastDeploy: app.lastDeploy,
      isPaused: app.isPaused,
      rollout: rolloutStatus(desired, app.facts(0, figures), now),
      goodGenerations: app.memory().history.map(({ generation }) => generation),
      notes: notesOf(app),
      stats,
    };
  }

  #degraded(): readonly string[] {
    const { apps, routers } = this.#options;
    const sentences = this.#lessThanAsked();
    if (native.missing !== undefined) {
      sentences.push(
        `the native addon is missing (${native.missing}): one router binds the addresses itself, so they close while it is restarted`,
      );
    }
    if (routers.trouble !== undefined) sentences.push(routers.trouble);
    for (const app of apps.all) {
      const problem = app.live?.report?.logProblem;
      if (problem !== null && problem !== undefined) sentences.push(`${app.name}: ${problem}`);
    }
    return sentences;
  }

  /** What the settings ask for and does not run so. */
  #lessThanAsked(): string[] {
    const { addresses, settings, watchWarning } = this.#options;
    const warning = watchWarning();
    const sentences = warning === undefined ? [] : [warning];
    const wanted = settings().config.router.processes;
    if (native.addon === undefined && wanted > 1)
      sentences.push(`one router runs instead of ${wanted}: without the addon they cannot share sockets`);
    if (addresses.problem !== undefined) sentences.push(addresses.problem);
    return sentences;
  }
}

function notesOf({ file }: App): readonly Note[] {
  return file?.state === 'valid' ? file.notes : [];
}

/** `scaled`: the operator's number of workers. */
function specFacts(
  spec: VassalSpec | undefined,
  scaled: number | undefined,
): Pick<AppStatusFacts, 'domains' | 'runtime' | 'processes'> {
  if (spec === undefined) return { domains: [], runtime: null, processes: scaled ?? null };
  const { domains } = spec;
  if (spec.upstream !== undefined) return { domains, runtime: 'upstream', processes: null };
  const runtime = isPythonApp(spec) ? 'python' : spec.app === undefined ? 'command' : 'node';
  return { domains, runtime, processes: scaled ?? spec.processes };
}

function instanceFacts({ name, generation, state, pid, report }: VassalHandle): InstanceStatusFacts {
  return { key: instanceKey(name, generation), generation, state, pid, report };
}
