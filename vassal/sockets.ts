// The sockets of an instance: one shared by all workers and one for each, bound before its worker starts and kept
// open here, so that a socket and the connections queued in it outlive every process. Accepts nothing itself.
import { rmSync } from 'node:fs';
import type { NativeAddon } from '../native/index.ts';
import { messageOf } from '../lib/errors.ts';
import { appSocket, handoffSocket, isBindable, maxSocketPathBytes, workerSocket } from '../lib/run-dir.ts';

/** The kernel caps it at net.core.somaxconn. Long, for connections wait here while a worker is replaced. */
export const backlog = 4096;
/** Owner and group may connect: a front server of the same group can be pointed at app.sock. */
const mode = 0o660;

/** How a worker comes to a socket: by an inherited descriptor, or (without the addon) by binding the path itself. */
export interface WorkerSocket {
  readonly path: string;
  readonly fd: number | undefined;
}

export interface WorkerSockets {
  readonly own: WorkerSocket;
  /** Undefined where it cannot be shared: without the addon, between several workers. */
  readonly shared: WorkerSocket | undefined;
  /** Where it may take client connections over; it binds this itself, for nobody waits there. Undefined: nowhere. */
  readonly handoff: string | undefined;
}

export interface SocketsOptions {
  readonly dir: string;
  readonly addon: NativeAddon | undefined;
  /** True for foreign programs, which may expect that accept() waits. Node sets what it needs itself. */
  readonly blocking: boolean;
  /** False: no worker is given the shared socket. Without the addon only the first worker is, who binds it itself. */
  readonly isShared: boolean;
  /** Workers may take client connections over. Without the addon none can. */
  readonly handsOver: boolean;
}

export class Sockets {
  readonly #options: SocketsOptions;
  /** What is bound, or left to a worker to bind, with its descriptor in the first case. */
  readonly #paths = new Map<string, number | undefined>();

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /** Binds the shared socket and those of workers 1 … processes. Returns why one could not be bound. */
  bind(processes: number): string | undefined {
    let problem = this.#bind(appSocket(this.#options.dir));
    for (let worker = 1; problem === undefined && worker <= processes; worker++) problem = this.add(worker);
    return problem;
  }

  /** Binds the socket of one worker, unless that is done. Returns why it could not be bound. */
  add(worker: number): string | undefined {
    return this.#bind(workerSocket(this.#options.dir, worker));
  }

  of(worker: number): WorkerSockets {
    const { dir, addon, isShared } = this.#options;
    const own = this.#socket(workerSocket(dir, worker));
    const canShare = isShared && (addon !== undefined || worker === 1);
    return { own, shared: canShare ? this.#socket(appSocket(dir)) : undefined, handoff: this.#handoff(worker) };
  }

  /** The worker is gone for good: from here on a connect to its socket is refused. */
  release(worker: number): void {
    this.#release(workerSocket(this.#options.dir, worker));
    this.#release(handoffSocket(this.#options.dir, worker));
  }

  /** Closes the descriptors and removes the files. */
  close(): void {
    for (const path of [...this.#paths.keys()]) this.#release(path);
  }

  #bind(path: string): string | undefined {
    if (this.#paths.has(path)) return undefined;
    if (!isBindable(path)) return `the socket path ${path} is longer than ${maxSocketPathBytes} bytes`;
    const { addon, blocking } = this.#options;
    try {
      // The directory is this generation's own: a file that is there already is a leftover.
      rmSync(path, { force: true });
      const fd = addon?.listenUnix(path, backlog, mode);
      this.#paths.set(path, fd);
      if (fd !== undefined && blocking) addon?.setBlocking(fd);
      return undefined;
    } catch (error) {
      return `the socket ${path} cannot be bound: ${messageOf(error)}`;
    }
  }

  /** Where its path is too long for a socket, one worker more goes without: nothing depends on it. */
  #handoff(worker: number): string | undefined {
    const { dir, addon, handsOver } = this.#options;
    const path = handoffSocket(dir, worker);
    if (!handsOver || addon === undefined || !isBindable(path)) return undefined;
    this.#paths.set(path, undefined);
    return path;
  }

  #release(path: string): void {
    const fd = this.#paths.get(path);
    if (fd !== undefined) this.#options.addon?.closeDescriptor(fd);
    this.#paths.delete(path);
    rmSync(path, { force: true });
  }

  #socket(path: string): WorkerSocket {
    return { path, fd: this.#paths.get(path) };
  }
}
