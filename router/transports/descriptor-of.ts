// The descriptor of a socket or a server of Node's. There is no public way to it; `_handle.fd` is there on every system
// with unix sockets.

/** Undefined where it is closed, or does not listen yet. */
export function descriptorOf(owner: object | undefined): number | undefined {
  const handle: unknown = owner === undefined ? undefined : Reflect.get(owner, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
