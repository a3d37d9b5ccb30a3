// Binds the addresses that clients connect to. The emperor holds the descriptors and passes them to every router, so
// that the ports never close while a router is restarted; it never accepts a connection itself.
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { formatAddress, parseAddress, type Address } from '../lib/address.ts';
import { EmperorError, errnoOf, messageOf } from '../lib/errors.ts';
import type { Listener } from '../lib/listeners.ts';
import { native, type NativeAddon } from '../native/index.ts';
import { listenTcpOn } from '../native/listen-tcp.ts';
import { describeHolder } from './address-holder.ts';

/** Connections that may wait for an accept; the kernel lowers it to net.core.somaxconn. */
const backlog = 4096;
/** Anybody may connect to a public unix socket, as to a public port. */
const publicSocketMode = 0o666;

/** Binds all of them or throws an EmperorError that says which one failed and why; then none stays bound. */
export async function bindListeners(addresses: readonly string[]): Promise<readonly Listener[]> {
  const bound: Listener[] = [];
  try {
    for (const text of addresses) bound.push(await bind(checked(text)));
    return bound;
  } catch (error) {
    closeListeners(bound);
    throw error;
  }
}

/** Closes our descriptors and removes the files of unix sockets. Routers that inherited them go on accepting. */
export function closeListeners(listeners: readonly Listener[]): void {
  for (const { fd, address } of listeners) {
    if (fd !== undefined) native.addon?.closeDescriptor(fd);
    const parsed = parseAddress(address);
    if (typeof parsed !== 'string' && parsed.kind === 'unix') rmSync(parsed.path, { force: true });
  }
}

function checked(text: string): Address {
  const address = parseAddress(text);
  if (typeof address === 'string') throw new EmperorError('EMP_ADDRESS_INVALID', address);
  return address;
}

async function bind(address: Address): Promise<Listener> {
  try {
    if (address.kind === 'unix') await removeStaleSocket(address.path);
    return native.addon === undefined ? await probe(address) : await bindNatively(native.addon, address);
  } catch (error) {
    throw explain(error, address);
  }
}

async function bindNatively(addon: NativeAddon, address: Address): Promise<Listener> {
  if (address.kind === 'unix') {
    return { fd: addon.listenUnix(address.path, backlog, publicSocketMode), address: formatAddress(address) };
  }
  const fd = await listenTcpOn(addon, address.host, address.port, backlog);
  return { fd, address: formatAddress({ ...address, port: addon.localPort(fd) }) };
}

/**
 * Without the addon the router binds. We bind and close first: a taken port is then our error at the start, not a
 * router's for ever, and port 0 becomes one port that a restarted router gets again.
 */
async function probe(address: Address): Promise<Listener> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (address.kind === 'unix') server.listen(address.path, resolve);
    else server.listen({ port: address.port, ...(address.host === '' ? {} : { host: address.host }) }, resolve);
  });
  const at = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  const real =
    address.kind === 'tcp' && at !== null && typeof at === 'object' ? { ...address, port: at.port } : address;
  return { fd: undefined, address: formatAddress(real) };
}

/** The socket file of a process that is gone must go before its path can be bound; that of a living one stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const isStale = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => {
      resolve(errnoOf(error) === 'ECONNREFUSED');
    });
  });
  if (isStale) rmSync(path, { force: true });
}

function explain(error: unknown, address: Address): EmperorError {
  const text = formatAddress(address);
  switch (errnoOf(error) ?? '') {
    case 'EADDRINUSE':
      return new EmperorError('EMP_ADDRESS_IN_USE', describeHolder(address), {
        hint: 'end that process, or choose another address with --listen or `listen:` in emperor.yaml',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new EmperorError('EMP_ADDRESS_DENIED', `${text}: this user may not bind it`, {
        hint:
          address.kind === 'tcp' && address.port < 1024
            ? 'ports below 1024 need root, CAP_NET_BIND_SERVICE or the sysctl net.ipv4.ip_unprivileged_port_start'
            : 'choose an address that this user may bind',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new EmperorError('EMP_ADDRESS_INVALID', `${text}: no address of this machine`, { cause: error });
    default:
      return new EmperorError('EMP_ADDRESS_INVALID', `${text}: ${messageOf(error)}`, { cause: error });
  }
}
