// Makes an input that breaks a rule as small and as plain as it stays broken: what is left is what matters.
import { Buffer } from 'node:buffer';
import type { Input } from './input.ts';

/** Whether an input breaks the rule still. */
export type IsBroken = (input: Input) => boolean;

/** Large inputs would be tried for ever. */
const mostAttempts = 20_000;

/** A smaller input for which `isBroken` holds, as it must for the given one. */
export function shrink(input: Input, isBroken: IsBroken): Input {
  let smallest: Input = { ...input, bytes: Buffer.from(input.bytes) };
  let attempts = 0;
  const attempt = (candidate: Input): boolean => {
    if (attempts++ > mostAttempts || !isBroken(candidate)) return false;
    smallest = candidate;
    return true;
  };
  let before = '';
  for (let rounds = 0; before !== measure(smallest) && rounds < 20; rounds++) {
    before = measure(smallest);
    for (const plain of plainer(smallest)) attempt(plain);
    removeBytes(() => smallest, attempt);
    removeCuts(() => smallest, attempt);
  }
  replaceBytes(() => smallest, attempt);
  return smallest;
}

function measure({ bytes, feeding }: Input): string {
  return `${bytes.length} ${feeding.cuts.length}`;
}

/** The same bytes under usual circumstances. */
function plainer(input: Input): readonly Input[] {
  const { feeding } = input;
  const candidates: Input[] = [
    { ...input, feeding: { ...feeding, pauses: 0 } },
    { ...input, feeding: { ...feeding, isTrusted: false } },
    { ...input, feeding: { ...feeding, holdsBody: true } },
    { ...input, limits: { maxHeadBytes: 16_384, maxFields: 200 } },
  ];
  if (input.direction === 'response' && input.exchanges.length > 1) {
    candidates.push({ ...input, exchanges: [input.exchanges[0]] });
  }
  return candidates;
}

function removeBytes(current: () => Input, attempt: (input: Input) => boolean): void {
  for (let size = current().bytes.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < current().bytes.length;) {
      if (!attempt(without(current(), at, size))) at += size;
    }
  }
}

/** Cuts stay where they were between the bytes. */
function without(input: Input, at: number, size: number): Input {
  const bytes = Buffer.concat([input.bytes.subarray(0, at), input.bytes.subarray(at + size)]);
  const cuts = input.feeding.cuts.map((cut) => (cut <= at ? cut : Math.max(at, cut - size)));
  return { ...input, bytes, feeding: { ...input.feeding, cuts } };
}

function removeCuts(current: () => Input, attempt: (input: Input) => boolean): void {
  for (let i = 0; i < current().feeding.cuts.length;) {
    const input = current();
    const cuts = input.feeding.cuts.filter((_, index) => index !== i);
    if (!attempt({ ...input, feeding: { ...input.feeding, cuts } })) i++;
  }
}

/** What does not matter becomes an `a`. */
function replaceBytes(current: () => Input, attempt: (input: Input) => boolean): void {
  for (let i = 0; i < current().bytes.length; i++) {
    const input = current();
    if (input.bytes[i] === 0x61) continue;
    const bytes = Buffer.from(input.bytes);
    bytes[i] = 0x61;
    attempt({ ...input, bytes });
  }
}
