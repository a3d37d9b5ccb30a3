// What the end of a worker process means, in words and as a kind of failure. Pure.
import { workerExit } from '../lib/exit-codes.ts';
import type { Failure } from '../lib/messages.ts';
import type { WorkerExit } from './worker-process.ts';

export interface WorkerDeath extends Pick<Failure, 'kind' | 'message'> {
  /** The process that ended had been ready. */
  readonly wasReady: boolean;
}

export interface Circumstances {
  readonly worker: number;
  /** It ran our worker-main, whose exit codes are ours. */
  readonly isNode: boolean;
  readonly wasReady: boolean;
  /** What the worker said about why it could not load the app. */
  readonly cannotLoad: string | undefined;
}

export function describeDeath(exit: WorkerExit, { worker, isNode, wasReady, cannotLoad }: Circumstances): WorkerDeath {
  const why = exit.isNotStarted ? exit.message : whyNotLoaded(exit, isNode, wasReady, cannotLoad);
  if (why !== undefined) return { kind: 'cannot-load', message: `worker ${worker}: ${why}`, wasReady };
  const how = exit.code === null ? `was ${exit.message}` : `ended with ${exit.message}`;
  return { kind: 'crashed', message: `worker ${worker} ${how}${wasReady ? '' : ' before it was ready'}`, wasReady };
}

function whyNotLoaded(
  { code, message }: WorkerExit,
  isNode: boolean,
  wasReady: boolean,
  cannotLoad: string | undefined,
): string | undefined {
  if (isNode) {
    return code === workerExit.cannotLoad ? `the app could not be loaded: ${cannotLoad ?? message}` : undefined;
  }
  // POSIX: what a shell exits with for a command that it cannot find, or may not run.
  if (!wasReady && code === 127) return `the command was not found (exit code 127)`;
  if (!wasReady && code === 126) return `the command could not be executed (exit code 126)`;
  return undefined;
}
