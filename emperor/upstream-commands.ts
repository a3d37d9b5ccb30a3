// Backends that come and go by themselves: they register with an app that has `upstream`, renew in time, and withdraw.
// It checks that the app can have them and answers; registrations.ts keeps them.
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { Registration } from '../lib/vassal-messages.ts';
import type { App } from './app.ts';
import type { Apps } from './apps.ts';
import type { Commands, Refusal } from './commands.ts';
import type { EventHub } from './events.ts';
import { mostRegistrations, type Registrations } from './registrations.ts';

export interface UpstreamCommandsOptions {
  readonly apps: Apps;
  readonly commands: Commands;
  readonly registrations: Registrations;
  readonly hub: EventHub;
}

export interface Registered extends Registration {
  readonly result: 'registered' | 'renewed';
}

/** One backend of an app, wherever it is known from. */
export interface Backend {
  readonly address: string;
  readonly weight: number;
  /** `file`: it stands there, which counts, with or without being registered as well. */
  readonly source: 'file' | 'registered';
  /** As its instance sees it; null where no instance does. */
  readonly state: string | null;
  /** Why it is not ready, in words; null where nothing is known. */
  readonly lastExit: string | null;
  /** Of a registered one: how long it lives after each renewal, and still. */
  readonly ttlMs: number | null;
  readonly leftMs: number | null;
}

export class UpstreamCommands {
  readonly #options: UpstreamCommandsOptions;

  constructor(options: UpstreamCommandsOptions) {
    this.#options = options;
    options.hub.subscribe((event) => {
      // Another app of the same name is another app.
      if (event.type === 'app' && event.state === 'gone') options.registrations.forget(event.name);
    });
  }

  async register(name: string, registration: Registration): Promise<Registered | Refusal> {
    const found = await this.#find(name);
    if (!('app' in found)) return found;
    const result = this.#options.registrations.put(name, registration);
    if (result !== 'full') return { result, ...registration };
    const message = `${name} has ${mostRegistrations} registered backends, and no room for another one`;
    const hint = `\`emperor upstream list ${name}\` shows them, \`emperor upstream remove\` withdraws one`;
    return { status: 409, error: { code: 'EMP_TOO_MANY', message, hint } };
  }

  async withdraw(
    name: string,
    address: string,
  ): Promise<{ readonly result: 'withdrawn'; readonly address: string } | Refusal> {
    const found = await this.#find(name);
    if (!('app' in found)) return found;
    if (this.#options.registrations.remove(name, address)) return { result: 'withdrawn', address };
    const isInFile = addressesInFile(found.app).some((one) => one.address === address);
    const message = isInFile
      ? `${address} stands in the file of ${name} and is not registered`
      : `${address} is not registered with ${name}`;
    const hint = isInFile ? 'remove it from the file' : `\`emperor upstream list ${name}\` shows what is`;
    return { status: 404, error: { code: 'EMP_NOT_REGISTERED', message, hint } };
  }

  async list(name: string): Promise<{ readonly backends: readonly Backend[] } | Refusal> {
    const found = await this.#find(name);
    if (!('app' in found)) return found;
    const { app } = found;
    const timed = this.#options.registrations.timed(name);
    const workers = app.live?.report?.workers ?? [];
    const inFile = addressesInFile(app);
    const all = [
      ...inFile.map((one) => ({ ...one, source: 'file' as const })),
      ...timed
        .filter(({ address }) => !inFile.some((one) => one.address === address))
        .map(({ address, weight }) => ({ address, weight, source: 'registered' as const })),
    ];
    const backends = all.map(({ address, weight, source }) => {
      const worker = workers.find((one) => one.address === address);
      const registered = timed.find((one) => one.address === address);
      return {
        address,
        weight: worker?.weight ?? weight,
        source,
        state: worker?.state ?? null,
        lastExit: worker?.lastExit ?? null,
        ttlMs: registered?.ttlMs ?? null,
        leftMs: registered === undefined ? null : Math.round(registered.leftMs),
      };
    });
    return { backends };
  }

  /** Renewals are many: the directory is not read for an app that is known to have `upstream`. */
  async #find(name: string): Promise<{ readonly app: App } | Refusal> {
    const known = this.#options.apps.get(name);
    if (known?.file !== undefined && specOf(known)?.upstream !== undefined) return { app: known };
    const found = await this.#options.commands.find(name);
    if (!('app' in found) || specOf(found.app)?.upstream !== undefined) return found;
    const message = `${name} has no upstream: the emperor runs its workers itself`;
    const hint = 'a file with `upstream: []` takes backends that register themselves';
    return { status: 409, error: { code: 'EMP_NOT_APPLICABLE', message, hint } };
  }
}

function specOf(app: App): VassalSpec | undefined {
  return app.desired()?.target?.spec;
}

function addressesInFile(app: App): readonly { readonly address: string; readonly weight: number }[] {
  return specOf(app)?.upstream ?? [];
}
