// The kernel's table of TCP sockets over IPv4, by /proc.
import { readFileSync } from 'node:fs';

export interface TcpSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** As the kernel writes it: `01` is established, `0A` listens. */
  readonly state: string;
  /** Kind and ticks until it is due: `02:00000BB8` is a keep-alive probe in 30 s. */
  readonly timer: string;
  readonly inode: string;
}

/** `pid`: a process in the network namespace that is meant. */
export function tcpSockets(pid: number | 'self' = 'self'): TcpSocket[] {
  return readFileSync(`/proc/${pid}/net/tcp`, 'latin1')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, local = '', remote = '', state = '', , timer = '', , , , inode = ''] = line.trim().split(/\s+/);
      return { localPort: portOf(local), remotePort: portOf(remote), state, timer, inode };
    });
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}
