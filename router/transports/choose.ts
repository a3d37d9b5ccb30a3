// Makes the transport that was asked for. The decision is lib/transport-choice.ts; here it meets this process, in which
// a reactor may still fail to start.
import { chooseTransport, type TransportWish } from '../../lib/transport-choice.ts';
import { reactorSupport } from '../../native/reactor-support.ts';
import { PortableTransport } from './portable.ts';
import type { Transport } from './transport.ts';

/** Returns a sentence where what was asked for cannot be had. */
export function createTransport(wish: TransportWish): Transport | string {
  const choice = chooseTransport(wish, reactorSupport.missing);
  if (typeof choice === 'string') return choice;
  return new PortableTransport(choice.reason);
}
