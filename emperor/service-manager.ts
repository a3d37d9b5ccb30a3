// What systemd (or whoever set NOTIFY_SOCKET) hears of us: serving, being replaced by newer code, ending, and that the
// loop still turns. Without a service manager, or without the addon, it says nothing. A notification that cannot be
// sent is lost: it is never a reason to fail.
import type { Clock, Timer } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { NativeAddon } from '../native/index.ts';
import type { EventHub } from './events.ts';

export interface ServiceManagerOptions {
  readonly hub: EventHub;
  /** What is served, in a few words. */
  readonly summary: () => string;
  readonly addon: NativeAddon | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #socket: string | undefined;
  #watchdog: Timer | undefined;
  #lastStatus: string | undefined;
  #isReady = false;
  #isStopping = false;
  #hasFailed = false;

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
    this.#socket = options.env['NOTIFY_SOCKET'];
    this.#ping(watchdogMs(options));
    if (this.#socket === undefined) return;
    options.hub.subscribe(() => {
      this.follow();
    });
  }

  /** Tells the present phase: ready, the first time that it serves, and one line for `systemctl status`. */
  follow(): void {
    const { hub, summary } = this.#options;
    if (hub.phase === 'stopping') this.#stopping(`draining ${summary()}`);
    else if (hub.phase === 'serving') this.#serving(`serving ${summary()}`);
  }

  /** Newer code is about to take over under the same pid; it will be ready then, or we are again if that failed. */
  reloading(): void {
    this.#isReady = false;
    this.#lastStatus = undefined;
    // The clock that systemd compares with, CLOCK_MONOTONIC, in microseconds.
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=being upgraded');
  }

  /** Pings no more. */
  close(): void {
    this.#watchdog?.cancel();
  }

  #serving(status: string): void {
    if (status === this.#lastStatus) return;
    this.#lastStatus = status;
    this.#send(...(this.#isReady ? [] : ['READY=1']), `STATUS=${status}`);
    this.#isReady = true;
  }

  #stopping(status: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#send('STOPPING=1', `STATUS=${status}`);
  }

  #ping(everyMs: number | undefined): void {
    if (everyMs === undefined) return;
    this.#send('WATCHDOG=1');
    this.#watchdog = this.#options.clock.after(everyMs, () => {
      this.#ping(everyMs);
    });
  }

  #send(...lines: readonly string[]): void {
    const { addon, log } = this.#options;
    if (this.#socket === undefined || this.#socket === '' || addon === undefined) return;
    try {
      addon.sendNotification(this.#socket, lines.join('\n'));
    } catch (error) {
      if (!this.#hasFailed) log.warn({ why: messageOf(error) }, 'the service manager cannot be notified');
      this.#hasFailed = true;
    }
  }
}

/** Half of the time after which the service manager would kill us; undefined where it does not watch. */
function watchdogMs({ env, pid }: ServiceManagerOptions): number | undefined {
  const micros = Number(env['WATCHDOG_USEC']);
  const isForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === pid;
  return isForUs && Number.isFinite(micros) && micros > 0 ? Math.max(1, micros / 2000) : undefined;
}
