// PURE. Which transport moves a router's bytes. The router runs by it; the emperor refuses by it what cannot be, and
// tells by it which routers are out of date.

/** What `router.transport` and --transport may say. */
export const transportWishes = ['auto', 'reactor', 'portable'] as const;

export type TransportWish = (typeof transportWishes)[number];

export interface TransportChoice {
  readonly transport: 'reactor' | 'portable';
  /** In words, such that "because" may stand before it. */
  readonly reason: string;
}

/**
 * `obstacle`: why the reactor cannot run here, in words; undefined where it can. Returns a sentence where what is wished
 * for cannot be had.
 */
export function chooseTransport(wish: TransportWish, obstacle: string | undefined): TransportChoice | string {
  if (wish === 'portable') return { transport: 'portable', reason: 'it was asked for' };
  if (wish === 'auto') {
    return obstacle === undefined
      ? { transport: 'reactor', reason: 'the addon has it' }
      : { transport: 'portable', reason: `the reactor cannot run: ${obstacle}` };
  }
  return obstacle === undefined
    ? { transport: 'reactor', reason: 'it was asked for' }
    : `the reactor cannot run: ${obstacle}`;
}

export function isTransportWish(text: string): text is TransportWish {
  return transportWishes.some((wish) => wish === text);
}
