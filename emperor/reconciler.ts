// The only loop. File alarms, messages of children, exits, timers and commands do nothing but mark dirty; one turn at
// a time then looks at the whole truth, plans (planner.ts) and executes the plan. Deciding is not done here.
import type { Timer } from '../lib/clock.ts';
import { formatDuration } from '../lib/units.ts';
import type { App } from './app.ts';
import { deriveAppState, type AppState } from './app-state.ts';
import { isConfigFileName, vassalName } from './config/names.ts';
import { scanDirectory, type ConfigSnapshot } from './config/scan.ts';
import { probeDataPath } from './data-path.ts';
import type { Actual, AppFacts, Desired } from './facts.ts';
import { PlanExecutor, type PlanExecutorOptions } from './plan-executor.ts';
import { planChanges } from './planner.ts';
import { describeProblem } from './problem-text.ts';
import { decideRestart } from './restart-policy.ts';
import type { Settings } from './settings.ts';
import type { VassalHandle } from './vassal-handle.ts';

export interface ReconcilerOptions extends PlanExecutorOptions {
  readonly directory: string;
  readonly runDir: string;
  readonly settings: () => Settings;
  readonly routerCount: () => number;
  /** Default of `deploys-at-once`. */
  readonly cores: number;
}

/** An alarm is followed by others: a save is several events. Waiting ends after the longest wait in any case. */
const quietMs = 100;
const longestQuietMs = 500;
/** A plan is empty after two or three rounds; more would be a planner that contradicts itself. */
const mostRounds = 12;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #executor: PlanExecutor;
  #memoryProblem = '';
  #snapshot: ConfigSnapshot | undefined;
  #turn: Promise<void> | undefined;
  #isDirty = false;
  #isScanDue = true;
  #isFrozen = false;
  #wakeTimer: Timer | undefined;
  #rescanTimer: Timer | undefined;
  #alarmTimer: Timer | undefined;
  #firstAlarmMs: number | undefined;
  #onIdle: readonly (() => void)[] = [];
  #watched: readonly { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#executor = new PlanExecutor(options);
  }

  get snapshot(): ConfigSnapshot | undefined {
    return this.#snapshot;
  }

  /** Something changed: there will be one more turn, however often it is called. */
  wake(): void {
    this.#isDirty = true;
    this.#turn ??= this.#run();
  }

  /** The directory may have changed; `file` is the name of what changed in it, where that is known. */
  alarm(file?: string): void {
    const { clock, apps } = this.#options;
    if (file !== undefined && isConfigFileName(file) && !this.#isFrozen)
      apps.warm(vassalName(file), this.#deploysAtOnce);
    const nowMs = clock.nowMs();
    this.#firstAlarmMs ??= nowMs;
    const leftMs = this.#firstAlarmMs + longestQuietMs - nowMs;
    this.#alarmTimer?.cancel();
    this.#alarmTimer = clock.after(Math.max(0, Math.min(quietMs, leftMs)), () => {
      this.rescan();
    });
  }

  /** Reads the directory in the next turn. */
  rescan(): void {
    this.#firstAlarmMs = undefined;
    this.#isScanDue = true;
    this.wake();
  }

  /** Resolves after a whole turn that begins now or later, the directory read. */
  async settle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = [...this.#onIdle, resolve];
      this.rescan();
    });
  }

  /** Resolves at the end of the first turn, this one or a later, after which `holds` is true. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve) => {
      this.#watched = [...this.#watched, { holds, resolve }];
    });
  }

  /** Starts no further generation; what runs goes on. */
  freeze(): void {
    this.#isFrozen = true;
    this.#alarmTimer?.cancel();
    this.#rescanTimer?.cancel();
  }

  stop(): void {
    this.freeze();
    this.#wakeTimer?.cancel();
  }

  stateOf(app: App, desired = this.#options.apps.desired()): AppState {
    return deriveAppState(desired, app.facts(), app.isBroken, this.#options.clock.nowMs());
  }

  /** Why the app is in that state, where the state alone does not say it. */
  reasonOf(app: App, state: AppState): string | null {
    const { clock, directory } = this.#options;
    if (state === 'degraded' || state === 'invalid') {
      const [problem] = app.file !== undefined && 'problems' in app.file ? app.file.problems : [];
      return problem === undefined
        ? (app.refusal ?? app.lastDeploy?.reason ?? null)
        : describeProblem(problem, directory);
    }
    if (state !== 'backoff' && state !== 'failed') return null;
    const decision = decideRestart(app.facts().deaths, clock.nowMs());
    if (decision.restart) return null;
    return `${decision.reason}; next try in ${formatDuration(decision.untilMs - clock.nowMs())}`;
  }

  async #run(): Promise<void> {
    // The callers of wake() go on first: what they are about to note belongs to this turn.
    await Promise.resolve();
    while (this.#isDirty) {
      this.#isDirty = false;
      const waiting = this.#onIdle;
      this.#onIdle = [];
      if (this.#isScanDue && !this.#isFrozen) await this.#scan();
      this.#reconcile();
      this.#announce();
      for (const resolve of waiting) resolve();
      const reached = this.#watched.filter(({ holds }) => holds());
      this.#watched = this.#watched.filter((one) => !reached.includes(one));
      for (const { resolve } of reached) resolve();
    }
    this.#turn = undefined;
  }

  get #deploysAtOnce(): number {
    const { settings, cores } = this.#options;
    return settings().config['deploys-at-once'] ?? cores;
  }

  async #scan(): Promise<void> {
    this.#isScanDue = false;
    const { directory, runDir, apps, settings, deploys, clock, log } = this.#options;
    const { config } = settings();
    const previous = this.#snapshot;
    const snapshot = await scanDirectory({
      directory,
      runDir,
      defaults: config.defaults,
      previous,
      running: previous === undefined ? apps.running() : undefined,
      clock,
    });
    this.#snapshot = snapshot;
    const rejected = apps.observe(snapshot, config['on-touch']);
    for (const app of rejected) {
      const [problem] = app.file !== undefined && 'problems' in app.file ? app.file.problems : [];
      deploys.rejected(app, problem === undefined ? 'invalid' : describeProblem(problem, directory));
    }
    const before = new Set(previous?.problems.map((problem) => JSON.stringify(problem)));
    for (const problem of snapshot.problems) {
      if (!before.has(JSON.stringify(problem))) log.warn({ problem }, describeProblem(problem, directory));
    }
    this.#rescanTimer?.cancel();
    const nextMs = Math.min(snapshot.rescanAfterMs ?? Infinity, Math.max(shortestRescanMs, config.rescan));
    this.#rescanTimer = clock.after(nextMs, () => {
      this.rescan();
    });
  }

  #reconcile(): void {
    const { clock, log, routers, routerCount } = this.#options;
    routers.keep(routerCount());
    const limits = { deploysAtOnce: this.#isFrozen ? 0 : this.#deploysAtOnce };
    for (let round = 1; round <= mostRounds; round += 1) {
      // Before a router acts on it: the next emperor must never know less than clients have seen.
      this.#remember();
      const { desired, actual } = this.#facts();
      const plan = planChanges(desired, actual, clock.nowMs(), limits);
      if (plan.actions.length === 0) {
        this.#arm(plan.wakeAtMs);
        return;
      }
      for (const action of plan.actions) this.#executor.execute(action);
    }
    log.error('the plan is not empty after many rounds: planning again in a second');
    this.#arm(clock.nowMs() + 1000);
  }

  #facts(): { readonly desired: Desired; readonly actual: Actual } {
    const { apps, routers } = this.#options;
    const stats = routers.appStats();
    const facts = apps.all.map((app): AppFacts => {
      const own = stats.get(app.name) ?? [];
      const queued = own.reduce((sum, one) => sum + one.queued, 0);
      return app.facts(
        queued,
        own.flatMap(({ generations }) => generations),
      );
    });
    return { desired: apps.desired(), actual: { apps: facts, routers: routers.facts(), routes: routers.routes } };
  }

  /** Tells what became of apps and deploys in this turn. */
  #announce(): void {
    const { apps, routers, hub, clock } = this.#options;
    // Once for all: it is about every app, and is asked for each.
    const desired = apps.desired();
    for (const app of apps.all) {
      const { live } = app;
      hub.tellApp({ name: app.name, state: this.stateOf(app, desired), generation: live?.generation ?? null });
      if (live === undefined) continue;
      const { traffic } = live;
      if (traffic.routedVersion === 0) this.#noteRouted(live);
      if (traffic.isAnnounced || !routers.hasApplied(traffic.routedVersion)) continue;
      traffic.announce(clock.nowMs());
      // It cannot reject: a data path that fails is one of its results.
      void this.#confirm(app, live);
    }
  }

  /** The plan is done, so the table as it is now gives it the traffic, or, of a paused app, would. */
  #noteRouted(live: VassalHandle): void {
    const { routers, dirs, log } = this.#options;
    live.traffic.enter(routers.routes.version);
    const why = dirs.link(live.name, live.generation);
    if (why !== undefined) log.error({ why }, `linking the live socket of ${live.name} failed`);
  }

  /** A deploy is reported only after a probe of every router reached the new generation. */
  async #confirm(app: App, instance: VassalHandle): Promise<void> {
    const { routers, deploys, clock, log } = this.#options;
    const isWanted = (): boolean => app.live === instance && !app.isPaused;
    const outcome = await probeDataPath({ routers, clock, isWanted }, instance);
    if (outcome.problem !== undefined) {
      log.error({ app: app.name, generation: instance.generation, why: outcome.problem }, 'the data path fails');
    }
    if (app.live !== instance) return;
    const note = app.isPaused ? `it is paused: \`emperor resume ${app.name}\` lets its requests go` : undefined;
    deploys.live(app, instance, clock.nowMs(), outcome.problem ?? note);
    this.wake();
  }

  /** What an operator said, and what was good, outlives us. */
  #remember(): void {
    const { apps, log } = this.#options;
    const why = apps.remember().join('; ');
    // A full disk is told once, not at every turn.
    if (why !== '' && why !== this.#memoryProblem) log.error({ why }, 'keeping what is to be remembered failed');
    this.#memoryProblem = why;
  }

  #arm(wakeAtMs: number | undefined): void {
    const { clock } = this.#options;
    this.#wakeTimer?.cancel();
    if (wakeAtMs === undefined) return;
    // Timers of Node may fire a millisecond early; a turn too many does no harm, one too few would.
    this.#wakeTimer = clock.after(Math.max(1, Math.ceil(wakeAtMs - clock.nowMs())), () => {
      this.wake();
    });
  }
}

/** A rescan that is never over would be the only thing we do. */
const shortestRescanMs = 1000;
