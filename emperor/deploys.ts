// Keeps how each app's newest deploy went, tells watchers, and answers those who wait for one. A waiter waits for
// what it asked for or anything newer: an edit may supersede a reload.
import type { App, LastDeploy } from './app.ts';
import type { EventHub } from './events.ts';
import type { Fall } from './fall.ts';
import type { VassalHandle } from './vassal-handle.ts';

export interface DeployResult {
  readonly result: LastDeploy['result'] | 'stopped' | 'cancelled';
  readonly reason: string | null;
  readonly generation: number | null;
  readonly tookMs: number;
}

interface Waiter {
  readonly app: string;
  /** Answered by a result for this order or a later one. */
  readonly order: number;
  readonly resolve: (result: DeployResult) => void;
}

export class Deploys {
  readonly #hub: EventHub;
  #waiters: readonly Waiter[] = [];

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  /** Resolves when the deploy of `order` (or a later one) is live or has failed. */
  async waitFor(app: string, order: number): Promise<DeployResult> {
    return new Promise((resolve) => {
      this.#waiters = [...this.#waiters, { app, order, resolve }];
    });
  }

  /** Every router reached the generation; `problem` is what is wrong where one does not. */
  live(app: App, instance: VassalHandle, nowMs: number, problem: string | undefined): void {
    const tookMs = Math.round(nowMs - instance.traffic.sinceMs);
    const { generation, deployable } = instance;
    const deploy = { generation, result: 'live', reason: problem ?? app.refusal ?? null, tookMs, log: [] } as const;
    // The way back from a failed deploy: that one, with its last lines, is still what is to be known.
    if (!app.isTurnedBack) app.lastDeploy = deploy;
    this.#hub.tellDeploy(app.name, deploy);
    this.#answer(app.name, deployable.order, deploy);
  }

  failed(app: App, instance: VassalHandle, fall: Fall, nowMs: number): void {
    const tookMs = Math.round(nowMs - instance.traffic.sinceMs);
    const { generation, deployable } = instance;
    const deploy = { generation, result: 'failed', reason: fall.message, tookMs, log: fall.log.slice(-50) } as const;
    this.#report(app, deploy);
    this.#answer(app.name, deployable.order, deploy);
  }

  /** A newer edit came while the generation was tried on a part of the clients. The newer one answers who waits. */
  superseded(app: App, { generation, traffic }: VassalHandle, reason: string, nowMs: number): void {
    this.#hub.tellDeploy(app.name, {
      generation,
      result: 'failed',
      reason,
      tookMs: Math.round(nowMs - traffic.sinceMs),
      log: [],
    });
  }

  /** The file is invalid; no generation was started, so the number is the one it would have had. */
  rejected(app: App, reason: string): void {
    this.#report(app, { generation: app.lastGeneration + 1, result: 'rejected', reason, tookMs: 0, log: [] });
  }

  /** Answers everybody who waits for the app, because no deploy of it will come. */
  cancel(app: string, reason: string): void {
    this.#settle(
      ({ app: name }) => name === app,
      () => ({ result: 'cancelled', reason, generation: null, tookMs: 0 }),
    );
  }

  cancelAll(reason: string): void {
    for (const app of new Set(this.#waiters.map(({ app }) => app))) this.cancel(app, reason);
  }

  #report(app: App, deploy: LastDeploy): void {
    app.lastDeploy = deploy;
    this.#hub.tellDeploy(app.name, deploy);
  }

  #answer(app: string, order: number, { result, reason, generation, tookMs }: LastDeploy): void {
    this.#settle(
      (waiter) => waiter.app === app && waiter.order <= order,
      () => ({ result, reason, generation, tookMs }),
    );
  }

  #settle(concerns: (waiter: Waiter) => boolean, result: () => DeployResult): void {
    const settled = this.#waiters.filter(concerns);
    this.#waiters = this.#waiters.filter((waiter) => !settled.includes(waiter));
    for (const waiter of settled) waiter.resolve(result());
  }
}
