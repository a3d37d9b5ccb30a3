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
import { satisfies } from '../../emperor/facts.ts';
import { transition, type InstanceEvent, type InstanceState } from '../../emperor/lifecycle.ts';
import { planChanges, type Action, type Plan } from '../../emperor/planner.ts';
import type { Death } from '../../emperor/restart-policy.ts';
import type { AppRoute } from '../../lib/messages.ts';
import { vassalSchema } from '../../lib/spec/vassal-spec.ts';

type Mutable<Facts> = { -readonly [Key in keyof Facts]: Facts[Key] };
type ModelInstance = Mutable<InstanceFacts>;

export interface ModelApp extends Mutable<Omit<AppFacts, 'instances'>> {
  instances: ModelInstance[];
}

export function specOf(domains: readonly string[]): Deployable['spec'] {
  return { ...vassalSchema.parse({ app: './server.js' }), domains: [...domains], chdir: '/' };
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
  routers: RouterFacts[] = [{ id: 1, appliedVersion: 0, busy: [] }];
  routes: { version: number; apps: readonly AppRoute[] } = { version: 0, apps: [] };

  /** Writes a file: `digest` is its content. */
  write(name: string, digest: string, options: { order?: number; isStopped?: boolean; domains?: string[] } = {}): void {
    const { order = 0, isStopped = false, domains = [`${name}.localhost`] } = options;
    this.files.set(name, { target: { spec: specOf(domains), digest, order }, isStopped });
    const app = this.app(name);
    app.deaths = [];
  }

  remove(name: string): void {
    this.files.delete(name);
    Object.assign(this.app(name), { proven: undefined, refused: undefined, deaths: [] });
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
        this.#instance(action.app, action.generation).unroutedVersion = this.routes.version;
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
    const instance = this.#instance(name, generation);
    const row = transition(instance.state, event);
    if (row === 'impossible') throw new Error(`${event} cannot happen in ${instance.state}`);
    if (row === 'ignored') return;
    const app = this.app(name);
    instance.state = row.to;
    const delayMs = delaysMs[row.to];
    instance.deadlineMs = delayMs === undefined ? undefined : this.nowMs + delayMs;
    if (row.to === 'ready') {
      const address = `unix:/${name}/${generation}/worker-1.sock`;
      instance.targets = [{ key: `${name}/${generation}/1`, address, weight: 1 }];
      app.proven = instance.deployable;
    }
    if (row.effects.includes('record-failed-start')) {
      if (app.proven !== undefined && !satisfies(app.proven, instance.deployable)) app.refused = instance.deployable;
      else this.#die(app, 0);
    }
    if (row.effects.includes('record-death')) this.#die(app, 100);
  }

  /** Every router serves by the newest table and holds nothing. */
  acknowledge(busy: readonly string[] = []): void {
    this.routers = this.routers.map(({ id }) => ({ id, appliedVersion: this.routes.version, busy }));
  }

  #die(app: ModelApp, healthyMs: number): void {
    const death: Death = { atMs: this.nowMs, healthyMs, kind: 'crashed', message: 'it died', jitter: 0.5 };
    app.deaths = [...app.deaths, death];
  }

  #start({ app: name, generation, deployable }: Extract<Action, { type: 'start' }>): void {
    const app = this.app(name);
    app.nextGeneration = generation + 1;
    app.instances.push({
      generation,
      deployable,
      state: 'starting',
      deadlineMs: this.nowMs + (delaysMs.starting ?? 0),
      targets: [],
      unroutedVersion: 0,
    });
  }

  #instance(name: string, generation: number): ModelInstance {
    const found = this.app(name).instances.find((instance) => instance.generation === generation);
    if (found === undefined) throw new Error(`no instance ${name}/${generation}`);
    return found;
  }
}
