// Which process holds an address that we wanted? The kernel's socket tables give the socket's inode, and the
// descriptors of the processes give who has it open. Processes of other users cannot be looked into.
import { readFileSync } from 'node:fs';
import { formatAddress, type Address } from '../lib/address.ts';
import { allPids, commandLine, descriptorLinks } from './proc.ts';

/** `process 4711 (nginx: master process …)`; undefined where it cannot be found. */
function findHolder(address: Address): string | undefined {
  const sockets = new Set(inodesOf(address).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of allPids()) {
    if (pid === process.pid || !descriptorLinks(pid).some((link) => sockets.has(link))) continue;
    const command = commandLine(pid) ?? '';
    const shown = command.length > 80 ? `${command.slice(0, 79)}…` : command;
    return shown === '' ? `process ${pid}` : `process ${pid} (${shown})`;
  }
  return undefined;
}

/** The sentence for the user about an address that is taken. */
export function describeHolder(address: Address): string {
  const holder = findHolder(address);
  const who = holder ?? 'another process (which one is not visible to this user)';
  return `${formatAddress(address)} is already in use by ${who}`;
}

function inodesOf(address: Address): readonly string[] {
  if (address.kind === 'unix') {
    // Num RefCount Protocol Flags Type St Inode Path
    return table('unix').flatMap((fields) =>
      fields[7] === address.path && fields[6] !== undefined ? [fields[6]] : [],
    );
  }
  const listening = '0A';
  const port = address.port.toString(16).toUpperCase().padStart(4, '0');
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
  return [...table('tcp'), ...table('tcp6')].flatMap((fields) =>
    fields[3] === listening && fields[1]?.endsWith(`:${port}`) === true && fields[9] !== undefined ? [fields[9]] : [],
  );
}

function table(name: string): readonly (readonly string[])[] {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}
