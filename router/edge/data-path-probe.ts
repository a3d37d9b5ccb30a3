// Answers the emperor's question whether an app can be reached through this router: it looks the app up in the table in
// force, as a request would, and opens a connection to one of its workers, another one at each question. Nor may workers
// that this table retires serve client connections any more that were handed over to them.
import type { Probed, ProbeRouter } from '../../lib/router-messages.ts';
import type { Apps } from '../core/apps.ts';
import type { Transport } from '../transports/transport.ts';
import type { Handoff } from './handoff/handoff.ts';
import { reach } from './reach.ts';

const timeoutMs = 2000;

export class DataPathProbe {
  readonly #transport: Transport;
  readonly #apps: Apps;
  readonly #handoff: Pick<Handoff, 'whenRuled'> | undefined;
  #turn = 0;

  constructor(transport: Transport, apps: Apps, handoff: Pick<Handoff, 'whenRuled'> | undefined) {
    this.#transport = transport;
    this.#apps = apps;
    this.#handoff = handoff;
  }

  /** `onAnswer` is called once, within two seconds. */
  ask({ id, app }: ProbeRouter, onAnswer: (answer: Probed) => void): void {
    const answer = (instance: string | null, reason: string): void => {
      onAnswer({ type: 'probed', id, instance, reason });
    };
    const pool = this.#apps.pool(app);
    if (pool === undefined) {
      answer(null, 'no such app');
      return;
    }
    const targets = pool.liveTargets;
    const target = targets[this.#turn++ % targets.length];
    if (target === undefined) {
      answer(null, 'no worker in the table');
      return;
    }
    const untilMs = this.#transport.nowMs() + timeoutMs;
    const onRuled = (lagging: string | undefined): void => {
      if (lagging === undefined) answer(target.instance, '');
      else answer(null, `worker ${lagging} still serves connections that it is to give back`);
    };
    reach(this.#transport, target.address, timeoutMs, (fault) => {
      const leftMs = Math.max(0, untilMs - this.#transport.nowMs());
      if (fault !== undefined) answer(null, `worker ${target.key}: ${fault}`);
      else if (this.#handoff === undefined) onRuled(undefined);
      else this.#handoff.whenRuled(pool, leftMs, onRuled);
    });
  }
}
