// A model of the emperor for tests of the planner: it executes plans on plain facts, by the real lifecycle table, and
// lets a test play files, children, routers and time.
import type {
  AppFacts,
  Actual,
  Deployable,
  Desired,
  DesiredApp,
  InstanceFacts,
  RouterFacts,
} from '../../emperor/facts.ts';
import { chooseDeployable, liveInstance, satisfies } from '../../emperor/facts.ts';
import { transition, type Effect, type InstanceEvent, type InstanceState } from '../../emperor/lifecycle.ts';
import { planChanges, type Action, type Plan } from '../../emperor/planner.ts';
import type { Death } from '../../emperor/restart-policy.ts';
import type { AppRoute } from '../../lib/routes.ts';
import { vassalSchema } from '../../lib/spec/vassal-spec.ts';

const judgements = ['promote', 'step', 'refuse', 'prove', 'recall', 'narrow', 'scale'] as const;
type Judgement = Extract<Action, { readonly type: (typeof judgements)[number] }>;

function isJudgement(action: Action): action is Judgement {
  return judgements.some((type) => type === action.type);
}

type Mutable<Facts> = { -readonly [Key in keyof Facts]: Facts[Key] };
type ModelInstance = Mutable<InstanceFacts>;

export interface ModelApp extends Mutable<Omit<AppFacts, 'instances'>> {
  instances: ModelInstance[];
}

/** No probation, unless a test is about it. */
export function specOf(domains: readonly string[], keys: Readonly<Record<string, unknown>> = {}): Deployable['spec'] {
  return { ...vassalSchema.parse({ app: './server.js', settle: 0, ...keys }), domains: [...domains], chdir: '/' };
}

interface WriteOptions {
  readonly order?: number;
  readonly isStopped?: boolean;
  readonly isPaused?: boolean;
  /** The operator's scale. */
  readonly processes?: number;
  readonly domains?: readonly string[];
  /** Further keys of the file. */
  readonly keys?: Readonly<Record<string, unknown>>;
}

const delaysMs: Record<InstanceState, number | undefined> = {
  starting: 32_000,
  ready: undefined,
  draining: 30_000,
  stopping: 12_000,
  exited: undefined,
};

export class PlannerModel {
  nowMs = 0;
  deploysAtOnce = 2;
  isComplete = true;
  isEnding = false;
  readonly files = new Map<string, DesiredApp>();
  readonly apps = new Map<string, ModelApp>();
  routers: RouterFacts[] = [{ id: 1, appliedVersion: 0, busy: [], isEnding: false }];
  routes: { version: number; apps: readonly AppRoute[] } = { version: 0, apps: [] };

  /** Writes a file: `digest` is its content. */
  write(name: string, digest: string, options: WriteOptions = {}): void {
    const { order = 0, isStopped = false, isPaused = false, processes, domains = [`${name}.localhost`] } = options;
    const target = { spec: specOf(domains, options.keys), digest, order };
    this.files.set(name, { target, isStopped, isPaused, processes });
    const app = this.app(name);
    app.deaths = [];
  }

  remove(name: string): void {
    this.files.delete(name);
    Object.assign(this.app(name), { proven: undefined, refused: undefined, deaths: [], rollout: undefined });
  }

  app(name: string): ModelApp {
    const known = this.apps.get(name);
    if (known !== undefined) return known;
    const app: ModelApp = {
      name,
      instances: [],
      proven: undefined,
      refused: undefined,
      deaths: [],
      nextGeneration: 1,
      queued: 0,
      rollout: undefined,
      figures: [],
    };
    this.apps.set(name, app);
    return app;
  }

  states(name: string): Record<number, InstanceState> {
    return Object.fromEntries(
      (this.apps.get(name)?.instances ?? []).map(({ generation, state }) => [generation, state]),
    );
  }

  desired(): Desired {
    return { isComplete: this.isComplete, isEnding: this.isEnding, apps: this.files };
  }

  actual(): Actual {
    return { apps: [...this.apps.values()], routers: this.routers, routes: this.routes };
  }

  plan(): Plan {
    return planChanges(this.desired(), this.actual(), this.nowMs, { deploysAtOnce: this.deploysAtOnce });
  }

  /** Plans and executes until nothing is left to do; returns every action done. */
  settle(): readonly Action[] {
    const done: Action[] = [];
    for (let round = 0; round < 12; round += 1) {
      const { actions } = this.plan();
      if (actions.length === 0) return done;
      for (const action of actions) this.execute(action);
      done.push(...actions);
    }
    throw new Error(`the plan is never empty: ${JSON.stringify(this.plan().actions)}`);
  }

  execute(action: Action): void {
    if (isJudgement(action)) this.#judge(action);
    else this.#act(action);
  }

