// Numeric addresses as text, in the spelling of inet_ntop.
import type { Buffer } from 'node:buffer';

const mostCached = 1024;
const cache = new Map<number, string>();

/** `address`: the first octet is the highest. The clients of a server behind proxies are few: their texts are kept. */
export function formatIpv4(address: number): string {
  let text = cache.get(address);
  if (text === undefined) {
    text = `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
    if (cache.size >= mostCached) cache.clear();
    cache.set(address, text);
  }
  return text;
}

/** The 16 bytes from `start` on. The longest run of zeroes, of two groups at least, is left out (RFC 5952). */
export function formatIpv6(bytes: Buffer, start: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(start + 2 * index));
  let run = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (groups[from + length] === 0) length++;
    if (length > run.length) run = { from, length };
  }
  const text = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  if (run.length === 1) return text(groups);
  return `${text(groups.slice(0, run.from))}::${text(groups.slice(run.from + run.length))}`;
}
