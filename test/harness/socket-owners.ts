// Which processes have a descriptor of a TCP connection's server end, by /proc.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Of `pids`, those that have the other end of the client's connection. */
export function ownersOf(client: Socket, pids: readonly number[]): number[] {
  const inode = inodeOf(client);
  return inode === undefined ? [] : pids.filter((pid) => hasSocket(pid, inode));
}

function inodeOf({ localPort, remotePort }: Socket): string | undefined {
  if (localPort === undefined || remotePort === undefined) return undefined;
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', , , , , , , inode] = line.trim().split(/\s+/);
    if (portOf(local) === remotePort && portOf(remote) === localPort) return inode;
  }
  return undefined;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

function hasSocket(pid: number, inode: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
    } catch {
      // It was closed between the two looks.
      return false;
    }
  });
}
