// `host[:port]` as Host and absolute-form carry it: what is valid, and what the route table looks up.
// Narrower than the URI grammar on purpose: escapes, user names and list separators are read differently by different
// programs, and no host of ours needs them.

const maxHostBytes = 255;
const maxPort = 65535;

const hostBytes = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
  hostBytes[char.charCodeAt(0)] = 1;

/**
 * The host to route by: lower case, no port, no trailing dot, brackets kept. Undefined where the text is no valid
 * authority. A name of letters, digits, `-`, `_` and single dots, an IPv4 address, or a bracketed IPv6 address
 * (no zone); then, if any, a colon and a port of 0–65535, which may be empty.
 */
export function hostOfAuthority(authority: string): string | undefined {
  const end = authority.startsWith('[') ? endOfAddress(authority) : endOfName(authority);
  if (end === -1 || !isPort(authority, end)) return undefined;
  const hasDot = authority.charCodeAt(end - 1) === 0x2e;
  return authority.slice(0, hasDot ? end - 1 : end).toLowerCase();
}

/** The index behind a registered name or IPv4 address, or -1. */
function endOfName(authority: string): number {
  let labelLength = 0;
  let i = 0;
  for (; i < authority.length; i++) {
    const code = authority.charCodeAt(i);
    if (code === 0x3a) break;
    if (code === 0x2e) {
      if (labelLength === 0) return -1;
      labelLength = 0;
    } else if (hostBytes[code] === 1) labelLength++;
    else return -1;
  }
  return i === 0 || i > maxHostBytes ? -1 : i;
}

/** The index behind `[address]`, or -1. */
function endOfAddress(authority: string): number {
  const close = authority.indexOf(']');
  return close !== -1 && isIpv6(authority.slice(1, close)) ? close + 1 : -1;
}

function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const isLastHalf = index === halves.length - 1;
    const found = half === '' ? 0 : groupsIn(half.split(':'), isLastHalf);
    if (found === -1) return false;
    groups += found;
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

/** How many 16-bit groups the parts make (an IPv4 tail makes two), or -1. */
function groupsIn(parts: readonly string[], mayEndInIpv4: boolean): number {
  let groups = 0;
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups += 1;
    else if (mayEndInIpv4 && index === parts.length - 1 && isIpv4(part)) groups += 2;
    else return -1;
  }
  return groups;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Whether authority[start…] is nothing, or a colon and a port. */
function isPort(authority: string, start: number): boolean {
  if (start === authority.length) return true;
  if (authority.charCodeAt(start) !== 0x3a || authority.length - start > 6) return false;
  let port = 0;
  for (let i = start + 1; i < authority.length; i++) {
    const digit = authority.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= maxPort;
}
