// Requests to one app, all the time: some on connections that are kept, some on new ones. It remembers every answer
// that was no 200 and every connection that failed.
import { Agent } from 'node:http';
import { messageOf } from '../../lib/errors.ts';
import { ask } from './http-client.ts';
import type { Scope } from './scope.ts';
import { waitFor } from './wait-for.ts';

export class Traffic {
  readonly failures: string[] = [];
  answered = 0;
  readonly #port: number;
  readonly #host: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  readonly #loops: readonly Promise<void>[];
  #isOver = false;

  private constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
    this.#loops = [this.#loop(this.#agent), this.#loop(this.#agent), this.#loop(undefined)];
  }

  static start(t: Scope, port: number, host: string): Traffic {
    const traffic = new Traffic(port, host);
    t.after(async () => {
      await traffic.stop();
    });
    return traffic;
  }

  /** Resolves when `count` further answers have come. */
  async goesOn(count = 20): Promise<void> {
    const until = this.answered + count;
    await waitFor(() => this.answered >= until || this.failures.length > 0, {
      what: () => `${count} more answers; failures: ${this.failures.join('; ')}`,
      timeoutMs: 30_000,
    });
  }

  /** Ends the requests; returns what failed. */
  async stop(): Promise<readonly string[]> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
    return this.failures;
  }

  async #loop(agent: Agent | undefined): Promise<void> {
    while (!this.#isOver) {
      try {
        const answer = await ask(this.#port, {
          host: this.#host,
          timeoutMs: 30_000,
          ...(agent === undefined ? {} : { agent }),
        });
        if (answer.status === 200) this.answered += 1;
        else this.failures.push(`${answer.status} ${answer.body.slice(0, 200)}`);
      } catch (error) {
        this.failures.push(`${agent === undefined ? 'new' : 'kept'} connection: ${messageOf(error)}`);
      }
      // Steady, and no more than the machine bears beside the other tests.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
