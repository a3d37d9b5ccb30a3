// The processes of a box, found through /proc, and the exact moment in which one of them dies.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { tcpSockets } from '../harness/tcp-table.ts';

/** All pids whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return pids().filter((one) => statOf(one)?.parent === pid);
}

/**
 * Kills a router and returns the client ports of exactly those connections that it held. It is stopped first, so that
 * it accepts nothing between the look and the kill.
 */
export function killRouter(pid: number, publicPort: number): { readonly atMs: number; readonly ports: Set<number> } {
  freeze(pid);
  const ports = clientPortsOf(pid, publicPort);
  const atMs = performance.now();
  process.kill(pid, 'SIGKILL');
  return { atMs, ports };
}

/** Kills a process; false where it was gone already. */
export function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** True while the process holds a listening socket of the port. */
export function listensOn(pid: number, publicPort: number): boolean {
  try {
    const inodes = socketInodes(pid);
    return tcpSockets(pid).some(
      ({ localPort, state, inode }) => state === '0A' && localPort === publicPort && inodes.has(inode),
    );
  } catch {
    return false;
  }
}

/** Ports of the clients whose accepted connections the process holds. */
export function clientPortsOf(pid: number, publicPort: number): Set<number> {
  const inodes = socketInodes(pid);
  const held = tcpSockets(pid).filter(({ localPort, inode }) => localPort === publicPort && inodes.has(inode));
  return new Set(held.map(({ remotePort }) => remotePort).filter((port) => port !== 0));
}

function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // It was closed between the two looks.
    }
  }
  return inodes;
}

function freeze(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  const deadline = performance.now() + 2000;
  while (statOf(pid)?.state !== 'T' && performance.now() < deadline);
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
