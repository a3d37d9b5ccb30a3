// Waits until one worker process has proved ready, by whatever comes first: its word over IPC, sd_notify, a socket
// that answers; or, where a health-check is configured, by that alone. It tells once, and never gives up by itself.
import type { Clock } from '../lib/clock.ts';
import { formatAddress } from '../lib/address.ts';
import type { ReadyBy } from '../lib/vassal-messages.ts';
import type { WorkerProtocol } from '../lib/routes.ts';
import { probeConnect, probeHealth, probeOptions, type HealthCheck, type ProbeResult } from './probes.ts';

export interface Proof {
  readonly by: ReadyBy;
  /** Where it takes requests. */
  readonly address: string;
}

export interface ReadinessOptions {
  /** `unix:/path` of the worker's own socket. */
  readonly address: string;
  readonly port: number | undefined;
  /** What it is spoken to in, there and at its port. */
  readonly protocol: WorkerProtocol;
  /** The worker says by IPC when it listens, so its socket is not probed. */
  readonly tellsListening: boolean;
  readonly healthCheck: HealthCheck | undefined;
  /** The Host of probes. */
  readonly host: string;
  readonly clock: Clock;
  onProof(proof: Proof): void;
}

const healthPauseMs = 100;
const firstPauseMs = 20;
const longestPauseMs = 100;

export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #ended = new AbortController();
  #lastHealth: string | undefined;
  #loaded: { readonly serves: boolean } | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** The worker said that its module has run, or that it listens. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Begins to probe what has to be probed. */
  start(): void {
    const { address, port, healthCheck, tellsListening, host } = this.#options;
    const signal = this.#ended.signal;
    if (healthCheck !== undefined) {
      const pauses = { first: healthPauseMs, longest: healthPauseMs };
      for (const target of port === undefined ? [address] : [address, portAddress(port)]) {
        this.#repeat({ by: 'health-check', address: target }, pauses, async () => {
          const result = await this.#probeHealth(target, healthCheck);
          if (!result.isUp) this.#lastHealth = result.why;
          return result;
        });
      }
      return;
    }
    if (tellsListening) return;
    const pauses = { first: firstPauseMs, longest: longestPauseMs };
    this.#repeat({ by: 'listen', address }, pauses, () => this.#probeAnswer(host));
    if (port === undefined) return;
    this.#repeat({ by: 'listen', address: portAddress(port) }, pauses, () => probeConnect(portAddress(port), signal));
  }

  /** The worker's module has run. */
  loaded(serves: boolean): void {
    this.#loaded = { serves };
  }

  /** The worker listens on its own socket. */
  listening(): void {
    this.#loaded = { serves: true };
    if (this.#options.healthCheck === undefined) this.#prove({ by: 'listen', address: this.#options.address });
  }

  /** The app sent `ready`. */
  said(): void {
    if (this.#options.healthCheck === undefined) this.#prove({ by: 'message', address: this.#options.address });
  }

  /** READY=1 came. It does not say where: the port if that accepts, else the socket that was passed. */
  notified(): void {
    const { healthCheck, port, address } = this.#options;
    if (healthCheck !== undefined) return;
    if (port === undefined) {
      this.#prove({ by: 'notify', address });
      return;
    }
    // Nothing to await: the outcome is reported by onProof.
    void probeConnect(portAddress(port), this.#ended.signal).then(({ isUp }) => {
      this.#prove({ by: 'notify', address: isUp ? portAddress(port) : address });
    });
  }

  cancel(): void {
    this.#ended.abort();
  }

  /** What has not happened yet, for the log: a sentence about the worker. */
  missing(): string {
    const { healthCheck, port, tellsListening } = this.#options;
    if (healthCheck !== undefined) {
      const last = this.#lastHealth === undefined ? '' : ` (last attempt: ${this.#lastHealth})`;
      return `its health-check GET ${healthCheck.path} has not been answered with 2xx or 3xx${last}`;
    }
    if (tellsListening) {
      if (this.#loaded === undefined)
        return 'the app is still being loaded (an endless loop, or a top-level await that does not end?)';
      return 'the app has not called listen() and exports no handler';
    }
    const places = port === undefined ? '' : `nothing accepts connections on its PORT ${port}, `;
    return `${places}nobody answers on the socket passed by LISTEN_FDS, and no READY=1 came`;
  }

  async #probeHealth(address: string, check: HealthCheck): Promise<ProbeResult> {
    const { signal } = this.#ended;
    if (this.#options.protocol === 'http') return probeHealth(address, check, signal);
    // Loaded for those only that need it.
    const { probeGatewayHealth } = await import('./gateway-probe.ts');
    return probeGatewayHealth(address, check, signal);
  }

  async #probeAnswer(host: string): Promise<ProbeResult> {
    const { address, protocol } = this.#options;
    const { signal } = this.#ended;
    if (protocol === 'http') return probeOptions(address, host, signal);
    const { probeGateway } = await import('./gateway-probe.ts');
    return probeGateway(address, host, signal);
  }

  #prove(proof: Proof): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#options.onProof(proof);
  }

  #repeat(proof: Proof, pauses: { first: number; longest: number }, attempt: () => Promise<ProbeResult>): void {
    let pauseMs = pauses.first;
    const once = async (): Promise<void> => {
      if (this.#ended.signal.aborted) return;
      const { isUp } = await attempt();
      if (isUp) {
        this.#prove(proof);
        return;
      }
      this.#options.clock.after(pauseMs, () => {
        // Probes answer and never throw.
        void once();
      });
      pauseMs = Math.min(pauses.longest, pauseMs * 2);
    };
    void once();
  }
}

function portAddress(port: number): string {
  return formatAddress({ kind: 'tcp', host: '127.0.0.1', port });
}
