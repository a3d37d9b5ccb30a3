// A listening TCP socket on whatever an address names: a host, or every address of the machine.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { NativeAddon } from './index.ts';

/** `host`: numeric, a name (its first address counts), or empty: every address. Returns the descriptor. */
export async function listenTcpOn(
  addon: Pick<NativeAddon, 'listenTcp'>,
  host: string,
  port: number,
  backlog: number,
): Promise<number> {
  if (host !== '') {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    return addon.listenTcp(address, port, backlog);
  }
  try {
    // One socket for IPv6 and IPv4: `::` takes both unless the machine says otherwise.
    return addon.listenTcp('::', port, backlog);
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    return addon.listenTcp('0.0.0.0', port, backlog);
  }
}
