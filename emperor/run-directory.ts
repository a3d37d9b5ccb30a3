// The run directory belongs to one emperor at a time. Claiming it refuses beside a living emperor, naming its pid,
// and takes over from a dead one: what its children need stays, what nobody owns is removed.
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { EmperorError, errnoOf, messageOf } from '../lib/errors.ts';
import { controlSocket, isBindable, maxSocketPathBytes } from '../lib/run-dir.ts';
import { allPids, commandLine, isAlive, startTime } from './proc.ts';

export interface ClaimedRunDir {
  readonly path: string;
  readonly controlPath: string;
  /** An emperor was here and ended without cleaning up: its children may still run and dial in. */
  readonly hadPredecessor: boolean;
  /** Gives the directory up; safe to call twice. */
  release(): void;
}

/**
 * Makes the directory (mode 0700) and claims it, or throws an EmperorError that says why not. After an upgrade it is
 * ours already: the lock bears our pid, and the control socket listens all along.
 */
export async function claimRunDir(path: string, isUpgrade = false): Promise<ClaimedRunDir> {
  const controlPath = controlSocket(path);
  if (!isBindable(controlPath)) {
    const message = `${controlPath} is too long for a socket: ${Buffer.byteLength(controlPath)} bytes, at most ${maxSocketPathBytes}`;
    throw new EmperorError('EMP_PATH_TOO_LONG', message, { hint: 'choose a shorter --run-dir' });
  }
  makePrivate(path);
  if (!isUpgrade && (await answers(controlPath))) throw inUse(path, readHolder(path)?.pid);
  const pidFile = join(path, 'emperor.pid');
  // An emperor that failed to start after a crash leaves neither lock nor socket; the children of the crashed one live.
  const hadPredecessor =
    takeLock(path, pidFile) || isUpgrade || exists(controlPath) || findOrphans(controlPath).length > 0;
  if (!isUpgrade) rmSync(controlPath, { force: true });
  return {
    path,
    controlPath,
    hadPredecessor,
    release: () => {
      rmSync(controlPath, { force: true });
      rmSync(pidFile, { force: true });
    },
  };
}

/** Living processes of a former emperor that will dial `controlPath`; empty where there is no /proc to look into. */
export function findOrphans(controlPath: string): readonly number[] {
  return allPids().filter((pid) => {
    if (pid === process.pid || !isAlive(pid)) return false;
    const args = (commandLine(pid) ?? '').split(' ');
    return args[args.indexOf('--control') + 1] === controlPath && args.includes('--control');
  });
}

function makePrivate(path: string): void {
  try {
    const made = mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid } = statSync(path);
    const own = process.getuid?.() ?? uid;
    if (uid !== own && own !== 0) {
      const message = `${path} belongs to another user (uid ${uid})`;
      throw new EmperorError('EMP_RUN_DIR_UNUSABLE', message, { hint: 'choose another one with --run-dir' });
    }
    // Through control.sock everything can be done, so nobody else may reach it.
    if (made === undefined) chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof EmperorError) throw error;
    throw new EmperorError('EMP_RUN_DIR_UNUSABLE', `${path} cannot be used: ${messageOf(error)}`, {
      hint: 'choose another one with --run-dir, or EMPEROR_RUN_DIR',
      cause: error,
    });
  }
}

/** Does anybody accept on the control socket? */
async function answers(controlPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(controlPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      // EAGAIN: it listens, but its queue is full.
      resolve(errnoOf(error) === 'EAGAIN');
    });
  });
}

/**
 * The pid file closes the gap between two emperors that start in the same moment, when neither listens yet. Returns
 * whether a dead emperor's lock had to be taken over.
 */
function takeLock(path: string, pidFile: string): boolean {
  const content = `${process.pid} ${startTime(process.pid) ?? ''}\n`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(pidFile, content, { flag: 'wx', mode: 0o600 });
      return attempt > 1;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') {
        throw new EmperorError('EMP_RUN_DIR_UNUSABLE', `${pidFile} cannot be written: ${messageOf(error)}`, {
          cause: error,
        });
      }
      const holder = readHolder(path);
      // The same process under another program: an upgrade.
      if (holder?.isAlive === true && holder.pid === process.pid) return true;
      if (holder?.isAlive === true || attempt > 3) throw inUse(path, holder?.pid);
      rmSync(pidFile, { force: true });
    }
  }
}

function readHolder(path: string): { readonly pid: number; readonly isAlive: boolean } | undefined {
  try {
    const [pid, started] = readFileSync(join(path, 'emperor.pid'), 'utf8').trim().split(' ');
    const number = Number(pid);
    if (!Number.isInteger(number) || number <= 0) return undefined;
    const isSame = started === undefined || started === startTime(number);
    return { pid: number, isAlive: isSame && isAlive(number) };
  } catch {
    return undefined;
  }
}

function inUse(path: string, pid: number | undefined): EmperorError {
  const who = pid === undefined ? 'another emperor' : `another emperor (pid ${pid})`;
  return new EmperorError('EMP_RUN_DIR_IN_USE', `${who} already runs in ${path}`, {
    hint: 'end it with `emperor shutdown`, or start this one with another --run-dir',
  });
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
