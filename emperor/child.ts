// One process that we started, or that an emperor before us started and we adopted. It tells once when the process
// is gone, and can end it together with everything in its process group; what left the group is the process sweep's.
// It decides nothing.
import { spawn } from 'node:child_process';
import type { Clock, Timer } from '../lib/clock.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { native, type ProcessWatch } from '../native/index.ts';
import { isAlive, startTime } from './proc.ts';

export interface ChildExit {
  /** Null where a signal ended it, it never started, or it was adopted (only a parent learns the code). */
  readonly code: number | null;
  /** What the process did, in words: `ended with exit code 1`, `was killed by SIGKILL`. */
  readonly message: string;
}

export interface Child {
  /** Undefined where the process could not be started; the exit follows then. */
  readonly pid: number | undefined;
  readonly isAdopted: boolean;
  /** KILL to the process group, which outlives its leader while a worker lives. */
  killTree(): void;
  /** Watches it no longer; it goes on. */
  release(): void;
}

export interface SpawnOptions {
  /** A program of ours (lib/entry-points). */
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Passed on as descriptors 3, 4, … */
  readonly descriptors?: readonly number[];
  readonly onExit: (exit: ChildExit) => void;
}

/** Starts a program in a session of its own, so that Ctrl-C and our own end do not reach it. */
export function spawnChild(options: SpawnOptions): Child {
  const { onExit } = options;
  let isOver = false;
  const end = (exit: ChildExit): void => {
    if (isOver) return;
    isOver = true;
    onExit(exit);
  };
  const flags = process.execArgv.filter((flag) => flag === '--enable-source-maps');
  try {
    const child = spawn(process.execPath, [...flags, options.entryPoint, ...options.args], {
      detached: true,
      // Its log goes where ours goes, also after our death; standard input is the operator's.
      stdio: ['ignore', 'inherit', 'inherit', ...(options.descriptors ?? [])],
      env: options.env,
    });
    child.once('error', (error) => {
      end({ code: null, message: `could not be started: ${error.message}` });
    });
    child.once('exit', (code, signal) => {
      end({ code, message: signal === null ? `ended with exit code ${code ?? 0}` : `was killed by ${signal}` });
    });
    // The emperor may end before its children do (it was told to hurry, or crashed).
    child.unref();
    const { pid } = child;
    return {
      pid,
      isAdopted: false,
      killTree: () => {
        if (pid !== undefined) killGroup(pid);
      },
      release: () => {
        isOver = true;
      },
    };
  } catch (error) {
    // spawn throws for EAGAIN, EMFILE and the like on some versions instead of emitting `error`.
    setImmediate(() => {
      end({ code: null, message: `could not be started: ${messageOf(error)}` });
    });
    return { pid: undefined, isAdopted: false, killTree: () => undefined, release: () => undefined };
  }
}

/** How often an adopted process is looked at where the kernel cannot tell us of its death. */
const adoptedPollMs = 250;

/** Watches a process that libuv does not know: another emperor's, or our own from before an upgrade. */
export function adoptChild(pid: number, clock: Clock, onExit: (exit: ChildExit) => void): Child {
  const started = startTime(pid);
  const isSame = (): boolean => isAlive(pid) && startTime(pid) === started;
  let timer: Timer | undefined;
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    timer?.cancel();
    if (isSame()) {
      timer = clock.after(adoptedPollMs, look);
      return;
    }
    isOver = true;
    watch?.close();
    // After an upgrade it is our child still, and a zombie until we take note of it.
    native.addon?.reap(pid);
    onExit({ code: null, message: 'ended (with what code is unknown: another emperor had started it)' });
  };
  const watch = watchProcess(pid, look);
  timer = clock.after(watch === undefined ? adoptedPollMs : 0, look);
  return {
    pid,
    isAdopted: true,
    killTree: () => {
      // A pid that was given to somebody else in the meantime is left alone.
      if (isSame() || startTime(pid) === undefined) killGroup(pid);
      timer?.cancel();
      timer = clock.after(0, look);
    },
    release: () => {
      isOver = true;
      timer?.cancel();
      watch?.close();
    },
  };
}

/** Undefined without the addon, on another system than Linux, before Linux 5.3, and where the process is gone. */
function watchProcess(pid: number, onEnd: () => void): ProcessWatch | undefined {
  try {
    return native.addon?.watchProcess(pid, onEnd);
  } catch {
    return undefined;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nobody is left. EPERM: what is left runs as another user, and is not ours to end.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error;
  }
}
