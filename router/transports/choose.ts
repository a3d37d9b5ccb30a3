// Makes the transport that was asked for. The decision is lib/transport-choice.ts; here it meets this process, in which
// the reactor may still not start.
import { messageOf } from '../../lib/errors.ts';
import { chooseTransport, type TransportWish } from '../../lib/transport-choice.ts';
import type { NativeAddon } from '../../native/index.ts';
import { reactorSupport, type ReactorSupport } from '../../native/reactor-support.ts';
import { PortableTransport } from './portable.ts';
import { ReactorTransport } from './reactor.ts';
import type { Transport } from './transport.ts';

/** Returns a sentence where what was asked for cannot be had. */
export function createTransport(wish: TransportWish, support: ReactorSupport = reactorSupport): Transport | string {
  const choice = chooseTransport(wish, support.missing);
  if (typeof choice === 'string') return choice;
  if (choice.transport === 'portable' || support.addon === undefined) return new PortableTransport(choice.reason);
  const reactor = startReactor(choice.reason, support.addon);
  if (typeof reactor !== 'string') return reactor;
  return createTransport(wish, { addon: undefined, missing: `it does not start: ${reactor}` });
}

/** Returns what was in its way: a limit of the process (descriptors, memory), or of the system. */
function startReactor(reason: string, addon: NativeAddon): Transport | string {
  try {
    return new ReactorTransport(reason, addon);
  } catch (error) {
    return messageOf(error);
  }
}
