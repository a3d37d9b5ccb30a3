// What a router and a Node worker say to each other about client connections that the router hands over. One JSON
// object per datagram of a SEQPACKET unix socket, descriptors beside it. The worker listens, each router dials in once.
//
// A handed-over connection has two descriptors: the worker's, which reads and writes, and the router's, which does
// neither. So nothing that happens to one of the processes ends the connection by itself, and handing back is a
// message, not a descriptor.

/** Raised when a message changes its meaning. Where the two differ nothing is handed over. */
export const handoffVersion = 2;

/** No message is longer. */
export const longestMessageBytes = 64 * 1024;

// --- router -> worker ---

/** The first message. With one descriptor: the shared states, `slots` bytes (see `slotStates`). */
export interface HandoffHello {
  readonly type: 'hello';
  readonly version: number;
  /** As the router's request ids begin; what the worker appends must not collide with the router's own. */
  readonly idPrefix: string;
  readonly slots: number;
}

/** Level-triggered: how requests are treated from now on. Sent before the first `take`, and when it changes. */
export interface HandoffRules {
  readonly type: 'rules';
  /** False: give every connection back as soon as no request runs on it, and take no others. */
  readonly isServing: boolean;
  /** Bytes; 0 = no limit. */
  readonly limitPost: number;
  /** `name/generation`, to be told in X-Emperor-Generation; null where clients are not told. */
  readonly generation: string | null;
  /** Whether each request is to be reported by `log`. */
  readonly accessLog: boolean;
  /** A connection that was idle for so long is given back. */
  readonly idleMs: number;
  /**
   * Once `isServing` is false, answers that never end by themselves (event streams) are ended at moments spread over so
   * long, as the router does with those that it carries; meaningless before. 0: at once.
   */
  readonly drainMs: number;
}

/** Serve this connection. With its descriptor. No byte of a request was read that is not answered. */
export interface HandoffTake {
  readonly type: 'take';
  /** Below `slots`; names the connection until it is given back or gone. */
  readonly slot: number;
  /** Numeric address of the client; empty on a unix socket. */
  readonly address: string;
  /** The authority that its requests named, as its client writes it. Any other makes a request a stray. */
  readonly host: string;
}

/** Give this one back as soon as no request runs on it. */
export interface HandoffRecall {
  readonly type: 'recall';
  readonly slot: number;
}

export type ToWorker = HandoffHello | HandoffRules | HandoffTake | HandoffRecall;

// --- worker -> router ---

/** It idles, nothing that came on it is unanswered, and the worker reads it no more: it is the router's again. */
export interface HandoffBack {
  readonly type: 'back';
  readonly slot: number;
  /** `idle`, `recalled`, or `stray`: then it is not handed over again. */
  readonly why: 'idle' | 'recalled' | 'stray';
}

/**
 * The client left, or the worker ended the connection after its last answer. The router reads out what the client still
 * sends, and closes; where the slot's state is not `idle` an answer is not whole, and the connection is reset.
 */
export interface HandoffGone {
  readonly type: 'gone';
  readonly slot: number;
}

/**
 * With a descriptor, one end of a socket pair: a request that is not this app's, or wants an upgrade, comes over it as
 * if its client had just connected to the router from `address`.
 */
export interface HandoffStray {
  readonly type: 'stray';
  readonly address: string;
}

/**
 * Requests that were answered since the last report; sent about four times a second while there are any, or while
 * `inFlight` differs from the last. Once `isServing` is false it goes before the `back` or `gone` of their connection,
 * for the router may hang up behind the last of them.
 */
export interface HandoffReport {
  readonly type: 'report';
  readonly requests: number;
  /** Of handed-over connections, requests that run now. */
  readonly inFlight: number;
  /** Where the rules ask for it: one entry per request, as many as fit; the rest follows in a further report. */
  readonly log: readonly HandoffLogEntry[];
}

/** The worker's part of an access line: see AccessEntry (router/edge/access-line.ts), which has these, too. */
export interface HandoffLogEntry {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly client: string;
  readonly requestId: string;
  /** True where the client left before the answer was whole. */
  readonly isCut: boolean;
}

/**
 * The worker goes by the rules that it was told last, and sends one for each. Behind one for rules that end its serving no
 * request is begun that was sent later: what idled was given back before.
 */
export interface HandoffRuled {
  readonly type: 'ruled';
}

export type FromWorker = HandoffBack | HandoffGone | HandoffStray | HandoffReport | HandoffRuled;

/**
 * The byte of a slot in the shared states, written by the worker and read by the router when the worker is dead or the
 * connection is gone. A connection that idled goes on with the router. From the first byte that the worker read of a
 * request it is `busy`, or `busyHead` where the request is known to be a HEAD: no byte of a final answer left, so the
 * router can answer in its place. From then until the kernel has the answer's last byte it is `answering`, and can only
 * be reset. The router sets `idle` before it hands the slot's connection over.
 */
export const slotStates = { idle: 0, busy: 1, busyHead: 2, answering: 3 } as const;
