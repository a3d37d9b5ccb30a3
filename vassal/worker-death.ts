// What the end of a worker process means, in words and as a kind of failure. Pure.
import { workerExit } from '../lib/exit-codes.ts';
import type { Failure } from '../lib/vassal-messages.ts';
import type { Runtime } from './launch.ts';
import type { WorkerExit } from './worker-process.ts';

export interface WorkerDeath extends Pick<Failure, 'kind' | 'message'> {
  /** The process that ended had been ready. */
  readonly wasReady: boolean;
}

export interface Circumstances {
  readonly worker: number;
  /** What it ran. Workers of ours have our exit codes. */
  readonly runtime: Runtime;
  readonly wasReady: boolean;
  /** What the worker said about why it could not load the app. */
  readonly cannotLoad: string | undefined;
  /** The app's module has run to its end. */
  readonly isLoaded: boolean;
}

/** Node's, where nothing is left to happen and a top-level await still waits. */
const unsettledAwait = 13;

export function describeDeath(exit: WorkerExit, circumstances: Circumstances): WorkerDeath {
  const { worker, wasReady } = circumstances;
  const why = exit.isNotStarted ? exit.message : whyNotLoaded(exit, circumstances);
  if (why !== undefined) return { kind: 'cannot-load', message: `worker ${worker}: ${why}`, wasReady };
  const how = exit.code === null ? `was ${exit.message}` : `ended with ${exit.message}`;
  const when = wasReady ? '' : ` before it was ready${whatWasMissing(exit, circumstances)}`;
  return { kind: 'crashed', message: `worker ${worker} ${how}${when}`, wasReady };
}

function whyNotLoaded({ code, message }: WorkerExit, circumstances: Circumstances): string | undefined {
  const { runtime, wasReady, cannotLoad, isLoaded } = circumstances;
  if (runtime !== 'command') {
    if (runtime === 'node' && code === unsettledAwait && !isLoaded) {
      return 'the app could not be loaded: its top-level await can never end, for nothing is left to happen';
    }
    return code === workerExit.cannotLoad ? `the app could not be loaded: ${cannotLoad ?? message}` : undefined;
  }
  // POSIX: what a shell exits with for a command that it cannot find, or may not run.
  if (!wasReady && code === 127) return `the command was not found (exit code 127)`;
  if (!wasReady && code === 126) return `the command could not be executed (exit code 126)`;
  return undefined;
}

/** An exit code of 0 says that all went well: then somebody has to say what did not. */
function whatWasMissing({ code }: WorkerExit, { runtime, isLoaded }: Circumstances): string {
  if (code !== 0) return '';
  if (runtime === 'command') return ': a command has to stay in the foreground and serve on PORT or LISTEN_FDS';
  return isLoaded ? ': the app had not called listen() and exports no handler' : ': the app exited while it was loaded';
}
