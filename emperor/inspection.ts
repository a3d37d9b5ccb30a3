// Gathers what status joins: the emperor's own facts, routers, apps, and the sentences about what runs in a lesser
// way. It only reads.
import type { Clock } from '../lib/clock.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import { native } from '../native/index.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { EventHub } from './events.ts';
import { instanceKey } from './facts.ts';
import { MemorySampler } from './memory.ts';
import type { Reconciler } from './reconciler.ts';
import type { RouterSet } from './router-set.ts';
import { buildStatus, pidsOf, type AppStatusFacts, type InstanceStatusFacts, type Status } from './status.ts';
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
  /** What only the emperor itself knows to be lesser. */
  readonly notes: () => readonly string[];
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
    const { clock, directory, runDir, routers, reconciler, hub } = this.#options;
    const stats = routers.appStats();
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
      routers: routers.routers.map(({ id, pid, hello, stats: counters }) => ({ id, pid, hello, stats: counters })),
      apps: this.#options.apps.all.map((app) => ({ ...this.#app(app), stats: stats.get(app.name) ?? [] })),
    };
    return buildStatus({ ...facts, memory: this.#memory.sample(pidsOf(facts)) });
  }

  /** The addresses that clients connect to, with their real ports. */
  listen(): readonly string[] {
    const { routers } = this.#options;
    const told = routers.routers.find(({ hello }) => hello !== undefined)?.hello?.listen;
    return routers.listeners?.map(({ address }) => address) ?? told ?? [];
  }

  #app(app: App): Omit<AppStatusFacts, 'stats'> {
    const { reconciler } = this.#options;
    const state = reconciler.stateOf(app);
    return {
      name: app.name,
      file: app.file?.file ?? null,
      state,
      generation: app.live?.generation ?? null,
      digest: app.live?.deployable.digest ?? null,
      ...specFacts((app.live?.deployable ?? app.desired()?.target)?.spec),
      reason: reconciler.reasonOf(app, state),
      instances: [...app.instances.values()].map(instanceFacts),
      lastDeploy: app.lastDeploy,
    };
  }

  #degraded(): readonly string[] {
    const { apps, routers, notes } = this.#options;
    const sentences = [...notes()];
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
}

function specFacts(spec: VassalSpec | undefined): Pick<AppStatusFacts, 'domains' | 'runtime'> {
  if (spec === undefined) return { domains: [], runtime: null };
  return { domains: spec.domains, runtime: spec.app === undefined ? 'command' : 'node' };
}

function instanceFacts({ name, generation, state, pid, report }: VassalHandle): InstanceStatusFacts {
  return { key: instanceKey(name, generation), generation, state, pid, report };
}
