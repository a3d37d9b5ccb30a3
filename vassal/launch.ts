// What it takes to start one worker process: the runtimes make it, worker-process.ts carries it out.
import type { StdioOptions } from 'node:child_process';
import type { WorkerProtocol } from '../lib/routes.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { Variables } from './environment.ts';
import type { WorkerSockets } from './sockets.ts';

export type Runtime = 'node' | 'python' | 'command';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Variables;
  readonly stdio: StdioOptions;
  /** What is started, in words, for the message that it could not be: `the command "ruby"`, `Node (/opt/node)`. */
  readonly what: string;
  /** Where it takes requests unless its readiness proves another place: `unix:/path`. */
  readonly address: string;
  /** What it is spoken to in at `address`, by routers and by our probes. */
  readonly protocol: WorkerProtocol;
  /** Most requests that a router gives it at a time, at least 1; null: no bound. */
  readonly capacity: number | null;
  /** Where it takes client connections over, once it says that it does; undefined for a runtime that never does. */
  readonly handoff: string | undefined;
  /** The port it was given; undefined for a runtime that has none. */
  readonly port: number | undefined;
  /** Whose exit codes and habits it has; that of `command` may be any program. */
  readonly runtime: Runtime;
  /** True where the process speaks our worker protocol over IPC, and so tells by itself when it listens. */
  readonly tellsListening: boolean;
  /** The stop signal goes to all its processes: a shell that waits for its command does not pass it on. */
  readonly signalsTree: boolean;
}

/** What the runtimes are given for each process of a worker. */
export interface LaunchRequest {
  readonly spec: VassalSpec;
  readonly worker: number;
  /** How many workers the instance keeps now. */
  readonly processes: number;
  readonly sockets: WorkerSockets;
  /** The app's variables and the worker's identity, NOTIFY_SOCKET included where there is one. */
  readonly env: Variables;
  readonly hasAddon: boolean;
}

/** A launch, or why there can be none (it names what the user has to change). */
export type LaunchResult = Launch | { readonly problem: string };
