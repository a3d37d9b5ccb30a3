// Who sent a request, and to which server, where a proxy in front is believed: what CGI variables are made of. A proxy
// appends to what it was told, so the last word is its own. Pure.
import { fieldIds } from '../http1/field-names.ts';
import type { Fields, RequestHead } from '../http1/message.ts';
import { valuesOf, type RequestOrigin } from './request-fields.ts';
import { isIp, type TrustedProxies } from './trusted-proxies.ts';

/** What the router knows of the connection besides. */
export interface ConnectionOrigin extends RequestOrigin {
  /** TCP ports of the client and of ours; 0 where there is none. */
  readonly remotePort: number;
  readonly localPort: number;
  readonly proxies: Pick<TrustedProxies, 'trusts'>;
}

/**
 * The client's address: the last one of X-Forwarded-For that is no proxy of ours. What is no address says nothing about
 * who is behind it, so the one that said it is taken. Empty over a unix socket.
 */
export function clientAddressOf(head: RequestHead, origin: ConnectionOrigin): string {
  const { clientAddress, isTrusted, proxies } = origin;
  if (!isTrusted || head.fields.firstLine(fieldIds.xForwardedFor) === -1) return clientAddress;
  const chain = valuesOf(head, fieldIds.xForwardedFor).split(',').map(withoutPort);
  let client = clientAddress;
  for (let address = chain.pop(); address !== undefined && isIp(address); address = chain.pop()) {
    client = address;
    if (!proxies.trusts(address)) break;
  }
  return client;
}

/** The client speaks TLS with a proxy that is believed. */
export function isHttps({ fields }: RequestHead, { isTrusted }: RequestOrigin): boolean {
  return isTrusted && lastWord(fields, fieldIds.xForwardedProto).toLowerCase() === 'https';
}

/** The port that the client asked for: as its authority names it, else as a proxy says, else the one it connected to. */
export function serverPortOf(head: RequestHead, origin: ConnectionOrigin): number {
  const named = portOf(head.authority);
  if (named !== undefined) return named;
  if (!origin.isTrusted) return origin.localPort === 0 ? defaultPort : origin.localPort;
  const told = lastWord(head.fields, fieldIds.xForwardedPort);
  if (/^\d{1,5}$/.test(told)) return Number(told);
  if (isHttps(head, origin)) return defaultTlsPort;
  const isTold = head.fields.firstLine(fieldIds.xForwardedProto) !== -1;
  return isTold || origin.localPort === 0 ? defaultPort : origin.localPort;
}

const defaultPort = 80;
const defaultTlsPort = 443;

/** Of `host:port`; undefined where it names none. */
function portOf(authority: string): number | undefined {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || colon < authority.lastIndexOf(']') || colon === authority.length - 1) return undefined;
  return Number(authority.slice(colon + 1));
}

function withoutPort(text: string): string {
  const [, v6, v4] = /^\s*(?:\[([^\]]*)\](?::\d*)?|([^:\s]*):\d*)\s*$/.exec(text) ?? [];
  return v6 ?? v4 ?? text.trim();
}

/** The last element of the last line with that id; empty where there is none. */
function lastWord(fields: Fields, id: number): string {
  for (let i = fields.count - 1; i >= 0; i--) {
    if (fields.id(i) !== id) continue;
    const value = fields.value(i);
    return value.slice(value.lastIndexOf(',') + 1).trim();
  }
  return '';
}
