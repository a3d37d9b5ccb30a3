// The sockets of an instance: one shared by all workers and one for each, bound before any worker starts and kept
// open here, so that a socket and the connections queued in it outlive every worker. Accepts nothing itself.
import { rmSync } from 'node:fs';
import type { NativeAddon } from '../native/index.ts';
import { messageOf } from '../lib/errors.ts';
import { appSocket, isBindable, maxSocketPathBytes, workerSocket } from '../lib/run-dir.ts';

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
}

export interface SocketsOptions {
  readonly dir: string;
  readonly processes: number;
  readonly addon: NativeAddon | undefined;
  /** True for foreign programs, which may expect that accept() waits. Node sets what it needs itself. */
  readonly blocking: boolean;
}

export class Sockets {
  readonly #options: SocketsOptions;
  readonly #descriptors = new Map<string, number>();

  private constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /** Binds all sockets of the instance, or says why one could not be bound. */
  static bind(options: SocketsOptions): Sockets | { readonly problem: string } {
    const sockets = new Sockets(options);
    const problem = sockets.#bindAll();
    if (problem === undefined) return sockets;
    sockets.close();
    return { problem };
  }

  of(worker: number): WorkerSockets {
    const own = this.#socket(workerSocket(this.#options.dir, worker));
    const canShare = this.#options.addon !== undefined || this.#options.processes === 1;
    return { own, shared: canShare ? this.#socket(appSocket(this.#options.dir)) : undefined };
  }

  /** Closes the descriptors and removes the files: from here on a connect is refused. */
  close(): void {
    for (const fd of this.#descriptors.values()) this.#options.addon?.closeDescriptor(fd);
    this.#descriptors.clear();
    for (const path of this.#paths()) rmSync(path, { force: true });
  }

  #bindAll(): string | undefined {
    const { addon, blocking } = this.#options;
    for (const path of this.#paths()) {
      if (!isBindable(path)) return `the socket path ${path} is longer than ${maxSocketPathBytes} bytes`;
      try {
        // The directory is this generation's own: a file that is there already is a leftover.
        rmSync(path, { force: true });
        if (addon === undefined) continue;
        const fd = addon.listenUnix(path, backlog, mode);
        this.#descriptors.set(path, fd);
        if (blocking) addon.setBlocking(fd);
      } catch (error) {
        return `the socket ${path} cannot be bound: ${messageOf(error)}`;
      }
    }
    return undefined;
  }

  #socket(path: string): WorkerSocket {
    return { path, fd: this.#descriptors.get(path) };
  }

  #paths(): string[] {
    const { dir, processes } = this.#options;
    return [appSocket(dir), ...Array.from({ length: processes }, (_, index) => workerSocket(dir, index + 1))];
  }
}
