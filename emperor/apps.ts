// All apps the emperor knows, by name: those that have a file and those of which something still runs. It adopts
// what dials in, starts what it is told to start, and yields the facts for the planner.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { completeSpec } from '../lib/spec/complete-spec.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { VassalHello } from '../lib/vassal-messages.ts';
import { App } from './app.ts';
import { isSameMemory, readMemory, writeMemory, type AppMemory } from './app-memory.ts';
import { adoptChild, type ChildExit } from './child.ts';
import type { ConfigSnapshot, FileState } from './config/scan.ts';
import type { Connection } from './connection.ts';
import type { Deployable, Desired, DesiredApp } from './facts.ts';
import type { GenerationDirs } from './generation-dirs.ts';
import type { Registrations } from './registrations.ts';
import { VassalHandle, type VassalEvents, type VassalOptions } from './vassal-handle.ts';
import { WarmPrimaries } from './warm-primaries.ts';

export interface AppsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dirs: GenerationDirs;
  readonly runDir: string;
  readonly registrations: Registrations;
  readonly controlPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly events: VassalEvents;
}

export class Apps {
  readonly #options: AppsOptions;
  readonly #apps = new Map<string, App>();
  readonly #warm: WarmPrimaries;
  /** Outlives the app, so that a name's generations only ever grow. */
  readonly #lastGenerations = new Map<string, number>();
  /** Names that had a directory when we started. */
  readonly #leftovers: Set<string>;
  /** What was last written down of each app. */
  readonly #remembered = new Map<string, AppMemory>();
  #isComplete = false;
  #isEnding = false;

  constructor(options: AppsOptions) {
    this.#options = options;
    this.#warm = new WarmPrimaries(options);
    const found = options.dirs.list();
    this.#leftovers = new Set(found.keys());
    for (const [name, generations] of found) {
      this.#lastGenerations.set(name, Math.max(0, ...generations));
    }
  }

