// Does what a plan says, action by action, in the order given: starts, publishes, tells instances. It decides nothing,
// and what a full disk prevents it logs and goes on.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { Deploys } from './deploys.ts';
import type { EventHub } from './events.ts';
import type { GenerationDirs, Outcome } from './generation-dirs.ts';
import { superseded } from './plan-ends.ts';
import type { Action } from './planner.ts';
import type { RouterSet } from './router-set.ts';
import type { VassalHandle } from './vassal-handle.ts';

export interface PlanExecutorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly apps: Apps;
  readonly routers: RouterSet;
  readonly dirs: GenerationDirs;
  readonly deploys: Deploys;
  readonly hub: EventHub;
}

/** A verdict on a ready instance. */
type Verdict = Extract<Action, { readonly type: 'promote' | 'step' | 'refuse' | 'prove' }>;
/** What is to happen to an instance that exists. */
type Change = Extract<Action, { readonly type: 'recall' | 'narrow' | 'scale' | 'retire' | 'stop' | 'kill' | 'forget' }>;

export class PlanExecutor {
  readonly #options: PlanExecutorOptions;

  constructor(options: PlanExecutorOptions) {
    this.#options = options;
  }

  execute(action: Action): void {
    const { apps, log } = this.#options;
    if (action.type === 'publish') {
      this.#publish(action);
      return;
    }
    log.debug({ ...action, deployable: undefined }, `plan: ${action.type}`);
    if (action.type === 'forget-app') {
      this.#forgetApp(action.app);
      return;
    }
    if (action.type === 'start') {
      log.info({ app: action.app, generation: action.generation, reason: action.reason }, 'starting a generation');
      apps.start(action.app, action.generation, action);
      return;
    }
    const app = apps.get(action.app);
    const instance = app?.instances.get(action.generation);
    if (app === undefined || instance === undefined) return;
    if (isVerdict(action)) this.#judge(app, instance, action);
    else this.#change(app, instance, action);
  }

  /** What is to happen to one instance. */
  #change(app: App, instance: VassalHandle, action: Change): void {
    const { routers, deploys, clock } = this.#options;
    switch (action.type) {
      case 'recall':
        instance.apply('recalled');
        return;
      case 'narrow':
        instance.narrow(action.processes);
        return;
      case 'scale':
        instance.scale(action.processes);
        return;
      case 'retire':
        // Clients that it had go back to the older generation: that is to be known.
        if (action.reason === superseded) deploys.superseded(app, instance, action.reason, clock.nowMs());
        instance.traffic.leave(routers.routes.version);
        instance.apply('retired');
        return;
      case 'stop':
        instance.apply(action.event);
        return;
      case 'kill':
        instance.apply('kill-timeout');
        return;
      case 'forget':
        this.#forget(app, action.generation);
        return;
    }
  }

  #forget(app: App, generation: number): void {
    app.instances.delete(generation);
    this.#report(
      this.#options.dirs.retire(app.name, generation, new Set(app.instances.keys())),
      `clearing generation ${generation} of ${app.name}`,
    );
  }

  /** A verdict on a ready instance. */
  #judge(app: App, instance: VassalHandle, action: Verdict): void {
    const { clock, log, deploys } = this.#options;
    const line = { app: app.name, generation: instance.generation, reason: action.reason };
    switch (action.type) {
      case 'promote':
        log.info(line, 'it gets the whole traffic');
        instance.traffic.promote();
        app.endRollout();
        return;
      case 'step':
        log.info({ ...line, step: action.step }, 'canary step');
        app.enterStep(instance.generation, action.step, clock.nowMs());
        return;
      case 'refuse':
        log.warn(line, 'a generation is turned back');
        app.refuse(instance, action.reason);
        deploys.failed(app, instance, instance.fallFor(action.reason), clock.nowMs());
        return;
      case 'prove':
        log.info(line, 'it stood its probation');
        app.settle(instance);
        return;
    }
  }

  #publish({ apps: routes, reason }: Extract<Action, { readonly type: 'publish' }>): void {
    const { routers, log } = this.#options;
    const version = routers.publish(routes);
    log.debug({ version, reason }, 'routes published');
  }

  #forgetApp(name: string): void {
    const { apps, dirs, deploys, hub } = this.#options;
    apps.forget(name);
    this.#report(dirs.removeApp(name), `removing the directory of ${name}`);
    deploys.cancel(name, 'its file is gone');
    hub.tellApp({ name, state: 'gone', generation: null });
  }

  #report(outcome: Outcome, what: string): void {
    if (outcome !== undefined) this.#options.log.error({ why: outcome }, `${what} failed`);
  }
}

function isVerdict(action: Verdict | Change): action is Verdict {
  return ['promote', 'step', 'refuse', 'prove'].includes(action.type);
}
