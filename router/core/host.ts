// What a `domains` entry means: which hosts it takes and below which path. Pure.

export interface Domain {
  /** `exact`: this host. `wildcard`: any host below `host` (`*.host`). `any`: every host (`*`); host is then empty. */
  readonly kind: 'exact' | 'wildcard' | 'any';
  readonly host: string;
  /** `/path` without a trailing slash; empty where the whole host is taken. */
  readonly prefix: string;
}

/** Reads `host`, `*.host` or `*`, each with an optional `/path`. */
export function parseDomain(domain: string): Domain {
  const slash = domain.indexOf('/');
  const host = (slash === -1 ? domain : domain.slice(0, slash)).toLowerCase();
  const prefix = slash === -1 ? '' : domain.slice(slash).replace(/\/+$/, '');
  if (host === '*') return { kind: 'any', host: '', prefix };
  if (host.startsWith('*.')) return { kind: 'wildcard', host: host.slice(2), prefix };
  return { kind: 'exact', host, prefix };
}

/**
 * True where a request target lies at or below a prefix, on a segment boundary: `/shop` takes `/shop`, `/shop/1`
 * and `/shop?page=2`, not `/shopping`. An empty prefix takes every target.
 */
export function isBelow(target: string, prefix: string): boolean {
  if (prefix === '') return true;
  if (!target.startsWith(prefix)) return false;
  const next = target.charCodeAt(prefix.length);
  return Number.isNaN(next) || next === slashCode || next === questionMarkCode;
}

const slashCode = 0x2f;
const questionMarkCode = 0x3f;
