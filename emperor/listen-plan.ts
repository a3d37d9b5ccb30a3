// PURE. Which of the listening sockets that we hold stay when the addresses change, which are missing, and which are
// not wanted any more.
import { formatAddress, parseAddress } from '../lib/address.ts';
import type { Listener } from '../lib/listeners.ts';

export interface ListenPlan {
  /** In the order of the wanted addresses: the socket that stays, or the address that is to be bound. */
  readonly slots: readonly (Listener | string)[];
  readonly dropped: readonly Listener[];
}

/**
 * `addresses` as the settings spell them: one that is named twice counts once, and port 0 is any port that we hold on
 * the same host.
 */
export function planListening(addresses: readonly string[], held: readonly Listener[]): ListenPlan {
  const wanted = addresses.filter((text, index) => isFirst(text, addresses.slice(0, index)));
  const left = [...held];
  const take = (accepts: (listener: Listener) => boolean): Listener | undefined => {
    const index = left.findIndex(accepts);
    return index === -1 ? undefined : left.splice(index, 1)[0];
  };
  // Those that are named exactly choose first, so that none of them is taken for an "any port".
  const exact = wanted.map((text) => take(({ address }) => address === canonical(text)));
  const slots = wanted.map((text, index) => exact[index] ?? take(({ address }) => isAnyPortOf(text, address)) ?? text);
  return { slots, dropped: left };
}

function isFirst(text: string, before: readonly string[]): boolean {
  const address = canonical(text);
  return address.endsWith(':0') || !before.some((other) => canonical(other) === address);
}

function canonical(text: string): string {
  const address = parseAddress(text);
  return typeof address === 'string' ? text : formatAddress(address);
}

function isAnyPortOf(text: string, held: string): boolean {
  const wanted = parseAddress(text);
  const real = parseAddress(held);
  if (typeof wanted === 'string' || typeof real === 'string') return false;
  return wanted.kind === 'tcp' && wanted.port === 0 && real.kind === 'tcp' && real.host === wanted.host;
}
