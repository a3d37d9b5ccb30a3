// How the emperor tells a router which addresses it accepts on: descriptors it inherits, already bound, so that
// the port outlives every router; or, where the addon is missing, addresses that the router binds itself.

/** Set for a router: entries `<fd>=<address>` or `bind=<address>`, separated by a space. */
export const listenersVariable = 'EMPEROR_LISTEN';

export interface Listener {
  /** As lib/address spells it, with the real port. */
  readonly address: string;
  /** Undefined: the router binds the address itself. */
  readonly fd: number | undefined;
}

export function formatListeners(listeners: readonly Listener[]): string {
  return listeners.map(({ fd, address }) => `${fd ?? 'bind'}=${address}`).join(' ');
}

/** Reads what formatListeners wrote; entries of another shape are left out. */
export function parseListeners(text: string | undefined): Listener[] {
  return (text ?? '').split(' ').flatMap((entry) => {
    const match = /^(bind|\d+)=(.+)$/.exec(entry);
    if (match?.[1] === undefined || match[2] === undefined) return [];
    return [{ address: match[2], fd: match[1] === 'bind' ? undefined : Number(match[1]) }];
  });
}
