// How this emperor came to be, and how it gives its place to the code that is on disk now. That code is tried first;
// only what has proved to start takes over. Routers and vassals notice no more than a connection that ends: the new
// program adopts them as after a crash, then replaces the routers.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { native } from '../native/index.ts';
import type { Addresses } from './addresses.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { ControlServer } from './control-server.ts';
import type { Deploys } from './deploys.ts';
import type { EventHub } from './events.ts';
import { formatHandover, type Handover } from './handover.ts';
import { becomeOwnProgram, tryOwnProgram } from './own-program.ts';
import type { Reconciler } from './reconciler.ts';
import type { RouterSet } from './router-set.ts';
import type { ServiceManager } from './service-manager.ts';
import type { Origin, UpgradeState } from './status.ts';
import { version } from './version.ts';

export interface SuccessionOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly hub: EventHub;
  readonly apps: Apps;
  readonly deploys: Deploys;
  readonly routers: RouterSet;
  readonly addresses: Addresses;
  readonly reconciler: Reconciler;
  readonly control: ControlServer;
  readonly service: ServiceManager;
  /** What the program left to us that we replaced. */
  readonly handover: Handover | undefined;
  /** An emperor before us died. */
  readonly hadPredecessor: boolean;
}

/** An upgrade that may begin: `execute` replaces this program, or `origin` tells why not. It never rejects. */
export interface AcceptedUpgrade {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  execute(): Promise<void>;
}

/** Why there will be no upgrade: nothing has happened. */
export interface RefusedUpgrade {
  readonly refused: string;
  readonly hint: string;
}

/** What is half begun gets so long: a primary dials in within a second. */
const ripeMs = 5000;

export class Succession {
  readonly #options: SuccessionOptions;
  #isUnderWay = false;
  #failed: UpgradeState | undefined;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** For status. */
  origin(): Origin {
    const { handover, hadPredecessor } = this.#options;
    if (handover === undefined) {
      return { startedBy: hadPredecessor ? 'adoption' : 'start', upgrade: this.#failed ?? null };
    }
    return { startedBy: 'upgrade', upgrade: this.#failed ?? this.#progress(handover) };
  }

  /** Tries the code on disk. Never rejects. */
  async prepare(): Promise<AcceptedUpgrade | RefusedUpgrade> {
    if (native.addon === undefined) {
      return {
        refused: `the native addon is missing (${native.missing}), so a program cannot be replaced under its pid`,
        hint: 'end the emperor and start it again',
      };
    }
    if (this.#isUnderWay) return { refused: 'an upgrade is under way', hint: '`emperor status` shows how it goes' };
    this.#isUnderWay = true;
    const trial = await tryOwnProgram();
    if ('problem' in trial) {
      this.#isUnderWay = false;
      this.#options.log.warn({ why: trial.problem }, 'no upgrade: the code on disk does not start');
      return {
        refused: `the code on disk does not start: ${trial.problem}`,
        hint: 'nothing was changed; the running version goes on',
      };
    }
    const id = randomUUID();
    return { id, from: version, to: trial.version, execute: async () => this.#execute(id) };
  }

  #progress({ id, from }: Handover): UpgradeState {
    const { hub, routers, addresses } = this.#options;
    const isServing = hub.phase === 'serving';
    const isDone = isServing && !routers.isRenewing;
    // Without the sockets there will be no new routers. While we start nobody was asked for them yet.
    const obstacle = isServing && addresses.held === undefined ? addresses.problem : undefined;
    const reason = routers.trouble ?? obstacle ?? null;
    if (isDone) return { id, from, result: 'done', reason: null };
    return { id, from, result: reason === null ? 'running' : 'failed', reason };
  }

  async #execute(id: string): Promise<void> {
    const { log, service } = this.#options;
    try {
      await this.#ripen();
      log.info({ upgrade: id }, 'the code on disk takes over');
      service.reloading();
      this.#giveUp(id);
    } catch (error) {
      this.#isUnderWay = false;
      log.error({ why: messageOf(error) }, 'the upgrade failed; the running version goes on');
      this.#failed = { id, from: version, result: 'failed', reason: messageOf(error) };
      service.follow();
    }
  }

  /** Resolves when nothing is half done that could not be taken over, and whoever waits for an answer has one. */
  async #ripen(): Promise<void> {
    const { clock, hub, apps, deploys, reconciler, control } = this.#options;
    const untilMs = clock.nowMs() + ripeMs;
    const isRipe = (): boolean => clock.nowMs() > untilMs || hub.phase === 'stopping' || !apps.all.some(hasUntold);
    const timer = clock.after(ripeMs + 1, () => {
      reconciler.wake();
    });
    do {
      await reconciler.until(isRipe);
      deploys.cancelAll('the emperor is being upgraded; the deploy itself goes on');
      await control.answered();
    } while (!isRipe());
    timer.cancel();
    if (hub.phase === 'stopping') throw new Error('the emperor ends');
  }

  #giveUp(id: string): void {
    const { addresses, control } = this.#options;
    const listeners = addresses.held ?? [];
    const { descriptor } = control;
    const passed = [...listeners.map(({ fd }) => fd), descriptor].filter((fd) => fd !== undefined);
    if (native.addon === undefined) throw new Error('the native addon is missing');
    becomeOwnProgram(native.addon, formatHandover({ id, from: version, listeners, control: descriptor }), passed);
  }
}

/** Spawned, and not told yet what to run: the next emperor would take it for a stray. */
function hasUntold({ instances }: App): boolean {
  return [...instances.values()].some(({ state, report }) => state === 'starting' && report === undefined);
}
