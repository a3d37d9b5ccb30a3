// The parts that the emperor is made of, and which of them knows which. Here they are only put together: what happens
// to them, and in which order, is emperor.ts.
import { availableParallelism } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import type { LogOptions, Logger } from '../lib/log.ts';
import { native } from '../native/index.ts';
import { Addresses } from './addresses.ts';
import { Apps } from './apps.ts';
import { childEnvironment } from './child-environment.ts';
import { Commands } from './commands.ts';
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
import type { ClaimedRunDir } from './run-directory.ts';
import { ServiceManager } from './service-manager.ts';
import type { Settings } from './settings.ts';
import { Succession } from './succession.ts';
import { UpstreamCommands } from './upstream-commands.ts';
import { VassalReports } from './vassal-reports.ts';

export interface PartsOptions {
  readonly directory: string;
  readonly runDir: ClaimedRunDir;
  /** What the program left to us that we replace under its pid; undefined at a start. */
  readonly handover: Handover | undefined;
  readonly logOptions: LogOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly life: Life;
}

/** What the parts ask of the emperor when something happens; while they are put together they ask nothing. */
export interface Life {
  /** Those in force now. */
  settings(): Settings;
  /** False while orphans dial in and nothing of the directory was read yet. */
  isBooted(): boolean;
  /** Why the directory is not watched, in words; undefined where it is. */
  watchWarning(): string | undefined;
  /** Begins the end; calling it again does nothing. */
  shutDown(): void;
}

/** What runs, and where it is noted what becomes of it. */
interface Keepers {
  readonly hub: EventHub;
  readonly deploys: Deploys;
  readonly dirs: GenerationDirs;
  readonly routers: RouterSet;
  readonly addresses: Addresses;
  readonly sweep: ProcessSweep;
  readonly registrations: Registrations;
  readonly apps: Apps;
}

/** What decides, and what is asked and told. */
export interface Parts extends Keepers {
  readonly reconciler: Reconciler;
  readonly service: ServiceManager;
  readonly control: ControlServer;
  readonly succession: Succession;
  readonly inspection: Inspection;
}

export function assembleParts(options: PartsOptions): Parts {
  const { clock, log, directory, handover, life } = options;
  const runDir = options.runDir.path;
  const { hadPredecessor } = options.runDir;
  const keepers = assembleKeepers(options, () => {
    // While orphans dial in nothing is decided: the file that a vassal belongs to was not read yet, and a table without
    // the vassals still to come would un-route them.
    if (life.isBooted()) reconciler.wake();
  });
  const { apps, routers, dirs, deploys, addresses, hub } = keepers;
  const reconciler = new Reconciler({
    directory,
    runDir,
    clock,
    log,
    apps,
    routers,
    dirs,
    deploys,
    hub,
    settings: () => life.settings(),
    routerCount: () => (native.addon === undefined ? 1 : life.settings().config.router.processes),
    cores: availableParallelism(),
  });
  const { env, pid } = process;
  const summary = (): string => summaryOf(apps, inspection);
  const service = new ServiceManager({ clock, log, hub, addon: native.addon, env, pid, summary });
  const control = assembleControl(options, keepers, {
    reconciler,
    succession: () => succession,
    inspection: () => inspection,
  });
  const running = { clock, hub, apps, routers, addresses, reconciler };
  const succession = new Succession({ ...running, log, handover, deploys, control, service, hadPredecessor });
  const inspection = new Inspection({
    ...running,
    directory,
    runDir,
    settings: () => life.settings(),
    watchWarning: () => life.watchWarning(),
    origin: () => succession.origin(),
  });
  return { ...keepers, reconciler, service, control, succession, inspection };
}

/** `onChange`: something that the plan depends on changed. */
function assembleKeepers(options: PartsOptions, onChange: () => void): Keepers {
  const { clock, log, random, life } = options;
  const { path: runDir, controlPath } = options.runDir;
  const shared = { clock, log, controlPath, env: childEnvironment(process.env, options.logOptions) };
  const hub = new EventHub();
  const deploys = new Deploys(hub);
  const dirs = new GenerationDirs(runDir);
  const onRouters = (): void => {
    onChange();
    if (life.isBooted()) addresses.onRouters();
  };
  const routers = new RouterSet({ ...shared, random, drainMs: () => apps.longestDrainMs, onChange: onRouters });
  const addresses = new Addresses({ clock, log, runDir, routers, onChange: onRouters });
  const sweep = new ProcessSweep({ clock, log, runDir });
  const registrations = new Registrations({
    clock,
    onChange: (app) => {
      apps.tellRegistrations(app);
    },
  });
  const appOf: Apps['get'] = (name) => apps.get(name);
  const events = new VassalReports({ clock, random, log, appOf, deploys, sweep, onChange });
  const apps = new Apps({ ...shared, runDir, dirs, registrations, events });
  return { hub, deploys, dirs, routers, addresses, sweep, registrations, apps };
}

/** What answers by way of the control socket. The last two know that socket themselves, so they come after it. */
interface Asked {
  readonly reconciler: Reconciler;
  readonly succession: () => Succession;
  readonly inspection: () => Inspection;
}

function assembleControl(options: PartsOptions, keepers: Keepers, asked: Asked): ControlServer {
  const { clock, log, directory, life } = options;
  const { hub, dirs, apps, routers, deploys, registrations } = keepers;
  const { reconciler } = asked;
  const commands = new Commands({ clock, hub, log, directory, apps, routers, deploys, reconciler });
  const onRequest = answerControl({
    clock,
    dirs,
    hub,
    commands,
    upstreams: new UpstreamCommands({ apps, commands, registrations, hub }),
    status: () => asked.inspection().status(),
    upgrade: async () => asked.succession().prepare(),
    shutDown: () => {
      life.shutDown();
    },
  });
  return new ControlServer(
    {
      onRequest,
      onRouter: (connection, hello) => {
        routers.onHello(connection, hello);
      },
      onVassal: (connection, hello) => {
        apps.onHello(connection, hello);
      },
    },
    log,
  );
}

/** For `systemctl status`. */
function summaryOf({ all: { length } }: Apps, inspection: Inspection): string {
  return `${length} ${length === 1 ? 'app' : 'apps'} on ${inspection.listen().join(', ')}`;
}
