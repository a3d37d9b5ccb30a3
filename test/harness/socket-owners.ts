// Which processes have a descriptor of a TCP connection's server end, by /proc.
import { readdirSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tcpSockets } from './tcp-table.ts';

/** Of `pids`, those that have the other end of the client's connection. */
export function ownersOf(client: Socket, pids: readonly number[]): number[] {
  const inode = inodeOf(client);
  return inode === undefined ? [] : pids.filter((pid) => hasSocket(pid, inode));
}

function inodeOf({ localPort, remotePort }: Socket): string | undefined {
  if (localPort === undefined || remotePort === undefined) return undefined;
  return tcpSockets().find((other) => other.localPort === remotePort && other.remotePort === localPort)?.inode;
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
