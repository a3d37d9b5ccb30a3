// The target of a request in the form that is forwarded: origin-form verbatim, `*`, or absolute-form turned into them.
// A path is never decoded, joined or cleaned: what the client sent is what the app sees.

/** `authority` is the one that absolute-form names; undefined in the other forms. */
export type ResolvedTarget =
  { readonly target: string; readonly authority: string | undefined } | { readonly reason: string };

/** Resolves a target whose first byte is not `/`. The bytes were checked: visible ASCII without `#`. */
export function resolveTarget(target: string, method: string): ResolvedTarget {
  if (target === '*') {
    if (method === 'OPTIONS') return { target, authority: undefined };
    return { reason: 'the target * is for OPTIONS only' };
  }
  const scheme = 'http://';
  if (target.slice(0, scheme.length).toLowerCase() !== scheme) {
    return { reason: 'the request target is neither a path nor an http:// URL' };
  }
  const end = endOfAuthority(target, scheme.length);
  return { target: pathOf(target.slice(end), method), authority: target.slice(scheme.length, end) };
}

function endOfAuthority(target: string, start: number): number {
  for (let i = start; i < target.length; i++) {
    const char = target[i];
    if (char === '/' || char === '?') return i;
  }
  return target.length;
}

function pathOf(rest: string, method: string): string {
  if (rest.startsWith('/')) return rest;
  // OPTIONS on a URL without path and query means the server as a whole (RFC 9112 section 3.2.4).
  if (rest === '' && method === 'OPTIONS') return '*';
  return `/${rest}`;
}
