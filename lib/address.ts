// Addresses as users and messages write them: `:8080`, `127.0.0.1:8080`, `[::1]:80`, `8080`, `unix:/path`.

export type Address =
  | {
      readonly kind: 'tcp';
      /** Empty: every address of the machine, IPv6 and IPv4. */ readonly host: string;
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly path: string };

/** Parses an address; returns what is wrong with it as a string. Port 0 asks the kernel for a free one. */
export function parseAddress(text: string): Address | string {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path.startsWith('/') ? { kind: 'unix', path } : `"${text}" needs an absolute path after "unix:"`;
  }
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]/\s]*):)?(\d{1,5})$/.exec(text);
  if (match === null) return `"${text}" is not an address: write :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path`;
  const port = Number(match[3]);
  if (port > 65535) return `"${text}": a port is at most 65535`;
  const host = match[1] ?? match[2] ?? '';
  return { kind: 'tcp', host: host === '*' ? '' : host, port };
}

/** The one spelling of an address in messages, status and logs; parseAddress reads it back. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
