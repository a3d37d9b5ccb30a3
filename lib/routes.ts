// The route table as the emperor publishes it: which domains are whose, and which workers may be given requests. Only
// values; what becomes of them in a router is router/core's affair.

export interface AppRoute {
  readonly name: string;
  /** `host`, `*.host`, `*`, each with an optional `/path` prefix; lower case, no trailing dot. */
  readonly domains: readonly string[];
  /** Workers that may be given requests, of the live generation. Empty: see `hold`. */
  readonly targets: readonly TargetRoute[];
  /**
   * While a newer generation is tried beside the live one: its workers, and the share of client connections (0 … 1)
   * that are its. A connection keeps to one side as long as the share does not fall, so no client goes back and forth:
   * where `next` lists no worker for a moment its requests wait.
   */
  readonly next: { readonly targets: readonly TargetRoute[]; readonly share: number } | null;
  /** With no targets: true = hold requests (one will come), false = answer 503 at once with `reason`. */
  readonly hold: boolean;
  /** Why there are no targets, in words for the error page's log line; empty otherwise. */
  readonly reason: string;
  /** Bytes; 0 = no limit. */
  readonly limitPost: number;
  /** Requests at a time for one target; 0 = no limit. */
  readonly maxConcurrency: number;
  /** Client connections that are kept alive may be handed over to targets that take them (lib/handoff.ts). */
  readonly handoff: boolean;
  readonly queue: number;
  readonly queueTimeoutMs: number;
  /**
   * How long what runs on a target may go on once it left the table: WebSockets and event streams, which never end by
   * themselves, are ended by the router at moments spread over this time.
   */
  readonly drainMs: number;
}

/**
 * What a worker is spoken to in: `http` is HTTP/1.1, `gateway` the gateway protocol (docs/gateway-protocol.md). A message
 * of an older build says neither this nor a capacity: then it is `http`, without a bound.
 */
export type WorkerProtocol = 'http' | 'gateway';

export interface TargetRoute {
  /** `name/generation/worker`: names this target for ever. */
  readonly key: string;
  /** `unix:/path` or `host:port` (see lib/address). */
  readonly address: string;
  /** Its part of the requests, beside the other targets'; at least 1. */
  readonly weight: number;
  /** Path of the socket by which it takes client connections over; null where it takes none. */
  readonly handoff: string | null;
  readonly protocol?: WorkerProtocol;
  /** Most requests that it is given at a time by one router; at least 1. Null: no bound. */
  readonly capacity?: number | null;
}
