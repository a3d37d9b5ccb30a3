// The emperor put together: it claims the run directory, lets orphans dial in, binds the addresses, starts routers
// and the loop, and takes all of it down again in the order that loses no request. It never touches a request.
import { availableParallelism } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import type { LogOptions, Logger } from '../lib/log.ts';
import { native } from '../native/index.ts';
import { Addresses } from './addresses.ts';
import { startAdminServer, type AdminServer } from './admin-server.ts';
import { awaitOrphans, reapInherited, removeStale } from './adoption.ts';
import { Apps } from './apps.ts';
import { Commands } from './commands.ts';
import { childEnvironment } from './child-environment.ts';
import { watchDirectory, type DirectoryWatch } from './config/watch.ts';
import { answerControl } from './control-api.ts';
import { ControlServer } from './control-server.ts';
import { Deploys } from './deploys.ts';
import { EventHub } from './events.ts';
import { GenerationDirs } from './generation-dirs.ts';
import type { Handover } from './handover.ts';
import { Inspection } from './inspection.ts';
import { ProcessSweep } from './process-sweep.ts';
import { Reconciler } from './reconciler.ts';
import { Registrations } from './registrations.ts';
import { RouterSet } from './router-set.ts';
import { claimRunDir, type ClaimedRunDir } from './run-directory.ts';
import { ServiceManager } from './service-manager.ts';
import { keysThatNeedRestart, routerSettings, type Settings } from './settings.ts';
import type { Status } from './status.ts';
import { Succession } from './succession.ts';
import { UpstreamCommands } from './upstream-commands.ts';
import { VassalReports } from './vassal-reports.ts';

export interface EmperorOptions {
  readonly directory: string;
  readonly runDir: string;
  readonly settings: Settings;
  /** What the program left to us that we replace under its pid; undefined at a start. */
  readonly handover: Handover | undefined;
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
  readonly #addresses: Addresses;
  readonly #sweep: ProcessSweep;
  readonly #service: ServiceManager;
  readonly #succession: Succession;
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
  #isBooted = false;
  readonly #onEnded: () => void;
  /** Resolves when everything has ended. */
  readonly ended: Promise<void>;

