// Where a transport is to connect to.
import { parseAddress, type Address } from '../../lib/address.ts';

/** A TCP address without a host means this machine. */
export function targetAddress(text: string): Address {
  const address = parseAddress(text);
  // Addresses come from the emperor, which made them with formatAddress.
  if (typeof address === 'string') throw new Error(`a target's address is unusable: ${address}`);
  return address.kind === 'tcp' && address.host === '' ? { ...address, host: '127.0.0.1' } : address;
}
