// Whose X-Forwarded-… fields are believed: a list of addresses and networks, matched as numbers. Pure.

interface Network {
  readonly bits: bigint;
  readonly prefixLength: number;
}

const ipv6Bits = 128n;
/** IPv4 addresses are compared as ::ffff:a.b.c.d, which is also how a dual-stack socket shows them. */
const mappedPrefix = 0xffffn << 32n;

export class TrustedProxies {
  readonly #networks: readonly Network[];
  readonly #trustsUnix: boolean;

  /** Entries that are neither `unix`, an address nor a network trust nobody; see `invalidEntries`. */
  constructor(entries: readonly string[]) {
    this.#trustsUnix = entries.includes('unix');
    this.#networks = entries.map(parseNetwork).filter((network) => network !== undefined);
  }

  /** `address` as the socket tells it; empty for a unix-socket client. */
  trusts(address: string): boolean {
    if (address === '') return this.#trustsUnix;
    if (this.#networks.length === 0) return false;
    const bits = parseIp(address);
    return bits !== undefined && this.#networks.some((network) => isWithin(bits, network));
  }
}

/** The entries that name nobody, for a warning. */
export function invalidEntries(entries: readonly string[]): string[] {
  return entries.filter((entry) => entry !== 'unix' && parseNetwork(entry) === undefined);
}

/** Whether it is a numeric IPv4 or IPv6 address, and nothing else. */
export function isIp(text: string): boolean {
  return /^[0-9a-fA-F:.]+$/.test(text) && parseIp(text) !== undefined;
}

function parseNetwork(entry: string): Network | undefined {
  const [address = '', length, ...rest] = entry.split('/');
  const bits = parseIp(address);
  if (bits === undefined || rest.length > 0) return undefined;
  const offset = address.includes(':') ? 0 : 96;
  const longest = 128 - offset;
  if (length === undefined) return { bits, prefixLength: 128 };
  if (!/^\d{1,3}$/.test(length) || Number(length) > longest) return undefined;
  return { bits, prefixLength: Number(length) + offset };
}

function isWithin(bits: bigint, network: Network): boolean {
  const shift = ipv6Bits - BigInt(network.prefixLength);
  return bits >> shift === network.bits >> shift;
}

function parseIp(text: string): bigint | undefined {
  if (!text.includes(':')) {
    const v4 = parseIpv4(text);
    return v4 === undefined ? undefined : mappedPrefix | v4;
  }
  return parseIpv6(text);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  let address = text.split('%')[0] ?? '';
  const tail = address.slice(address.lastIndexOf(':') + 1);
  if (tail.includes('.')) {
    const v4 = parseIpv4(tail);
    if (v4 === undefined) return undefined;
    address = `${address.slice(0, -tail.length)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const gap = 8 - head.length - rest.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) return undefined;
  const groups = [...head, ...Array.from({ length: gap }, () => '0'), ...rest];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
