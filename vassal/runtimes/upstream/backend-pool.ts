// The backends of an instance whose processes somebody else runs: those of the file, and those that register while it
// lives. It starts nothing and stops nothing; it knows who takes requests, and tells.
import type { Registration, ReadyBy, WorkerState } from '../../../lib/vassal-messages.ts';
import type { Missing, Pool, PoolOptions } from '../../pool.ts';
import { probeConnect, probeHealth, probeHost, type ProbeResult } from '../../probes.ts';
import { BackendIds, wantedBackends, type Wanted } from './backend-list.ts';
import { Backend } from './backend.ts';

/** How often a backend without a health-check is connected to. */
const connectIntervalMs = 10_000;

export class BackendPool implements Pool {
  readonly #options: PoolOptions;
  readonly #configured: readonly Wanted[];
  readonly #ids = new BackendIds();
  readonly #backends = new Map<string, Backend>();
  readonly #readyBy: ReadyBy;
  #registrations: readonly Registration[];
  #isReady = false;

  constructor(options: PoolOptions) {
    const { spec, registrations } = options.start;
    this.#options = options;
    this.#configured = spec.upstream ?? [];
    this.#registrations = registrations;
    this.#readyBy = spec['health-check'] === undefined ? 'connect' : 'health-check';
  }

  get members(): readonly WorkerState[] {
    return [...this.#backends.values()].map(({ state }) => state).sort((one, other) => one.id - other.id);
  }

  open(): undefined {
    this.#follow();
    return undefined;
  }

  scale(): void {
    this.#options.logger.warn('told to scale an app whose processes are not ours; ignored');
  }

  register(registrations: readonly Registration[]): void {
    this.#registrations = registrations;
    this.#follow();
  }

  missing(): readonly Missing[] {
    return this.members
      .filter(({ state }) => state !== 'ready')
      .map(({ id, address, lastExit }) => ({
        member: id,
        text: `${address}: ${lastExit ?? 'no check has ended yet'}`,
      }));
  }

  onOverdue(): string | undefined {
    // One that takes its time to be checked does not outweigh one that is good.
    if (this.#hasGoodOne()) {
      this.#beReady();
      return undefined;
    }
    const whys = this.missing().map(({ text }) => text);
    return `no backend took requests (${whys.join('; ')})`;
  }

  stop(): void {
    this.#closeAll();
    this.#options.events.onEmpty();
  }

  close(): void {
    this.#closeAll();
  }

  /** Brings the set of backends to what is wanted. */
  #follow(): void {
    const wanted = wantedBackends(this.#configured, this.#registrations);
    const addresses = new Set(wanted.map(({ address }) => address));
    for (const [address, backend] of this.#backends) {
      if (addresses.has(address)) continue;
      backend.close();
      this.#backends.delete(address);
    }
    for (const one of wanted) {
      const known = this.#backends.get(one.address);
      if (known === undefined) this.#backends.set(one.address, this.#add(one));
      else known.weight = one.weight;
    }
    this.#onChecked();
  }

  #add({ address, weight }: Wanted): Backend {
    const { logger, clock, random, start } = this.#options;
    return new Backend({
      id: this.#ids.of(address),
      address,
      weight,
      intervalMs: start.spec['health-check']?.interval ?? connectIntervalMs,
      logger,
      clock,
      random,
      probe: (signal) => this.#probe(address, signal),
      onChecked: () => {
        this.#onChecked();
      },
    });
  }

  async #probe(address: string, signal: AbortSignal): Promise<ProbeResult> {
    const { spec } = this.#options.start;
    const check = spec['health-check'];
    if (check === undefined) return probeConnect(address, signal);
    return probeHealth(address, { path: check.path, timeoutMs: check.timeout, host: probeHost(spec.domains) }, signal);
  }

  #onChecked(): void {
    const areChecked = this.#configured.every(({ address }) => (this.#backends.get(address)?.health.checks ?? 0) > 0);
    if (areChecked && (this.#configured.length === 0 || this.#hasGoodOne())) this.#beReady();
    this.#options.events.onChange();
  }

  #hasGoodOne(): boolean {
    return [...this.#backends.values()].some(({ health }) => health.phase === 'ready');
  }

  #beReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#options.events.onReady(this.#readyBy);
  }

  #closeAll(): void {
    for (const backend of this.#backends.values()) backend.close();
    this.#backends.clear();
  }
}
