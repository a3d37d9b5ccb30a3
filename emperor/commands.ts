// What an operator can ask of one app. A command only changes what is wanted and wakes the loop; the planner does
// the rest, so a command and an edit can never race each other.
import leven from 'leven';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { DeployResult, Deploys } from './deploys.ts';
import type { EventHub } from './events.ts';
import type { GenerationDirs } from './generation-dirs.ts';
import { describeProblem } from './problem-text.ts';
import type { Reconciler } from './reconciler.ts';

interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** `accepted`: it will be done, and nobody waits for it. */
export type CommandOutcome =
  Refusal | (Omit<DeployResult, 'result'> & { readonly result: DeployResult['result'] | 'accepted' });

export interface CommandsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: string;
  readonly apps: Apps;
  readonly deploys: Deploys;
  readonly dirs: GenerationDirs;
  readonly hub: EventHub;
  readonly reconciler: Reconciler;
}

const accepted = { result: 'accepted', reason: null, generation: null, tookMs: 0 } as const;

export class Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  isKnown(name: string): boolean {
    return this.#options.apps.get(name) !== undefined;
  }

  unknown(name: string): Refusal['error'] {
    const { apps, directory } = this.#options;
    const names = apps.all.map((app) => app.name);
    const [nearest] = names.sort((a, b) => leven(name, a) - leven(name, b));
    const isNear = nearest !== undefined && leven(name, nearest) <= 2;
    const hint = isNear ? `did you mean ${nearest}?` : '`emperor status` lists the apps';
    return { code: 'EMP_UNKNOWN_APP', message: `${directory} has no app named ${name}`, hint };
  }

  /** A new generation of the file as it is now. */
  async reload(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#find(name);
    if (!('app' in found)) return found;
    const { app } = found;
    if (app.isStopped) {
      const error = { code: 'stopped', message: `${name} is stopped`, hint: `\`emperor start ${name}\` starts it` };
      return { status: 409, error };
    }
    return this.#renew(app, wait);
  }

  /** Takes back `stop`, or tries again at once what is in back-off. An app that runs is left alone. */
  async start(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#find(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const state = this.#options.reconciler.stateOf(app);
    const { live } = app;
    if (live !== undefined && (state === 'running' || state === 'degraded')) {
      return { result: 'live', reason: 'it runs already', generation: live.generation, tookMs: 0 };
    }
    this.#note(this.#options.dirs.unmarkStopped(name));
    return this.#renew(app, wait);
  }

  /** Un-routes, drains and stops the app until `start`. */
  async stop(name: string, wait: boolean): Promise<CommandOutcome> {
    const { apps, clock, dirs, deploys, hub, reconciler } = this.#options;
    const app = apps.get(name);
    if (app === undefined) return { status: 404, error: this.unknown(name) };
    const sinceMs = clock.nowMs();
    app.stop();
    this.#note(dirs.markStopped(name, app.lastGeneration));
    deploys.cancel(name, 'it was stopped');
    reconciler.wake();
    if (!wait) return accepted;
    await reconciler.until(() => app.instances.size === 0 || !app.isStopped || hub.phase === 'stopping');
    const tookMs = Math.round(clock.nowMs() - sinceMs);
    if (!app.isStopped) return { result: 'cancelled', reason: 'it was started again', generation: null, tookMs };
    return { result: 'stopped', reason: null, generation: null, tookMs };
  }

  async #renew(app: App, wait: boolean): Promise<CommandOutcome> {
    const { clock, deploys, directory, reconciler, hub } = this.#options;
    if (hub.phase === 'stopping') {
      return { status: 503, error: { code: 'stopping', message: 'the emperor is ending' } };
    }
    if (app.file?.state === 'invalid') {
      const [problem] = app.file.problems;
      const reason = problem === undefined ? 'its file is invalid' : describeProblem(problem, directory);
      return { result: 'rejected', reason, generation: app.live?.generation ?? null, tookMs: 0 };
    }
    app.renew(clock.nowMs());
    const result = wait ? deploys.waitFor(app.name, app.order) : undefined;
    reconciler.wake();
    return result ?? accepted;
  }

  /** The directory is read first: a command right after an edit means the edited file. */
  async #find(name: string): Promise<{ readonly app: App } | Refusal> {
    const { apps, reconciler } = this.#options;
    await reconciler.settle();
    const app = apps.get(name);
    if (app?.file === undefined) return { status: 404, error: this.unknown(name) };
    return { app };
  }

  #note(outcome: string | undefined): void {
    // The app is stopped or started nevertheless; only the next emperor will not know.
    if (outcome !== undefined) this.#options.log.error({ why: outcome }, 'the mark of a stopped app was not written');
  }
}
