// How the sockets of a worker of ours reach it: as descriptors behind its standard streams, where they are bound.
import type { IOType } from 'node:child_process';
import type { WorkerSockets, WorkerSocket } from './sockets.ts';
import type { ListenTarget } from './worker-messages.ts';

export interface PassedSockets {
  readonly own: ListenTarget;
  readonly shared: ListenTarget | null;
}

/** Adds what is inherited to `stdio`, and says where the worker finds it. */
export function passSockets(sockets: WorkerSockets, stdio: (IOType | 'ipc' | number)[]): PassedSockets {
  const pass = (socket: WorkerSocket): ListenTarget =>
    // push returns the new length: the descriptor's number in the worker is one less.
    socket.fd === undefined ? { path: socket.path } : { fd: stdio.push(socket.fd) - 1 };
  return { own: pass(sockets.own), shared: sockets.shared === undefined ? null : pass(sockets.shared) };
}
