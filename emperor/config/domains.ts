// What `domains` may say, brought to the one spelling that routes are compared by: lower case, ASCII, no trailing
// dot, no trailing slash. What can never match a request is a problem and not silently dead.
import { domainToASCII } from 'node:url';
import { describeInput } from '../../lib/spec/fields.ts';

export type DomainResult =
  | { readonly ok: true; readonly domain: string }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Normalises `host`, `*.host` or `*`, each with an optional `/path`. */
export function normaliseDomain(written: string): DomainResult {
  const shown = describeInput(written);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(written);
  if (scheme !== null) {
    return refuse(
      `expected a host, got ${shown} with a scheme`,
      `leave ${scheme[1] ?? ''}:// away: write ${scheme[2] ?? ''}`,
    );
  }
  if (/[\s\u0000-\u001f\u007f]/.test(written)) {
    return refuse(
      `expected a host without spaces, got ${shown}`,
      'write several hosts as a list: [one.example, two.example]',
    );
  }
  const slash = written.indexOf('/');
  const host = slash === -1 ? written : written.slice(0, slash);
  const path = slash === -1 ? '' : written.slice(slash);
  const pathFault = checkPath(path, shown);
  if (pathFault !== undefined) return pathFault;
  const result = normaliseHost(host, shown);
  return result.ok ? { ok: true, domain: `${result.domain}${path.replace(/\/+$/, '')}` } : result;
}

/** The domain of a file that names none: its own name if that has a dot, else `<name>.localhost`. */
export function defaultDomain(name: string): DomainResult {
  return normaliseDomain(name.includes('.') ? name : `${name}.localhost`);
}

function normaliseHost(host: string, shown: string): DomainResult {
  if (host === '*') return { ok: true, domain: host };
  const isWildcard = host.startsWith('*.');
  const bare = isWildcard ? host.slice(2) : host;
  const refused = refuseHost(bare, shown);
  if (refused !== undefined) return refused;
  const ascii = toAscii(bare.endsWith('.') ? bare.slice(0, -1) : bare);
  const fault = hostFault(ascii, bare);
  if (fault !== undefined) return refuse(`${fault}, got ${shown}`, 'write a host such as shop.example.com');
  return { ok: true, domain: isWildcard ? `*.${ascii}` : ascii };
}

/** What users of other servers write, and what it is called here. */
function refuseHost(host: string, shown: string): DomainResult | undefined {
  if (host.startsWith('[') || host.split(':').length > 2) {
    return refuse(`expected a host name or an IPv4 address, got ${shown}`, 'an IPv6 address cannot be a domain');
  }
  const port = /:(.*)$/.exec(host)?.[1];
  if (port !== undefined) {
    const hint = `leave :${port} away; the ports are those of listen in emperor.yaml`;
    return refuse(`expected a host, got ${shown} with a port`, hint);
  }
  if (host === '_') return refuse('expected a host, got "_"', 'write "*" for every host that no other app takes');
  if (host.includes('*')) {
    const hint = 'write "*.example.com", or "*" for every host';
    return refuse(`expected * alone or as the first label, got ${shown}`, hint);
  }
  return undefined;
}

/** Lower case; names beyond ASCII as browsers send them (xn--…). Empty where there is no such name. */
function toAscii(host: string): string {
  // ASCII names are not given to domainToASCII: it would rewrite numbers (0x7f.1) into addresses.
  return /^[\u0000-\u007f]*$/.test(host) ? host.toLowerCase() : domainToASCII(host);
}

function hostFault(ascii: string, written: string): string | undefined {
  if (written === '') return 'expected a host';
  if (ascii === '') return 'expected a host that domain names allow';
  if (ascii.length > 253) return 'expected a host of at most 253 characters';
  for (const label of ascii.split('.')) {
    if (label === '') return 'expected a host without empty labels (two dots in a row)';
    if (label.length > 63) return 'expected labels of at most 63 characters';
    // The underscore is in no host name of the RFCs, but browsers send it, and file names have it.
    if (!/^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label)) return 'expected letters, digits, - and dots';
  }
  return undefined;
}

function checkPath(path: string, shown: string): DomainResult | undefined {
  if (/[?#]/.test(path)) return refuse(`expected a path without ? and #, got ${shown}`, 'write host/path');
  if (path.includes('//'))
    return refuse(`expected a path without empty segments (//), got ${shown}`, 'write host/path');
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    return refuse(`expected a path without . and .. segments, got ${shown}`, 'write the path that clients request');
  }
  if (!/^[\u0021-\u007e]*$/.test(path) || /["<>\\^`{|}*]|%(?![0-9A-Fa-f]{2})/.test(path)) {
    return refuse(
      `expected a path as it stands in a request, got ${shown}`,
      'write other characters percent-encoded, as %C3%A9',
    );
  }
  return undefined;
}

function refuse(message: string, hint: string): DomainResult {
  return { ok: false, message, hint };
}
