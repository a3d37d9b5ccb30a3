// The deadlines of a transport: one timer wheel, ticking while something is armed.
import { TimerWheel } from './timer-wheel.ts';
import { deadlineGrainMs, type Deadline, type Transport } from './transport.ts';

export class Deadlines {
  readonly #turns: Pick<Transport, 'nowMs' | 'run'>;
  readonly #wheel = new TimerWheel(deadlineGrainMs, performance.now());
  #ticking: NodeJS.Timeout | undefined;

  constructor(turns: Pick<Transport, 'nowMs' | 'run'>) {
    this.#turns = turns;
  }

  create(onExpire: () => void): Deadline {
    const wheel = this.#wheel;
    const entry = wheel.createEntry(onExpire);
    return {
      arm: (delayMs) => {
        wheel.arm(entry, this.#turns.nowMs() + delayMs);
        this.#ticking ??= setInterval(() => {
          this.#tick();
        }, deadlineGrainMs);
      },
      disarm: () => {
        wheel.disarm(entry);
      },
    };
  }

  #tick(): void {
    if (this.#wheel.size === 0) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
      return;
    }
    this.#turns.run(() => {
      this.#wheel.advance(performance.now());
    });
  }
}
