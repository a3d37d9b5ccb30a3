// The run-time state of one worker as the router sees it. It is named by its key for ever and outlives the route
// tables that list it, so that a request keeps counting on the worker that holds it. Pure.
import type { WeightedCandidate } from './selection.ts';
import { TargetHealth } from './target-health.ts';

export class Target implements WeightedCandidate {
  /** `name/generation/worker`. */
  readonly key: string;
  /** `name/generation`. */
  readonly instance: string;
  /** `unix:/path` or `host:port`. */
  address: string;
  /** Path of the socket by which it takes client connections over; null where it takes none. */
  handoff: string | null = null;
  /** It is spoken to in the gateway protocol (docs/gateway-protocol.md), not in HTTP. */
  isGateway = false;
  capacity = Infinity;
  readonly health = new TargetHealth();
  /** Its part of the requests, beside the other targets'. */
  weight = 1;
  /** Kept by the selection among unequal weights. */
  credit = 0;
  /** Requests it holds, those on connections that it has included, as far as they were reported. */
  inFlight = 0;
  /** Requests it was ever given. */
  requests = 0;
  /** Client connections that were handed over to it and have not come back. */
  away = 0;
  /** It is handed no connection before this moment (clock.nowMs). */
  handoffPausedUntilMs = 0;
  /** False once no route table lists it. */
  isListed = true;

  constructor(key: string, address: string) {
    this.key = key;
    this.instance = key.slice(0, key.lastIndexOf('/'));
    this.address = address;
  }

  /** It holds nothing of any client. */
  get isFree(): boolean {
    return this.inFlight === 0 && this.away === 0;
  }

  get suspendedUntilMs(): number {
    return this.health.closedUntilMs;
  }
}
