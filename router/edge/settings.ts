// The router's part of emperor.yaml as the edge uses it: milliseconds, bytes, and networks made ready to match.
import type { ConfigureRouter } from '../../lib/router-messages.ts';
import { TrustedProxies } from '../core/trusted-proxies.ts';
import type { HeadLimits } from '../http1/message.ts';

export interface Settings {
  /** A client has this long for a request head. Here and below 0 = for ever. */
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly upstreamTimeoutMs: number;
  readonly tunnelTimeoutMs: number;
  readonly requestLimits: HeadLimits;
  readonly responseLimits: HeadLimits;
  readonly maxConnections: number;
  /** Answers after which a connection may be handed over; 0 = never. */
  readonly handoffAfter: number;
  readonly accessLog: boolean;
  /** Answers say which generation gave them. */
  readonly generationHeader: boolean;
  readonly trustedProxies: TrustedProxies;
}

/** Apps are more trusted than clients, and some send many cookies; yet a head is kept in memory whole. */
const smallestResponseLimits: HeadLimits = { maxHeadBytes: 64 * 1024, maxFields: 500 };

export function readSettings({ router, trustedProxies, accessLog }: ConfigureRouter): Settings {
  const requestLimits = { maxHeadBytes: router['max-header-size'], maxFields: router['max-headers'] };
  return {
    headerTimeoutMs: router['header-timeout'],
    bodyTimeoutMs: router['body-timeout'],
    idleTimeoutMs: router['idle-timeout'],
    upstreamTimeoutMs: router['upstream-timeout'],
    tunnelTimeoutMs: router['tunnel-timeout'],
    requestLimits,
    responseLimits: {
      maxHeadBytes: Math.max(requestLimits.maxHeadBytes, smallestResponseLimits.maxHeadBytes),
      maxFields: Math.max(requestLimits.maxFields, smallestResponseLimits.maxFields),
    },
    maxConnections: router['max-connections'],
    handoffAfter: router['handoff-after'],
    accessLog,
    generationHeader: router['generation-header'],
    trustedProxies: new TrustedProxies(trustedProxies),
  };
}

/** In force until the emperor configures the router; no connection is accepted before. */
export const initialSettings: Settings = {
  headerTimeoutMs: 0,
  bodyTimeoutMs: 0,
  idleTimeoutMs: 0,
  upstreamTimeoutMs: 0,
  tunnelTimeoutMs: 0,
  requestLimits: smallestResponseLimits,
  responseLimits: smallestResponseLimits,
  maxConnections: 1,
  handoffAfter: 0,
  accessLog: false,
  generationHeader: false,
  trustedProxies: new TrustedProxies([]),
};