  /** Verdicts on ready instances, and the numbers of their workers. */
  #judge(action: Judgement): void {
    switch (action.type) {
      case 'promote':
        this.instance(action.app, action.generation).isPromoted = true;
        this.app(action.app).rollout = undefined;
        return;
      case 'step':
        this.app(action.app).rollout = { generation: action.generation, step: action.step, sinceMs: this.nowMs };
        return;
      case 'refuse':
        this.#refuse(action.app, action.generation);
        return;
      case 'prove':
        this.app(action.app).proven = this.instance(action.app, action.generation).deployable;
        return;
      case 'recall':
        this.happens(action.app, action.generation, 'recalled');
        return;
      case 'narrow':
        this.instance(action.app, action.generation).keep = action.processes;
        this.instance(action.app, action.generation).narrowedAtMs = this.nowMs;
        return;
      case 'scale':
        this.#scale(this.instance(action.app, action.generation), action.processes);
        return;
    }
  }

  #act(action: Exclude<Action, Judgement>): void {
    switch (action.type) {
      case 'publish':
        this.routes = { version: this.routes.version + 1, apps: action.apps };
        return;
      case 'start':
        this.#start(action);
        return;
      case 'forget-app':
        this.apps.delete(action.app);
        return;
      case 'forget': {
        const app = this.app(action.app);
        app.instances = app.instances.filter(({ generation }) => generation !== action.generation);
        return;
      }
      case 'retire':
        this.instance(action.app, action.generation).unroutedVersion = this.routes.version;
        this.happens(action.app, action.generation, 'retired');
        return;
      case 'stop':
        this.happens(action.app, action.generation, action.event);
        return;
      case 'kill':
        this.happens(action.app, action.generation, 'kill-timeout');
        return;
    }
  }

  /** An event reaches an instance, as the handle would apply it. */
  happens(name: string, generation: number, event: InstanceEvent): void {
    const instance = this.instance(name, generation);
    const row = transition(instance.state, event);
    if (row === 'impossible') throw new Error(`${event} cannot happen in ${instance.state}`);
    if (row === 'ignored') return;
    const app = this.app(name);
    instance.state = row.to;
    const delayMs = delaysMs[row.to];
    instance.deadlineMs = delayMs === undefined ? undefined : this.nowMs + delayMs;
    if (event === 'ready') {
      this.workersReady(name, generation);
      app.proven ??= instance.deployable;
    }
    this.#record(name, instance, row.effects);
  }

  /** What the app's track record makes of an end. */
  #record(name: string, instance: ModelInstance, effects: readonly Effect[]): void {
    const app = this.app(name);
    const { generation } = instance;
    const mayGoBack = app.proven !== undefined && !satisfies(app.proven, instance.deployable);
    if (effects.includes('record-failed-start')) {
      if (mayGoBack) this.#refuse(name, generation);
      else this.#die(app, 0);
    }
    if (effects.includes('record-death')) {
      const { liveSinceMs, deployable } = instance;
      const isYoung = liveSinceMs === undefined || this.nowMs - liveSinceMs < deployable.spec.settle;
      if (mayGoBack && isYoung) this.#refuse(name, generation);
      else this.#die(app, 100);
    }
  }

  /** Every worker that the instance was told to keep is ready. */
  workersReady(name: string, generation: number): void {
    const instance = this.instance(name, generation);
    instance.workers = Array.from({ length: instance.processes }, (_none, index) => {
      const key = `${name}/${generation}/${index + 1}`;
      return {
        id: index + 1,
        key,
        address: `unix:/${key}.sock`,
        weight: 1,
        handoff: null,
        protocol: 'http',
        capacity: null,
      };
    });
    instance.begun = instance.running = instance.workers.length;
  }

  /** Every router serves by the newest table and holds nothing. */
  acknowledge(busy: readonly string[] = []): void {
    this.routers = this.routers.map((router) => ({ ...router, appliedVersion: this.routes.version, busy }));
    for (const app of this.apps.values()) {
      const live = liveInstance(app, chooseDeployable(this.desired(), app));
      const instance = live && this.instance(app.name, live.generation);
      if (instance?.isPromoted === true) instance.liveSinceMs ??= this.nowMs;
    }
  }

  #refuse(name: string, generation: number): void {
    const app = this.app(name);
    app.refused = this.instance(name, generation).deployable;
    app.rollout = undefined;
  }

  #scale(instance: ModelInstance, processes: number): void {
    instance.processes = instance.keep = processes;
    instance.workers = instance.workers.filter(({ id }) => id <= processes);
    instance.begun = instance.running = instance.workers.length;
  }

  #die(app: ModelApp, healthyMs: number): void {
    const death: Death = { atMs: this.nowMs, healthyMs, kind: 'crashed', message: 'it died', jitter: 0.5 };
    app.deaths = [...app.deaths, death];
  }

  #start({ app: name, generation, deployable, processes }: Extract<Action, { type: 'start' }>): void {
    const app = this.app(name);
    app.nextGeneration = generation + 1;
    app.instances.push({
      generation,
      deployable,
      state: 'starting',
      deadlineMs: this.nowMs + (delaysMs.starting ?? 0),
      workers: [],
      begun: 0,
      running: 0,
      processes,
      keep: processes,
      narrowedAtMs: 0,
      unroutedVersion: 0,
      isPromoted: false,
      isOutdated: false,
      liveSinceMs: undefined,
      crashes: 0,
    });
  }

  instance(name: string, generation: number): ModelInstance {
    const found = this.app(name).instances.find((instance) => instance.generation === generation);
    if (found === undefined) throw new Error(`no instance ${name}/${generation}`);
    return found;
  }
}
