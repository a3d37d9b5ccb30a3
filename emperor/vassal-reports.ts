// What becomes of an instance, noted where it is kept: in its app's history, with the deploys, in the log; and what an
// ended one left behind is swept up. It decides nothing, for the next turn of the reconciler does.
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { App } from './app.ts';
import type { Deploys } from './deploys.ts';
import type { Fall } from './fall.ts';
import type { ProcessSweep } from './process-sweep.ts';
import type { VassalEvents, VassalHandle } from './vassal-handle.ts';

export interface VassalReportsOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly appOf: (name: string) => App | undefined;
  readonly deploys: Deploys;
  readonly sweep: ProcessSweep;
  /** Something that status, routes or the plan depend on changed. */
  readonly onChange: () => void;
}

export class VassalReports implements VassalEvents {
  readonly #options: VassalReportsOptions;

  constructor(options: VassalReportsOptions) {
    this.#options = options;
  }

  onChange(vassal: VassalHandle): void {
    const { appOf, sweep, onChange } = this.#options;
    if (vassal.state === 'ready') appOf(vassal.name)?.prove(vassal);
    if (vassal.state === 'exited') sweep.sweep(vassal.name, vassal.generation);
    onChange();
  }

  onFailedStart(vassal: VassalHandle, fall: Fall): void {
    const { appOf, deploys, clock, random } = this.#options;
    this.#log(vassal, fall, 'a generation did not become ready');
    const app = appOf(vassal.name);
    if (app === undefined) return;
    app.recordFailedStart(vassal, fall, { nowMs: clock.nowMs(), jitter: random() });
    deploys.failed(app, vassal, fall, clock.nowMs());
  }

  onDeath(vassal: VassalHandle, fall: Fall): void {
    const { appOf, deploys, clock, random } = this.#options;
    this.#log(vassal, fall, 'a live generation died');
    const app = appOf(vassal.name);
    const outcome = app?.recordDeath(vassal, fall, { nowMs: clock.nowMs(), jitter: random() });
    if (app !== undefined && outcome?.isRefused === true) deploys.failed(app, vassal, fall, clock.nowMs());
  }

  #log({ name, generation }: VassalHandle, fall: Fall, what: string): void {
    this.#options.log.warn({ app: name, generation, kind: fall.kind, why: fall.message }, what);
  }
}
