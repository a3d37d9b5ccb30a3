// The emperor's life: it claims the run directory, lets orphans dial in, binds the addresses, starts routers and the
// loop, and takes all of it down again in the order that loses no request. It never touches a request; what its parts
// are, and which knows which, is parts.ts.
import { native } from '../native/index.ts';
import { startAdminServer, type AdminServer } from './admin-server.ts';
import { awaitOrphans, reapInherited, removeStale } from './adoption.ts';
import { watchDirectory, type DirectoryWatch } from './config/watch.ts';
import type { EventHub } from './events.ts';
import { assembleParts, type Parts, type PartsOptions } from './parts.ts';
import { claimRunDir, type ClaimedRunDir } from './run-directory.ts';
import { keysThatNeedRestart, routerSettings, type Settings } from './settings.ts';
import type { Status } from './status.ts';

export interface EmperorOptions extends Omit<PartsOptions, 'runDir' | 'life'> {
  readonly runDir: string;
  readonly settings: Settings;
}

export class Emperor {
  readonly #options: EmperorOptions;
  readonly #runDir: ClaimedRunDir;
  readonly #parts: Parts;
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
    this.#options = options;
    this.#runDir = runDir;
    this.#settings = options.settings;
    let onEnded = (): void => undefined;
    this.ended = new Promise((resolve) => {
      onEnded = resolve;
    });
    this.#onEnded = onEnded;
    const life = {
      settings: () => this.#settings,
      isBooted: () => this.#isBooted,
      watchWarning: () => this.#watchWarning,
      shutDown: () => {
        // It cannot reject, and who waits for the end awaits `ended`.
        void this.end();
      },
    };
    this.#parts = assembleParts({ ...options, runDir, life });
    this.#configureRouters();
  }

  get hub(): EventHub {
    return this.#parts.hub;
  }

  status(): Status {
    return this.#parts.inspection.status();
  }

  /** The addresses that clients connect to, with their real ports. */
  listen(): readonly string[] {
    return this.#parts.inspection.listen();
  }

  /** Reads the directory now. */
  rescan(): void {
    this.#parts.reconciler.rescan();
  }

  /** Takes new settings over as far as they can change while running; returns the keys that need a restart. */
  adjust(settings: Settings): readonly string[] {
    const canMove = native.addon !== undefined;
    const ignored = keysThatNeedRestart(this.#settings, settings, canMove);
    const { listen, admin } = this.#settings;
    this.#settings = { ...settings, listen: canMove ? settings.listen : listen, admin };
    this.#parts.addresses.want(this.#settings.listen);
    this.#options.log.level = settings.config.log.level;
    this.#configureRouters();
    this.#parts.reconciler.rescan();
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
    this.#parts.routers.hurry();
    this.#parts.apps.hurry();
  }

  #configureRouters(): void {
    this.#parts.routers.configure(routerSettings(this.#settings), this.#settings.transport);
  }

  async #boot(): Promise<void> {
    const { control, routers, addresses, apps, dirs, sweep, reconciler } = this.#parts;
    const { settings, clock, log, directory, handover } = this.#options;
    const { controlPath } = this.#runDir;
    await control.listen(controlPath, handover?.control);
    if (this.#runDir.hadPredecessor) await awaitOrphans(controlPath, control.dialledIn, { clock, log });
    if (handover !== undefined) {
      reapInherited();
      routers.renew();
    }
    await addresses.open(settings.listen, handover?.listeners);
    if (settings.admin !== undefined) {
      this.#admin = await startAdminServer(settings.admin, () => this.status());
      log.info({ address: this.#admin.address }, 'admin address');
    }
    await removeStale(controlPath, { apps, dirs, sweep, log });
    if (native.missing !== undefined) log.warn({ why: native.missing }, 'the native addon is missing');
    this.#watch = watchDirectory({
      directory,
      onAlarm: (file) => {
        reconciler.alarm(file);
      },
      onWarning: (message) => {
        this.#watchWarning = `${directory} is not watched (${message}): changes are noticed by reading it from time to time`;
        log.warn(this.#watchWarning);
      },
    });
    this.#isBooted = true;
    await reconciler.settle();
    void this.#enterServing();
  }

  /** The start failed. What was adopted goes on and waits for an emperor that can start. */
  #abandon(): void {
    const { registrations, apps, routers, addresses, service, control } = this.#parts;
    registrations.stop();
    apps.release();
    routers.release();
    addresses.abandon();
    service.close();
    this.#admin?.close();
    control.close();
    this.#runDir.release();
  }

  /** Never rejects; it waits as long as no router serves, which status tells. */
  async #enterServing(): Promise<void> {
    const { reconciler, hub } = this.#parts;
    await reconciler.until(() => this.#isServing() || hub.phase === 'stopping');
    if (hub.phase === 'starting') hub.enter('serving');
  }

  #isServing(): boolean {
    const { routers } = this.#parts;
    const { version } = routers.routes;
    return version > 0 && routers.hasApplied(version);
  }

  async #end(): Promise<void> {
    const { hub, registrations, reconciler, deploys, addresses, routers, apps, sweep, dirs, control, service } =
      this.#parts;
    const { log } = this.#options;
    hub.enter('stopping');
    registrations.stop();
    reconciler.freeze();
    deploys.cancelAll('the emperor ends');
    await this.#watch?.close();
    // Ours first: a client that comes now is refused by the kernel instead of waiting for an accept that never comes.
    addresses.close();
    await routers.end(Math.max(shortestGraceMs, apps.longestDrainMs));
    apps.end();
    reconciler.wake();
    await reconciler.until(() => apps.all.length === 0);
    await sweep.done();
    reconciler.stop();
    const problem = dirs.removeAll();
    if (problem !== undefined) log.error({ why: problem }, 'the run directory was not cleaned');
    this.#admin?.close();
    control.close();
    service.close();
    this.#runDir.release();
    log.info('ended');
    this.#onEnded();
  }
}

/** Routers get so long at least for what they are doing, also where no app runs. */
const shortestGraceMs = 5000;
