// The contract of the native addon and its loader. The addon does what Node cannot; everything it offers is
// declared here, and `native.missing` says what a machine without it goes without.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { ChannelAddon } from './channel.ts';
import { reactorLayout, type ReactorAddon } from './reactor.ts';

/** Who is at the other end of a connected unix socket, as the kernel recorded it at connect time. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** A datagram that a process sent to a notify socket, with the sender's pid as the kernel vouches for it. */
export interface Notification {
  readonly pid: number;
  /** `READY=1\nSTATUS=…` as sd_notify(3) sends it, at most 4096 bytes. */
  readonly text: string;
}

export interface NotifySocket {
  /** May be called again, and from within the callback. Leaves the socket's file: its directory's owner removes it. */
  close(): void;
}

export interface ProcessWatch {
  /** Watches no longer; may be called again, and from within the callback. */
  close(): void;
}

/**
 * Functions throw a system error (`code`, `syscall`, `errno`, as Node's own do) when a system call fails, and a
 * TypeError or RangeError for an argument that could never do. Where the system has no such thing the code is ENOTSUP.
 * Descriptors they return are close-on-exec, non-blocking, and belong to the caller.
 */
export interface NativeAddon extends ChannelAddon, ReactorAddon {
  /**
   * Binds and listens on TCP without accepting. `host` is a numeric address (`::` takes IPv4 as well); port 0 picks a
   * free one; `backlog` is at least 1. Returns the descriptor.
   */
  listenTcp(host: string, port: number, backlog: number): number;
  /**
   * Binds and listens on a unix socket without accepting; `mode` (0 to 0o777) is the socket file's, whatever the umask.
   * A file that is there already is EADDRINUSE: the caller decides what it is worth. Returns the descriptor.
   */
  listenUnix(path: string, backlog: number, mode: number): number;
  /** The local port of a bound TCP descriptor; 0 where it is not bound. */
  localPort(fd: number): number;
  closeDescriptor(fd: number): void;
  /** A second descriptor of the same open file. */
  duplicateDescriptor(fd: number): number;
  /** Ends both directions of a connection, whoever else has a descriptor of it; one that has ended is as wanted. */
  shutdownSocket(fd: number): void;
  /**
   * As shutdownSocket, but so that the peer cannot take it for a regular end (TCP on Linux: RST; what it was not sent
   * yet is dropped).
   */
  abortSocket(fd: number): void;
  /**
   * Clears O_NONBLOCK. The flag belongs to the open socket, so every process that shares it sees the change: for what
   * is handed to a foreign program, which by sd_listen_fds(3) may expect that accept() waits.
   */
  setBlocking(fd: number): void;
  /** For a descriptor that came through execve: children started from now on do not inherit it. */
  setCloseOnExec(fd: number): void;
  /** SO_PEERCRED of a connected unix socket's descriptor; ENOTCONN for any other socket. */
  peerCredentials(fd: number): PeerCredentials;
  /**
   * Sends `bytes` (at least one) with descriptors (at most 64) over a connected unix socket (SCM_RIGHTS). Non-blocking:
   * EAGAIN where nothing fits. Returns how many bytes went; a short count means that the descriptors went with them
   * and that the rest of the bytes is to be sent by itself.
   */
  sendDescriptors(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number;
  /**
   * Receives what sendDescriptors sent: undefined where nothing is there yet; empty bytes at end of file. At most
   * 64 KiB a call, and never the descriptors of two sends at once, though the bytes before them may come along.
   * EMSGSIZE where descriptors were lost or are more than 64: those that came are closed, the connection is worthless.
   */
  receiveDescriptors(fd: number): { readonly bytes: Uint8Array; readonly descriptors: readonly number[] } | undefined;
  /** A pair of connected, non-blocking unix stream sockets. */
  socketPair(): readonly [number, number];
  /**
   * A pipe: [read end, write end], the read end non-blocking. Node's own `stdio: 'pipe'` is a pair of sockets, which
   * a child cannot open by name: `echo … > /dev/stderr` fails there with ENXIO.
   */
  createPipe(): readonly [number, number];
  /**
   * Binds a datagram socket at `path` (a leading `@` is the abstract namespace) that every user may send to, and calls
   * `onNotification` for each datagram, until closed. It does not keep the event loop alive by itself. Datagrams that
   * are too long or whose sender is unknown are dropped; descriptors that come with one are closed after the callback,
   * which is what sd_notify_barrier(3) waits for.
   */
  openNotifySocket(path: string, onNotification: (notification: Notification) => void): NotifySocket;
  /** Sends one sd_notify(3) datagram to `path` (a leading `@` is the abstract namespace). EAGAIN where its queue is full. */
  sendNotification(path: string, text: string): void;
  /** PR_SET_CHILD_SUBREAPER: orphaned descendants become this process's children. */
  becomeSubreaper(): void;
  /**
   * Reaps that one child (pid > 1) if it has ended; false if it runs or is no child of this process. Never waits, and
   * is not for a child that Node spawned: libuv would never hear of its exit.
   */
  reap(pid: number): boolean;
  /**
   * PR_SET_PDEATHSIG: the kernel sends `signal` (0: none) to this process when the thread that started it ends, which
   * is the parent's main thread only if that is where it was spawned. A parent that is gone already sends nothing, so
   * look at `process.ppid` afterwards.
   */
  setParentDeathSignal(signal: number): void;
  /**
   * Calls `onEnd` once, when that process (a child or not) has ended; it may be a zombie then. ESRCH where it is gone,
   * ENOSYS on Linux before 5.3. It does not keep the event loop alive by itself.
   */
  watchProcess(pid: number, onEnd: () => void): ProcessWatch;
  /**
   * execve(2): this process becomes the program `path`, under the same pid, with signals as from a shell. `environment`
   * holds `NAME=value`. Of the open descriptors 0, 1, 2 and those named (3 and above) pass along. Returns only by
   * throwing, and then everything is as before. For the main thread only; nothing is flushed and no handler runs.
   *
   * Node has `process.execve` from 22.15 on, which keeps none but 0, 1 and 2; this goes with Node 20 when that does and
   * Node's passes descriptors.
   */
  execute(path: string, argv: readonly string[], environment: readonly string[], descriptors: readonly number[]): never;
}

export type NativeStatus =
  | { readonly addon: NativeAddon; readonly missing: undefined }
  | { readonly addon: undefined; /** Why it is not there, in words. */ readonly missing: string };

/** `EMPEROR_NO_NATIVE=1` leaves the addon out, as on a machine without a compiler. */
export const noNativeVariable = 'EMPEROR_NO_NATIVE';

const rebuild = '`npm run build:native` builds it';

/** Every function, so that an addon built from older sources is found out at once and not by its first use. */
const functions: readonly string[] = Object.keys({
  listenTcp: true,
  listenUnix: true,
  localPort: true,
  closeDescriptor: true,
  duplicateDescriptor: true,
  shutdownSocket: true,
  abortSocket: true,
  setBlocking: true,
  setCloseOnExec: true,
  createPipe: true,
  peerCredentials: true,
  sendDescriptors: true,
  receiveDescriptors: true,
  socketPair: true,
  openChannelServer: true,
  connectChannel: true,
  createSharedBytes: true,
  mapSharedBytes: true,
  openNotifySocket: true,
  sendNotification: true,
  becomeSubreaper: true,
  reap: true,
  setParentDeathSignal: true,
  watchProcess: true,
  execute: true,
  createReactor: true,
  reactorLayout: true,
} satisfies Record<keyof NativeAddon, true>);

/** The addon, loaded once per process. Never throws. */
export const native: NativeStatus = load();

function load(): NativeStatus {
  if (process.env[noNativeVariable] === '1') return missing(`left out by ${noNativeVariable}=1`);
  // This file is dist/native/index.js when it runs.
  return loadAddon(fileURLToPath(new URL('../..', import.meta.url)));
}

/** Loads the addon that was built in `directory`, or says why it cannot be used. Never throws. */
export function loadAddon(directory: string): NativeStatus {
  const require = createRequire(import.meta.url);
  let loaded: unknown;
  try {
    // Where `npm install` puts it; looking through what node-gyp-build considers would cost every start 3 ms.
    const built = join(directory, 'build/Release/emperor_native.node');
    const nodeGypBuild = (): unknown => (require('node-gyp-build') as (directory: string) => unknown)(directory);
    loaded = existsSync(built) ? require(built) : nodeGypBuild();
  } catch (error) {
    return missing(`${reasonOf(error)}; ${rebuild}`);
  }
  const absent = functions.filter((name) => !hasFunction(loaded, name));
  if (absent.length > 0) return missing(`it was built from other sources (no ${absent.join(', ')}); ${rebuild}`);
  const addon = loaded as NativeAddon;
  // Its numbers mean something only to those who have the same.
  if (!isDeepStrictEqual(addon.reactorLayout(), reactorLayout)) {
    return missing(`it was built from other sources (another layout of the reactor); ${rebuild}`);
  }
  return { addon, missing: undefined };
}

function missing(reason: string): NativeStatus {
  return { addon: undefined, missing: reason };
}

function hasFunction(loaded: unknown, name: string): boolean {
  return typeof loaded === 'object' && loaded !== null && typeof Reflect.get(loaded, name) === 'function';
}

/** The first line: what follows in node-gyp-build's and dlopen's messages is a trail of paths. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}