  get all(): readonly App[] {
    return [...this.#apps.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): App | undefined {
    return this.#apps.get(name);
  }

  /** What adopted instances run, for the first scan: they keep their domains. */
  running(): ReadonlyMap<string, VassalSpec> {
    return new Map(this.all.flatMap((app) => (app.live === undefined ? [] : [[app.name, app.live.deployable.spec]])));
  }

  /** The longest that an app wants its requests to be waited for; 0 where none is live. */
  get longestDrainMs(): number {
    return Math.max(0, ...this.all.map(({ live }) => live?.deployable.spec['drain-timeout'] ?? 0));
  }

  desired(): Desired {
    if (this.#isEnding) return { isComplete: true, isEnding: true, apps: new Map() };
    const apps = new Map<string, DesiredApp>();
    for (const [name, app] of this.#apps) {
      const desired = app.desired();
      if (desired !== undefined) apps.set(name, desired);
    }
    return { isComplete: this.#isComplete, isEnding: false, apps };
  }

  /** Takes a scan in; returns the apps whose file was just found to be invalid. */
  observe(snapshot: ConfigSnapshot, onTouch: 'deploy' | 'ignore'): readonly App[] {
    const nowMs = this.#options.clock.nowMs();
    if (snapshot.directoryProblem === null) this.#isComplete = true;
    for (const name of snapshot.files.keys()) this.#ensure(name);
    if (this.#isComplete) this.#sweep();
    const isKnown = (file: FileState | undefined): boolean => file !== undefined || this.#isComplete;
    return this.all.filter((app) => {
      const file = snapshot.files.get(app.name);
      return isKnown(file) && app.observe(file, onTouch, nowMs).isRejected;
    });
  }

  start(
    name: string,
    generation: number,
    { deployable, processes }: { readonly deployable: Deployable; readonly processes: number },
  ): void {
    const { clock, dirs } = this.#options;
    const app = this.#ensure(name);
    const sinceMs = app.takeSince(clock.nowMs());
    const instance = this.#handle(name, generation, {
      deployable,
      processes,
      traffic: { sinceMs, isPromoted: false, isOutdated: false, isAnnounced: false },
    });
    app.add(instance);
    this.#lastGenerations.set(name, app.lastGeneration);
    const problem = dirs.make(name, generation);
    if (problem !== undefined) {
      instance.onExit({ code: null, message: `could not be started: no directory for its sockets: ${problem}` });
      return;
    }
    const onExit = (exit: ChildExit): void => {
      instance.onExit(exit);
    };
    const warm = this.#warm.take(name, generation, onExit);
    instance.own(warm?.child ?? this.#warm.spawn(name, generation, onExit));
    if (warm?.dialled !== undefined) instance.attach(warm.dialled.connection, warm.dialled.hello);
  }

  /** The app's file changes: most likely a generation will be started in a moment. */
  warm(name: string, most: number): void {
    const app = this.#apps.get(name);
    if (this.#isEnding || app?.isStopped === true || this.#warm.size >= most) return;
    const last = app?.lastGeneration ?? this.#lastGenerations.get(name) ?? 0;
    this.#warm.warm(name, last + 1);
  }

  /** A primary dialled in: one of ours, or one that outlived another emperor. */
  onHello(connection: Connection, hello: VassalHello): void {
    const { log, clock, dirs } = this.#options;
    if (this.#warm.onHello(connection, hello)) return;
    const known = this.#apps.get(hello.name)?.instances.get(hello.generation);
    if (known !== undefined && known.pid === hello.pid) {
      known.attach(connection, hello);
      return;
    }
    if (known !== undefined || hello.running === null) {
      // It serves nobody: another process has its place, or it was never told what to run.
      log.warn({ app: hello.name, generation: hello.generation, child: hello.pid }, 'stray vassal told to stop');
      connection.send({ type: 'stop' });
      return;
    }
    const { digest } = hello.running;
    // Another build may have started it, which did not know each key of ours.
    const spec = completeSpec(hello.running.spec) ?? hello.running.spec;
    const app = this.#ensure(hello.name);
    const deployable = { spec, digest, order: 0 };
    const { processes } = hello.running.state;
    // What the link to the live socket was last pointed at had the traffic, and so had what came before it.
    const linked = dirs.linked(hello.name) ?? 0;
    const isPromoted = hello.generation <= linked;
    const isOutdated = hello.generation < linked;
    // It became live under another emperor, which told it then; what only became ready did not.
    const isAnnounced = isPromoted && hello.running.state.phase === 'ready';
    const traffic = { sinceMs: clock.nowMs(), isPromoted, isOutdated, isAnnounced };
    const instance = this.#handle(hello.name, hello.generation, { deployable, processes, traffic });
    this.#options.registrations.restore(hello.name, hello.running.registrations);
    app.add(instance);
    this.#lastGenerations.set(hello.name, app.lastGeneration);
    instance.own(
      adoptChild(hello.pid, clock, (exit) => {
        instance.onExit(exit);
      }),
    );
    log.info({ app: hello.name, generation: hello.generation, child: hello.pid }, 'vassal adopted');
    instance.attach(connection, hello);
  }

  forget(name: string): void {
    this.#apps.delete(name);
    this.#remembered.delete(name);
  }

  /** The backends registered for an app changed. */
  tellRegistrations(name: string): void {
    for (const instance of this.#apps.get(name)?.instances.values() ?? []) instance.tellRegistrations();
  }

  /** Writes down what changed of what the next emperor is to know; returns what went wrong. */
  remember(): readonly string[] {
    return this.all.flatMap((app) => {
      const memory = app.memory();
      const before = this.#remembered.get(app.name);
      if (before !== undefined && isSameMemory(before, memory)) return [];
      const problem = writeMemory(this.#options.runDir, app.name, memory);
      if (problem === undefined) this.#remembered.set(app.name, memory);
      return problem ?? [];
    });
  }

  /** From now on nothing is wanted. */
  end(): void {
    this.#isEnding = true;
    this.#warm.endAll();
  }

  /** Lets go of every instance; they go on, and the next emperor adopts them. */
  release(): void {
    this.#warm.endAll();
    for (const app of this.all) for (const instance of app.instances.values()) instance.release();
  }

  hurry(): void {
    for (const app of this.all) for (const instance of app.instances.values()) instance.apply('hurried');
  }

  /** Clears what an emperor before us left of apps that have neither a file nor a process any more. */
  #sweep(): void {
    const { dirs, log } = this.#options;
    for (const name of this.#leftovers) {
      const problem = this.#apps.has(name) ? undefined : dirs.removeApp(name);
      if (problem !== undefined) log.error({ app: name, why: problem }, 'clearing its directory failed');
    }
    this.#leftovers.clear();
  }

  #ensure(name: string): App {
    const known = this.#apps.get(name);
    if (known !== undefined) return known;
    const app = new App(name, this.#lastGenerations.get(name) ?? 0);
    const memory = readMemory(this.#options.runDir, name);
    if (typeof memory === 'string') this.#options.log.warn({ app: name, why: memory }, 'its memory is damaged');
    else if (memory !== undefined) app.restore(memory, this.#options.clock.nowMs());
    this.#apps.set(name, app);
    return app;
  }

  #handle(
    name: string,
    generation: number,
    of: Pick<VassalOptions, 'deployable' | 'processes' | 'traffic'>,
  ): VassalHandle {
    const { clock, log, dirs, events, registrations } = this.#options;
    const dir = dirs.path(name, generation);
    const parts = { name, generation, dir, clock, log, events };
    return new VassalHandle({ ...of, ...parts, registrations: () => registrations.all(name) });
  }
}
