// From an exchange to a tunnel: the worker has agreed to another protocol (101), and both connections leave HTTP.
import type { Assignment } from './assignment.ts';
import type { Edge } from './edge.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { Tunnel, type TunnelResult } from './tunnel.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

export interface Upgrade {
  readonly client: ExchangeClient;
  /** Keeps its lease. */
  readonly assignment: Assignment;
  readonly upstream: UpstreamConnection;
  /** What the worker agreed to. */
  readonly protocol: string;
  readonly onOver: (result: TunnelResult) => void;
}

/** The 101 was written. What came behind the request goes through the tunnel first. */
export function openTunnel(edge: Edge, { client, assignment, upstream, protocol, onOver }: Upgrade): Tunnel {
  assignment.detachUpstream();
  const early = client.detach();
  const tunnel = new Tunnel({
    edge,
    holder: assignment,
    client: client.stream,
    worker: upstream.detach(),
    isWebSocket: protocol.toLowerCase() === 'websocket',
    onOver,
    onGone: () => {
      client.onTunnelGone();
    },
  });
  const { handler } = client.stream;
  if (early !== undefined) handler.onData(early, 0, early.length);
  return tunnel;
}
