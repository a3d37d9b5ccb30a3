// The run-time state of one worker as the router sees it. It is named by its key for ever and outlives the route
// tables that list it, so that a request keeps counting on the worker that holds it. Pure.
import type { Candidate } from './selection.ts';

/** First and longest time a target that refused a connection is left alone; doubled at each refusal. */
const firstSuspensionMs = 20;
const longestSuspensionMs = 500;

export class Target implements Candidate {
  /** `name/generation/worker`. */
  readonly key: string;
  /** `name/generation`. */
  readonly instance: string;
  /** `unix:/path` or `host:port`. */
  address: string;
  inFlight = 0;
  /** Requests it was ever given. */
  requests = 0;
  suspendedUntilMs = 0;
  /** False once no route table lists it. */
  isListed = true;
  #refusals = 0;

  constructor(key: string, address: string) {
    this.key = key;
    this.instance = key.slice(0, key.lastIndexOf('/'));
    this.address = address;
  }

  /** It did not take a connection: leave it alone for a moment, its primary may be starting a new worker behind it. */
  suspend(nowMs: number): void {
    this.suspendedUntilMs = nowMs + Math.min(firstSuspensionMs * 2 ** this.#refusals, longestSuspensionMs);
    this.#refusals = Math.min(this.#refusals + 1, 10);
  }

  /** It took a connection. */
  prove(): void {
    this.#refusals = 0;
    this.suspendedUntilMs = 0;
  }
}