  /** Claims the run directory and starts; throws an EmperorError where the environment does not allow it. */
  static async start(options: EmperorOptions): Promise<Emperor> {
    const runDir = await claimRunDir(options.runDir, options.handover !== undefined);
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
    const { controlPath } = runDir;
    const shared = { clock, log, controlPath, env: childEnvironment(process.env, options.logOptions) };
    const inRunDir = { clock, log, runDir: runDir.path };
    const onChange = (): void => {
      this.#onRouters();
    };
    this.#routers = new RouterSet({ ...shared, random, drainMs: () => this.#drainMs(), onChange });
    this.#routers.configure(routerSettings(settings), settings.transport);
    this.#addresses = new Addresses({ ...inRunDir, routers: this.#routers, onChange });
    this.#sweep = new ProcessSweep(inRunDir);
    this.#service = this.#serviceManager();
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
      events: this.#vassalReports(),
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
    this.#control = this.#controlServer();
    this.#succession = this.#successionOf();
    this.#inspection = this.#inspectionOf();
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
    const canMove = native.addon !== undefined;
    const ignored = keysThatNeedRestart(this.#settings, settings, canMove);
    const { listen, admin } = this.#settings;
    this.#settings = { ...settings, listen: canMove ? settings.listen : listen, admin };
    this.#addresses.want(this.#settings.listen);
    this.#options.log.level = settings.config.log.level;
    this.#routers.configure(routerSettings(this.#settings), settings.transport);
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
    const { settings, clock, log, directory, handover } = this.#options;
    const { controlPath } = this.#runDir;
    await this.#control.listen(controlPath, handover?.control);
    if (this.#runDir.hadPredecessor) await awaitOrphans(controlPath, this.#dialledIn, { clock, log });
    if (handover !== undefined) {
      reapInherited();
      this.#routers.renew();
    }
    await this.#addresses.open(settings.listen, handover?.listeners);
    if (settings.admin !== undefined) {
      this.#admin = await startAdminServer(settings.admin, () => this.status());
      log.info({ address: this.#admin.address }, 'admin address');
    }
    await removeStale(controlPath, { apps: this.#apps, dirs: this.#dirs, sweep: this.#sweep, log });
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
    this.#addresses.abandon();
    this.#service.close();
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
    this.#registrations.stop();
    this.#reconciler.freeze();
    this.#deploys.cancelAll('the emperor ends');
    await this.#watch?.close();
    // Ours first: a client that comes now is refused by the kernel instead of waiting for an accept that never comes.
    this.#addresses.close();
    await this.#routers.end(Math.max(shortestGraceMs, this.#drainMs()));
    this.#apps.end();
    this.#reconciler.wake();
    await this.#reconciler.until(() => this.#apps.all.length === 0);
    await this.#sweep.done();
    this.#reconciler.stop();
    const problem = this.#dirs.removeAll();
    if (problem !== undefined) log.error({ why: problem }, 'the run directory was not cleaned');
    this.#admin?.close();
    this.#control.close();
    this.#service.close();
    this.#runDir.release();
    log.info('ended');
    this.#onEnded();
  }

  #onRouters(): void {
    // While orphans dial in nothing is published: a table without the vassals still to come would un-route them.
    if (!this.#isBooted) return;
    this.#reconciler.wake();
    this.#addresses.onRouters();
  }

  /** The longest that an app wants its requests to be waited for. */
  #drainMs(): number {
    return Math.max(0, ...this.#apps.all.map(({ live }) => live?.deployable.spec['drain-timeout'] ?? 0));
  }

  /** For `systemctl status`. */
  #summary(): string {
    const { length } = this.#apps.all;
    return `${length} ${length === 1 ? 'app' : 'apps'} on ${this.listen().join(', ')}`;
  }

  #serviceManager(): ServiceManager {
    const { clock, log } = this.#options;
    const { env, pid } = process;
    return new ServiceManager({
      clock,
      log,
      hub: this.hub,
      addon: native.addon,
      env,
      pid,
      summary: () => this.#summary(),
    });
  }

  #successionOf(): Succession {
    const { clock, log, handover } = this.#options;
    return new Succession({
      clock,
      log,
      handover,
      hub: this.hub,
      apps: this.#apps,
      deploys: this.#deploys,
      routers: this.#routers,
      addresses: this.#addresses,
      reconciler: this.#reconciler,
      control: this.#control,
      service: this.#service,
      hadPredecessor: this.#runDir.hadPredecessor,
    });
  }

  #inspectionOf(): Inspection {
    const { clock, directory } = this.#options;
    return new Inspection({
      clock,
      directory,
      runDir: this.#runDir.path,
      apps: this.#apps,
      routers: this.#routers,
      hub: this.hub,
      reconciler: this.#reconciler,
      notes: () => this.#notes(),
      origin: () => this.#succession.origin(),
    });
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
      upgrade: async () => this.#succession.prepare(),
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

  #vassalReports(): VassalReports {
    const { clock, random, log } = this.#options;
    return new VassalReports({
      clock,
      random,
      log,
      appOf: (name) => this.#apps.get(name),
      deploys: this.#deploys,
      sweep: this.#sweep,
      onChange: () => {
        // While orphans dial in nothing is decided: the file that a vassal belongs to was not read yet.
        if (this.#isBooted) this.#reconciler.wake();
      },
    });
  }

  #notes(): readonly string[] {
    const notes = this.#watchWarning === undefined ? [] : [this.#watchWarning];
    const wanted = this.#settings.config.router.processes;
    if (native.addon === undefined && wanted > 1)
      notes.push(`one router runs instead of ${wanted}: without the addon they cannot share sockets`);
    const problem = this.#addresses.problem;
    return problem === undefined ? notes : [...notes, problem];
  }
}

/** Routers get so long at least for what they are doing, also where no app runs. */
const shortestGraceMs = 5000;
