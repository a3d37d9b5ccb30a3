// The emperor put together: it claims the run directory, lets orphans dial in, binds the addresses, starts routers
// and the loop, and takes all of it down again in the order that loses no request. It never touches a request.
import { availableParallelism } from 'node:os';
import type { Clock, Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { formatLogOptions, logVariable, type LogOptions, type Logger } from '../lib/log.ts';
import { native } from '../native/index.ts';
import { startAdminServer, type AdminServer } from './admin-server.ts';
import { awaitOrphans, removeStaleDirs } from './adoption.ts';
import { Apps } from './apps.ts';
import { Commands } from './commands.ts';
import { watchDirectory, type DirectoryWatch } from './config/watch.ts';
import { answerControl } from './control-api.ts';
import { ControlServer } from './control-server.ts';
import { Deploys } from './deploys.ts';
import { EventHub } from './events.ts';
import { GenerationDirs } from './generation-dirs.ts';
import { Inspection } from './inspection.ts';
import { bindListeners, closeListeners } from './listening.ts';
import { Reconciler } from './reconciler.ts';
import { Registrations } from './registrations.ts';
import { RouterSet } from './router-set.ts';
import { claimRunDir, type ClaimedRunDir } from './run-directory.ts';
import { keysThatNeedRestart, routerSettings, type Settings } from './settings.ts';
import type { Status } from './status.ts';
import { UpstreamCommands } from './upstream-commands.ts';
import type { Fall, VassalEvents, VassalHandle } from './vassal-handle.ts';

export interface EmperorOptions {
  readonly directory: string;
  readonly runDir: string;
  readonly settings: Settings;
  readonly logOptions: LogOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

export class Emperor {
  readonly hub = new EventHub();
  readonly #options: EmperorOptions;
  readonly #runDir: ClaimedRunDir;
  readonly #dirs: GenerationDirs;
  readonly #deploys = new Deploys(this.hub);
  readonly #routers: RouterSet;
  readonly #registrations: Registrations;
  readonly #apps: Apps;
  readonly #reconciler: Reconciler;
  readonly #inspection: Inspection;
  readonly #control: ControlServer;
  readonly #dialledIn = new Set<number>();
  #settings: Settings;
  #watch: DirectoryWatch | undefined;
  #watchWarning: string | undefined;
  #admin: AdminServer | undefined;
  #ending: Promise<void> | undefined;
  #regainTimer: Timer | undefined;
  #isBooted = false;
  /** As the first router spelled them: the real ports, also where 0 was asked for. */
  #adoptedListen: readonly string[] | undefined;
  readonly #onEnded: () => void;
  /** Resolves when everything has ended. */
  readonly ended: Promise<void>;

  /** Claims the run directory and starts; throws an EmperorError where the environment does not allow it. */
  static async start(options: EmperorOptions): Promise<Emperor> {
    const runDir = await claimRunDir(options.runDir);
    const emperor = new Emperor(options, runDir);
    try {
      await emperor.#boot();
      return emperor;
    } catch (error) {
      emperor.#abandon();
      throw error;
    }
  }

  private constructor(options: EmperorOptions, runDir: ClaimedRunDir) {
    const { clock, log, random, directory, settings } = options;
    this.#options = options;
    this.#runDir = runDir;
    this.#settings = settings;
    let onEnded = (): void => undefined;
    this.ended = new Promise((resolve) => {
      onEnded = resolve;
    });
    this.#onEnded = onEnded;
    this.#dirs = new GenerationDirs(runDir.path);
    const env = childEnvironment(options.logOptions);
    const shared = { clock, log, controlPath: runDir.controlPath, env };
    this.#routers = new RouterSet({
      ...shared,
      random,
      onChange: () => {
        this.#onRouters();
      },
    });
    this.#routers.configure(routerSettings(settings));
    this.#registrations = new Registrations({
      clock,
      onChange: (app) => {
        this.#apps.tellRegistrations(app);
      },
    });
    this.#apps = new Apps({
      ...shared,
      runDir: runDir.path,
      dirs: this.#dirs,
      registrations: this.#registrations,
      events: this.#vassalEvents(),
    });
    this.#reconciler = new Reconciler({
      directory,
      runDir: runDir.path,
      clock,
      log,
      apps: this.#apps,
      routers: this.#routers,
      dirs: this.#dirs,
      deploys: this.#deploys,
      hub: this.hub,
      settings: () => this.#settings,
      routerCount: () => (native.addon === undefined ? 1 : this.#settings.config.router.processes),
      cores: availableParallelism(),
    });
    const parts = { clock, directory, runDir: runDir.path, apps: this.#apps, routers: this.#routers, hub: this.hub };
    this.#inspection = new Inspection({ ...parts, reconciler: this.#reconciler, notes: () => this.#notes() });
    this.#control = this.#controlServer();
  }

  get settings(): Settings {
    return this.#settings;
  }

  status(): Status {
    return this.#inspection.status();
  }

  /** The addresses that clients connect to, with their real ports. */
  listen(): readonly string[] {
    return this.#inspection.listen();
  }

  /** Reads the directory now. */
  rescan(): void {
    this.#reconciler.rescan();
  }

  /** Takes new settings over as far as they can change while running; returns the keys that need a restart. */
  adjust(settings: Settings): readonly string[] {
    const ignored = keysThatNeedRestart(this.#settings, settings);
    const { listen, admin } = this.#settings;
    this.#settings = { ...settings, listen, admin };
    this.#options.log.level = settings.config.log.level;
    this.#routers.configure(routerSettings(this.#settings));
    this.#reconciler.rescan();
    return ignored;
  }

  /** Drains and ends everything. Calling it again does nothing: see `hurry`. */
  async end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Kills what still runs; the end that was begun then completes. */
  hurry(): void {
    this.#options.log.warn('killing what still runs');
    this.#routers.hurry();
    this.#apps.hurry();
  }

  async #boot(): Promise<void> {
    const { settings, clock, log, directory } = this.#options;
    await this.#control.listen(this.#runDir.controlPath);
    if (this.#runDir.hadPredecessor) await awaitOrphans(this.#runDir.controlPath, this.#dialledIn, { clock, log });
    // What adopted routers hold cannot be bound again, and need not be.
    if (this.#routers.routers.length === 0) this.#routers.listenOn(await bindListeners(settings.listen));
    if (settings.admin !== undefined) {
      this.#admin = await startAdminServer(settings.admin, () => this.status());
      log.info({ address: this.#admin.address }, 'admin address');
    }
    removeStaleDirs(this.#runDir.controlPath, { apps: this.#apps, dirs: this.#dirs, log });
    if (native.missing !== undefined) log.warn({ why: native.missing }, 'the native addon is missing');
    this.#watch = watchDirectory({
      directory,
      onAlarm: (file) => {
        this.#reconciler.alarm(file);
      },
      onWarning: (message) => {
        this.#watchWarning = `${directory} is not watched (${message}): changes are noticed by reading it from time to time`;
        log.warn(this.#watchWarning);
      },
    });
    this.#isBooted = true;
    await this.#reconciler.settle();
    void this.#enterServing();
  }

  /** The start failed. What was adopted goes on and waits for an emperor that can start. */
  #abandon(): void {
    this.#registrations.stop();
    this.#apps.release();
    this.#routers.release();
    closeListeners(this.#routers.listeners ?? []);
    this.#admin?.close();
    this.#control.close();
    this.#runDir.release();
  }

  /** Never rejects; it waits as long as no router serves, which status tells. */
  async #enterServing(): Promise<void> {
    await this.#reconciler.until(() => this.#isServing() || this.hub.phase === 'stopping');
    if (this.hub.phase === 'starting') this.hub.enter('serving');
  }

  #isServing(): boolean {
    const { version } = this.#routers.routes;
    return version > 0 && this.#routers.hasApplied(version);
  }

  async #end(): Promise<void> {
    const { log } = this.#options;
    this.hub.enter('stopping');
    this.#regainTimer?.cancel();
    this.#registrations.stop();
    this.#reconciler.freeze();
    this.#deploys.cancelAll('the emperor ends');
    await this.#watch?.close();
    // Ours first: a client that comes now is refused by the kernel instead of waiting for an accept that never comes.
    // Of what adopted routers hold only the files of unix sockets are ours to remove.
    const adopted = (this.#adoptedListen ?? []).map((address) => ({ address, fd: undefined }));
    closeListeners(this.#routers.listeners ?? adopted);
    const drains = this.#apps.all.map(({ live }) => live?.deployable.spec['drain-timeout'] ?? 0);
    await this.#routers.end(Math.max(shortestGraceMs, ...drains));
    this.#apps.end();
    this.#reconciler.wake();
    await this.#reconciler.until(() => this.#apps.all.length === 0);
    this.#reconciler.stop();
    const problem = this.#dirs.removeAll();
    if (problem !== undefined) log.error({ why: problem }, 'the run directory was not cleaned');
    this.#admin?.close();
    this.#control.close();
    this.#runDir.release();
    log.info('ended');
    this.#onEnded();
  }

  #onRouters(): void {
    // While orphans dial in nothing is published: a table without the vassals still to come would un-route them.
    if (!this.#isBooted) return;
    this.#reconciler.wake();
    if (this.#routers.listeners === undefined) this.#regainListeners();
  }

  /**
   * Adopted routers hold sockets that we have no descriptor of. Once the last of them is gone the addresses are free,
   * and are bound again; until then a missing router cannot be replaced.
   */
  #regainListeners(): void {
    if (this.#routers.routers.length > 0 || this.#ending !== undefined) return;
    const { clock, log } = this.#options;
    this.#regainTimer?.cancel();
    bindListeners(this.#adoptedListen ?? this.#settings.listen).then(
      (listeners) => {
        this.#routers.listenOn(listeners);
        this.#reconciler.wake();
      },
      (error: unknown) => {
        log.error({ why: messageOf(error) }, 'the addresses cannot be bound again yet');
        this.#regainTimer = clock.after(regainEveryMs, () => {
          this.#regainListeners();
        });
      },
    );
  }

  #controlServer(): ControlServer {
    const { clock, log, directory } = this.#options;
    const parts = { clock, dirs: this.#dirs, hub: this.hub };
    const commands = new Commands({
      clock,
      hub: this.hub,
      log,
      directory,
      apps: this.#apps,
      routers: this.#routers,
      deploys: this.#deploys,
      reconciler: this.#reconciler,
    });
    const { hub } = this;
    const registry = { apps: this.#apps, commands, registrations: this.#registrations, hub };
    const onRequest = answerControl({
      ...parts,
      commands,
      upstreams: new UpstreamCommands(registry),
      status: () => this.status(),
      shutDown: () => {
        // It cannot reject, and who waits for the end awaits `ended`.
        void this.end();
      },
    });
    return new ControlServer(
      {
        onRequest,
        onRouter: (connection, hello) => {
          this.#dialledIn.add(hello.pid);
          this.#adoptedListen ??= hello.listen;
          this.#routers.onHello(connection, hello);
        },
        onVassal: (connection, hello) => {
          this.#dialledIn.add(hello.pid);
          this.#apps.onHello(connection, hello);
        },
      },
      log,
    );
  }

  #vassalEvents(): VassalEvents {
    const { clock, random, log } = this.#options;
    const report = (vassal: VassalHandle, fall: Fall, what: string): void => {
      log.warn({ app: vassal.name, generation: vassal.generation, kind: fall.kind, why: fall.message }, what);
    };
    return {
      onChange: (vassal) => {
        if (vassal.state === 'ready') this.#apps.get(vassal.name)?.prove(vassal);
        // While orphans dial in nothing is decided: the file that a vassal belongs to was not read yet.
        if (this.#isBooted) this.#reconciler.wake();
      },
      onFailedStart: (vassal, fall) => {
        report(vassal, fall, 'a generation did not become ready');
        const app = this.#apps.get(vassal.name);
        if (app === undefined) return;
        app.recordFailedStart(vassal, fall, { nowMs: clock.nowMs(), jitter: random() });
        this.#deploys.failed(app, vassal, fall, clock.nowMs());
      },
      onDeath: (vassal, fall) => {
        report(vassal, fall, 'a live generation died');
        const app = this.#apps.get(vassal.name);
        const outcome = app?.recordDeath(vassal, fall, { nowMs: clock.nowMs(), jitter: random() });
        if (app !== undefined && outcome?.isRefused === true) this.#deploys.failed(app, vassal, fall, clock.nowMs());
      },
    };
  }

  #notes(): readonly string[] {
    const notes = this.#watchWarning === undefined ? [] : [this.#watchWarning];
    const wanted = this.#settings.config.router.processes;
    if (native.addon === undefined && wanted > 1)
      notes.push(`one router runs instead of ${wanted}: without the addon they cannot share sockets`);
    if (this.#routers.listeners === undefined && this.#routers.routers.length < wanted) {
      notes.push('a router is missing: its addresses are held by routers that a former emperor started');
    }
    return notes;
  }
}

/** Routers get so long at least for what they are doing, also where no app runs. */
const shortestGraceMs = 5000;
const regainEveryMs = 500;

/** What children inherit of our environment: not what was meant for us alone. */
function childEnvironment(logOptions: LogOptions): NodeJS.ProcessEnv {
  const ours = new Set([
    'NOTIFY_SOCKET',
    'WATCHDOG_USEC',
    'WATCHDOG_PID',
    'LISTEN_FDS',
    'LISTEN_PID',
    'LISTEN_FDNAMES',
  ]);
  const rest = Object.entries(process.env).filter(([name]) => !ours.has(name));
  return { ...Object.fromEntries(rest), [logVariable]: formatLogOptions(logOptions) };
}
