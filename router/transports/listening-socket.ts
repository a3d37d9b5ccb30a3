// What every acceptor that binds its own socket knows of it.
import { formatAddress, parseAddress, type Address } from '../../lib/address.ts';

/** The kernel lowers it to net.core.somaxconn. */
export const backlog = 4096;

/** Throws where it is none. */
export function listenAddress(text: string): Address {
  const address = parseAddress(text);
  if (typeof address === 'string') throw new Error(address);
  return address;
}

/** The address as it was asked for, with the port that the kernel gave. */
export function withPort(asked: Address, port: number): string {
  return formatAddress(asked.kind === 'tcp' ? { ...asked, port } : asked);
}
