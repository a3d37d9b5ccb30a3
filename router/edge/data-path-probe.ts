// Answers the emperor's question whether an app can be reached through this router: it looks the app up in the table in
// force, as a request would, and opens a connection to one of its workers, another one at each question.
import type { Probed, ProbeRouter } from '../../lib/messages.ts';
import type { Apps } from '../core/apps.ts';
import type { Transport } from '../transports/transport.ts';
import { reach } from './reach.ts';

const timeoutMs = 2000;

export class DataPathProbe {
  readonly #transport: Transport;
  readonly #apps: Apps;
  #turn = 0;

  constructor(transport: Transport, apps: Apps) {
    this.#transport = transport;
    this.#apps = apps;
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
    reach(this.#transport, target.address, timeoutMs, (fault) => {
      if (fault === undefined) answer(target.instance, '');
      else answer(null, `worker ${target.key}: ${fault}`);
    });
  }
}
