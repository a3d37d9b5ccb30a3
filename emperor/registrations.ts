// Backends that registered themselves at run time, with an app whose file has `upstream`. Each is to be renewed within
// its time to live, else it is withdrawn, as uWSGI's subscription server does. Deadlines are on the monotonic clock, so
// a clock that jumps withdraws nobody. It is kept nowhere else but in the vassals, which tell it in their hello.
import type { Clock, Timer } from '../lib/clock.ts';
import type { Registration } from '../lib/vassal-messages.ts';

export interface RegistrationsOptions {
  readonly clock: Clock;
  /** What `all` returns for the app is different now. */
  readonly onChange: (app: string) => void;
}

/** A registration as status shows it. */
export interface TimedRegistration extends Registration {
  /** Until it is withdrawn, if nobody renews it. */
  readonly leftMs: number;
}

/** Backends that one app may have registered: every one is connected to and checked again and again. */
export const mostRegistrations = 512;

interface Entry extends Registration {
  readonly deadlineMs: number;
}

export class Registrations {
  readonly #options: RegistrationsOptions;
  /** By app, then by address. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** What the app's vassals are to know; in the order of the addresses, so that equal sets are equal lists. */
  all(app: string): readonly Registration[] {
    return this.#sorted(app).map(({ address, weight, ttlMs }) => ({ address, weight, ttlMs }));
  }

  timed(app: string): readonly TimedRegistration[] {
    const nowMs = this.#options.clock.nowMs();
    return this.#sorted(app).map(({ deadlineMs, ...rest }) => ({ ...rest, leftMs: Math.max(0, deadlineMs - nowMs) }));
  }

  /** When the next one is withdrawn, on the monotonic clock; undefined where there is none. */
  get nextDeadlineMs(): number | undefined {
    const deadlines = [...this.#entries.values()].flatMap((own) => [...own.values()].map((one) => one.deadlineMs));
    return deadlines.length === 0 ? undefined : deadlines.reduce((least, one) => Math.min(least, one));
  }

  /** Registers or renews; `full` where the app has no room for another one. */
  put(app: string, registration: Registration): 'registered' | 'renewed' | 'full' {
    const own = this.#entries.get(app) ?? new Map<string, Entry>();
    const before = own.get(registration.address);
    if (before === undefined && own.size >= mostRegistrations) return 'full';
    this.#entries.set(app, own);
    own.set(registration.address, this.#timed(registration));
    this.#arm();
    // A renewal alone tells the vassals nothing new.
    const isSame = before?.weight === registration.weight && before.ttlMs === registration.ttlMs;
    if (!isSame) this.#options.onChange(app);
    return before === undefined ? 'registered' : 'renewed';
  }

  /** Returns whether it was registered. */
  remove(app: string, address: string): boolean {
    const own = this.#entries.get(app);
    if (own?.delete(address) !== true) return false;
    if (own.size === 0) this.#entries.delete(app);
    this.#arm();
    this.#options.onChange(app);
    return true;
  }

  /**
   * What an adopted vassal knows. Nobody knows how old it is, so each gets its whole time again; what we know better
   * stays. Nothing is told: the vassal knows it already, and others are told when they start.
   */
  restore(app: string, registrations: readonly Registration[]): void {
    for (const registration of registrations) {
      const own = this.#entries.get(app) ?? new Map<string, Entry>();
      if (own.has(registration.address) || own.size >= mostRegistrations) continue;
      own.set(registration.address, this.#timed(registration));
      this.#entries.set(app, own);
    }
    this.#arm();
  }

  /** The app is gone, or has no `upstream` any more. */
  forget(app: string): void {
    if (!this.#entries.delete(app)) return;
    this.#arm();
    this.#options.onChange(app);
  }

  /** Withdraws nobody any more; what is registered stays known to the vassals. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #timed(registration: Registration): Entry {
    const { address, weight, ttlMs } = registration;
    return { address, weight, ttlMs, deadlineMs: this.#options.clock.nowMs() + ttlMs };
  }

  #sorted(app: string): readonly Entry[] {
    const own = [...(this.#entries.get(app)?.values() ?? [])];
    return own.sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const deadlineMs = this.nextDeadlineMs;
    if (deadlineMs === undefined || this.#isStopped) return;
    const leftMs = Math.max(1, Math.ceil(deadlineMs - this.#options.clock.nowMs()));
    this.#timer = this.#options.clock.after(leftMs, () => {
      this.#withdrawExpired();
    });
  }

  #withdrawExpired(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [app, own] of [...this.#entries]) {
      const expired = [...own.values()].filter(({ deadlineMs }) => deadlineMs <= nowMs);
      if (expired.length === 0) continue;
      for (const { address } of expired) own.delete(address);
      if (own.size === 0) this.#entries.delete(app);
      this.#options.onChange(app);
    }
    this.#arm();
  }
}
