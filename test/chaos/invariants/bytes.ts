// Invariant 6: what arrives is what was sent, byte for byte, also where a swap came in between.
import { describeExchange, type Invariant, type Violation } from '../evidence.ts';

const invariant = '6: byte-exact';

export const bytes: Invariant = ({ exchanges }) =>
  exchanges.flatMap((exchange): Violation[] => {
    const { corruption, endedAtMs, sentAtMs } = exchange;
    if (corruption === undefined) return [];
    return [{ invariant, atMs: endedAtMs ?? sentAtMs, what: `${corruption}: ${describeExchange(exchange)}` }];
  });
