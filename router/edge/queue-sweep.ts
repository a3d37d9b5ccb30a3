// Refuses the requests that waited too long for a worker: one deadline for all, armed as long as any waits.
import type { Apps } from '../core/apps.ts';
import { deadlineGrainMs, type Deadline, type Transport } from '../transports/transport.ts';

export class QueueSweep {
  readonly #apps: Pick<Apps, 'expire' | 'queued'>;
  readonly #deadline: Deadline;
  #isArmed = false;

  constructor(transport: Pick<Transport, 'createDeadline' | 'nowMs'>, apps: Pick<Apps, 'expire' | 'queued'>) {
    this.#apps = apps;
    this.#deadline = transport.createDeadline(() => {
      this.#isArmed = false;
      this.#apps.expire(transport.nowMs());
      if (this.#apps.queued > 0) this.arm();
    });
  }

  /** A request waits. */
  arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#deadline.arm(deadlineGrainMs);
  }
}
