// What an operator can ask of one app. A command only changes what is wanted and wakes the loop; the planner does
// the rest, so a command and an edit can never race each other.
import leven from 'leven';
import type { Clock } from '../lib/clock.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { formatDuration } from '../lib/units.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { DeployResult, Deploys } from './deploys.ts';
import type { EventHub } from './events.ts';
import { describeProblem } from './problem-text.ts';
import type { Reconciler } from './reconciler.ts';
import type { RouterSet } from './router-set.ts';
import { scaleLimitMs, scaleProgress, type ScaleProgress } from './scale-progress.ts';

export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

/** How a command ended. `accepted`: it will be done, and nobody waits for it. */
export interface CommandResult extends Omit<DeployResult, 'result'> {
  readonly result: DeployResult['result'] | 'accepted' | 'paused' | 'resumed' | 'scaled';
}

export type CommandOutcome = Refusal | CommandResult;

export interface CommandsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: string;
  readonly apps: Apps;
  readonly routers: RouterSet;
  readonly deploys: Deploys;
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

  /** An app that has a file. The directory is read first: a command right after an edit means the edited file. */
  async find(name: string): Promise<{ readonly app: App } | Refusal> {
    const { apps, hub, reconciler } = this.#options;
    if (hub.phase === 'stopping') return ending;
    await reconciler.settle();
    const app = apps.get(name);
    if (app?.file === undefined) return { status: 404, error: this.unknown(name) };
    return { app };
  }

  /** A new generation of the file as it is now. */
  async reload(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#findStarted(name);
    return 'app' in found ? this.#renew(found.app, wait) : found;
  }

  /** Takes back `stop`, or tries again at once what is in back-off. An app that runs is left alone. */
  async start(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.find(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const state = this.#options.reconciler.stateOf(app);
    const { live } = app;
    if (live !== undefined && (state === 'running' || state === 'degraded' || state === 'paused')) {
      const reason = state === 'paused' ? `it runs and is paused: \`emperor resume ${name}\`` : 'it runs already';
      return { result: 'live', reason, generation: live.generation, tookMs: 0 };
    }
    return this.#renew(app, wait);
  }

  /** Un-routes, drains and stops the app until `start`. What it held while it was paused is answered. */
  async stop(name: string, wait: boolean): Promise<CommandOutcome> {
    const { apps, deploys } = this.#options;
    const app = apps.get(name);
    if (app === undefined) return { status: 404, error: this.unknown(name) };
    const took = this.#stopwatch();
    app.resume();
    app.stop();
    this.#ordered();
    deploys.cancel(name, 'it was stopped');
    if (!wait) return accepted;
    await this.#until(() => app.instances.size === 0 || !app.isStopped);
    if (!app.isStopped)
      return { result: 'cancelled', reason: 'it was started again', generation: null, tookMs: took() };
    return { result: 'stopped', reason: null, generation: null, tookMs: took() };
  }

  /** Holds all requests. Whoever waits is answered when none of the app's requests runs any more. */
  async pause(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#findStarted(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const took = this.#stopwatch();
    app.pause();
    this.#ordered();
    if (!wait) return accepted;
    // Only after a whole turn the table that holds is published.
    await this.#options.reconciler.settle();
    await this.#until(() => !app.isPaused || this.#options.routers.isQuiet(name));
    const { isPaused } = app;
    const reason = isPaused ? null : 'it was resumed or stopped meanwhile';
    return { result: isPaused ? 'paused' : 'cancelled', reason, ...this.#liveOf(app), tookMs: took() };
  }

  /** Lets go of what `pause` holds. */
  async resume(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#findStarted(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const { reconciler, routers } = this.#options;
    const isPaused = (): boolean => app.isPaused;
    if (!isPaused()) return { result: 'resumed', reason: 'it was not paused', ...this.#liveOf(app), tookMs: 0 };
    const took = this.#stopwatch();
    app.resume();
    this.#ordered();
    if (!wait) return accepted;
    await reconciler.settle();
    const { version } = routers.routes;
    await this.#until(() => isPaused() || routers.hasApplied(version));
    const reason = isPaused() ? 'it was paused again meanwhile' : null;
    return { result: isPaused() ? 'cancelled' : 'resumed', reason, ...this.#liveOf(app), tookMs: took() };
  }

  /** So many workers, until the file's content changes. */
  async scale(name: string, processes: number, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#findStarted(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const spec = (app.live?.deployable ?? app.desired()?.target)?.spec;
    if (spec?.upstream !== undefined) {
      const message = `${name} has no workers to scale: somebody else runs its backends`;
      const hint = `\`emperor upstream add ${name} ADDRESS\` adds a backend`;
      return { status: 400, error: { code: 'EMP_NOT_APPLICABLE', message, hint } };
    }
    const took = this.#stopwatch();
    app.scale(processes);
    this.#ordered();
    if (!wait) return accepted;
    const progress = await this.#untilScaled(app, processes);
    return { result: progress.result, reason: progress.reason, ...this.#liveOf(app), tookMs: took() };
  }

  /** Goes back to the good generation before the live one. */
  async rollback(name: string, wait: boolean): Promise<CommandOutcome> {
    const found = await this.#findStarted(name);
    if (!('app' in found)) return found;
    const { clock } = this.#options;
    const target = found.app.rollback(clock.nowMs());
    if (target === undefined) {
      const message = `${name} has no earlier generation that was good`;
      const hint = `mend the file, or \`emperor reload ${name}\` deploys it again as it is`;
      return { status: 409, error: { code: 'EMP_NO_EARLIER_GENERATION', message, hint } };
    }
    return this.#deployed(found.app, target.order, wait);
  }

  async #renew(app: App, wait: boolean): Promise<CommandOutcome> {
    const { clock, directory, hub } = this.#options;
    if (hub.phase === 'stopping') return ending;
    if (app.file?.state === 'invalid') {
      const [problem] = app.file.problems;
      const reason = problem === undefined ? 'its file is invalid' : describeProblem(problem, directory);
      return { result: 'rejected', reason, ...this.#liveOf(app), tookMs: 0 };
    }
    app.renew(clock.nowMs());
    return this.#deployed(app, app.order, wait);
  }

  /** A generation of `order` was asked for. */
  async #deployed(app: App, order: number, wait: boolean): Promise<CommandResult> {
    const result = wait ? this.#options.deploys.waitFor(app.name, order) : undefined;
    this.#ordered();
    return result ?? accepted;
  }

  async #findStarted(name: string): Promise<{ readonly app: App } | Refusal> {
    const found = await this.find(name);
    if (!('app' in found) || !found.app.isStopped) return found;
    const hint = `\`emperor start ${name}\` starts it`;
    return { status: 409, error: { code: 'EMP_APP_STOPPED', message: `${name} is stopped`, hint } };
  }

  async #untilScaled(app: App, processes: number): Promise<ScaleProgress> {
    const { clock, reconciler } = this.#options;
    const before = app.live?.report?.workers.length ?? 0;
    const limitMs = scaleLimitMs((app.live?.deployable ?? app.desired()?.target)?.spec, { before, processes });
    const untilMs = clock.nowMs() + limitMs;
    const timer = clock.after(limitMs, () => {
      reconciler.wake();
    });
    const look = (): ScaleProgress | undefined => {
      const { live } = app;
      const told = live && { facts: live.facts(), report: live.report };
      return scaleProgress({ processes, wanted: app.processes, isStopped: app.isStopped, live: told });
    };
    await this.#until(() => look() !== undefined || clock.nowMs() >= untilMs);
    timer.cancel();
    const ready = app.live?.facts().workers.length ?? 0;
    const reason = `${ready} workers are ready after ${formatDuration(limitMs)}, and ${processes} are wanted`;
    return look() ?? { result: 'failed', reason };
  }

  /** Something else is wanted now: it is kept in mind at once, for the next emperor may come any moment. */
  #ordered(): void {
    const { apps, log, reconciler } = this.#options;
    // It is in force nevertheless; only the next emperor will not know.
    for (const why of apps.remember()) log.error({ why }, 'what was ordered could not be written down');
    reconciler.wake();
  }

  /** The emperor's end ends every wait. */
  async #until(holds: () => boolean): Promise<void> {
    const { hub, reconciler } = this.#options;
    await reconciler.until(() => holds() || hub.phase === 'stopping');
  }

  #liveOf(app: App): { readonly generation: number | null } {
    return { generation: app.live?.generation ?? null };
  }

  #stopwatch(): () => number {
    const { clock } = this.#options;
    const sinceMs = clock.nowMs();
    return () => Math.round(clock.nowMs() - sinceMs);
  }
}

const ending: Refusal = { status: 503, error: { code: 'EMP_ENDING', message: 'the emperor is ending' } };
