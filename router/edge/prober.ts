// Acts on the health of targets: wakes who waits when a suspension ends, tries an ejected target with connections of
// its own until one is taken, and writes down who was ejected and who is back. It decides nothing about health.
import type { Logger } from '../../lib/log.ts';
import type { Lease } from '../core/lease.ts';
import type { Pool } from '../core/pool.ts';
import type { FaultKind } from '../core/target-health.ts';
import type { Target } from '../core/target.ts';
import type { Transport } from '../transports/transport.ts';
import { reach } from './reach.ts';

export interface ProberOptions {
  readonly transport: Transport;
  readonly log: Logger;
  /** The target is ejected: connections that idle to it prove nothing any more. */
  onEjected(target: Target): void;
}

const probeTimeoutMs = 2000;

export class Prober {
  readonly #options: ProberOptions;
  /** Of each ejected target: ends what is under way for it. */
  readonly #pending = new Map<Target, () => void>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** The target of that lease refused the connection or lost the request. `reason` is for the log. */
  onFault(pool: Pool, { target, epoch }: Lease, kind: FaultKind, reason: string): void {
    if (!target.isListed) return;
    const { transport, log } = this.#options;
    const nowMs = transport.nowMs();
    const verdict = target.health.fail(epoch, kind, nowMs);
    if (verdict === 'suspended') {
      transport.after(target.health.closedUntilMs - nowMs + 1, () => {
        pool.grant(transport.nowMs());
      });
    } else if (verdict === 'ejected') {
      if (target.health.setbacks === 0) log.warn({ target: target.key, reason }, 'ejected a worker that fails');
      this.#options.onEjected(target);
      this.#schedule(pool, target);
    }
  }

  /** The target of that lease answered. */
  onAnswer(pool: Pool, { target, epoch }: Lease): void {
    if (!target.health.answer(epoch)) return;
    const { transport, log } = this.#options;
    log.info({ target: target.key }, 'an ejected worker answers again');
    pool.grant(transport.nowMs());
  }

  /** The target left the route table. */
  forget(target: Target): void {
    this.#pending.get(target)?.();
    this.#pending.delete(target);
  }

  #schedule(pool: Pool, target: Target): void {
    const timer = this.#options.transport.after(target.health.pauseMs, () => {
      this.#probe(pool, target);
    });
    this.#pending.set(target, () => {
      timer.cancel();
    });
  }

  #probe(pool: Pool, target: Target): void {
    const { transport, log } = this.#options;
    const giveUp = reach(transport, target.address, probeTimeoutMs, (fault) => {
      this.#pending.delete(target);
      target.health.probe(fault === undefined);
      log.debug({ target: target.key, fault }, 'probed an ejected worker');
      if (fault === undefined) pool.grant(transport.nowMs());
      else this.#schedule(pool, target);
    });
    this.#pending.set(target, giveUp);
  }
}
