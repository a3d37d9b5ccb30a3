// A connect to a host by its name: its addresses one after the other, until one answers.
import { lookup } from 'node:dns';
import type { Timer } from '../../lib/clock.ts';
import { errnoOf } from '../../lib/errors.ts';

/** An address that does not answer for so long is given up for the next one, as node:net does. */
const attemptMs = 250;

export interface NamedHostOptions {
  readonly host: string;
  after(delayMs: number, fire: () => void): Timer;
  /** False once nobody wants the connection any more. */
  isWanted(): boolean;
  /** Begins a connect. Returns the errno name where it failed at once. */
  attempt(address: string): string | undefined;
  /** Gives up the connect that is under way. */
  abandon(): void;
  /** No address is left. */
  onFailure(code: string): void;
}

export class NamedHost {
  readonly #options: NamedHostOptions;
  #addresses: string[] = [];
  #timer: Timer | undefined;

  constructor(options: NamedHostOptions) {
    this.#options = options;
    lookup(options.host, { all: true }, (error, addresses) => {
      // For a turn of its own.
      options.after(0, () => {
        this.#addresses = error === null ? addresses.map(({ address }) => address) : [];
        this.next(error === null ? 'ENOTFOUND' : (errnoOf(error) ?? error.name));
      });
    });
  }

  /** Tries the next address; `code` says why the one before failed. */
  next(code: string): void {
    this.end();
    let reason = code;
    while (this.#options.isWanted()) {
      const address = this.#addresses.shift();
      if (address === undefined) {
        this.#options.onFailure(reason);
        return;
      }
      const failure = this.#options.attempt(address);
      if (failure === undefined) {
        if (this.#addresses.length > 0) this.#watch();
        return;
      }
      reason = failure;
    }
  }

  /** It is connected. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watch(): void {
    this.#timer = this.#options.after(attemptMs, () => {
      if (!this.#options.isWanted()) return;
      this.#options.abandon();
      this.next('ETIMEDOUT');
    });
  }
}
