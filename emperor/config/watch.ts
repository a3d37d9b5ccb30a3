// chokidar as an alarm bell: it says that something changed, never what. Lost alarms do no harm, because the
// reconciler rescans from time to time anyway; where the kernel cannot watch, this file rings by the clock.
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { watch as chokidarWatch, type FSWatcher } from 'chokidar';
import { errnoOf, messageOf } from '../../lib/errors.ts';

export interface WatchOptions {
  readonly directory: string;
  /**
   * Something may have changed. Called as often as the kernel says so: the caller debounces. `file` is the name of an
   * entry that was written or put there, where that is known.
   */
  readonly onAlarm: (file?: string) => void;
  /**
   * Called at most once: the kernel cannot watch (no inotify watches left, say). From then on the alarm rings with
   * every check, and the caller's scan finds the changes.
   */
  readonly onWarning: (message: string) => void;
  /** How often to look whether the directory is still the one that is watched. Default 1000. */
  readonly checkEveryMs?: number;
  /** Opens the watch; a test puts a failing one here. */
  readonly open?: (directory: string) => FSWatcher;
}

export interface DirectoryWatch {
  /** False where only the clock rings: the kernel cannot watch, or the directory is missing at the moment. */
  readonly isWatching: boolean;
  /** Releases everything; no callback comes after it was called. Calling it again does nothing. */
  close(): Promise<void>;
}

/** Watches a directory, which may be missing now and may vanish, return or be replaced. Never throws. */
export function watchDirectory(options: WatchOptions): DirectoryWatch {
  return new Bell(options);
}

class Bell implements DirectoryWatch {
  readonly #options: WatchOptions;
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  /** Device and inode of the watched directory: a watch stays with the inode, wherever that is moved. */
  #watched: string | undefined;
  #isClosed = false;
  #hasFailed = false;
  #turn: Promise<void>;
  #isChecking = true;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#turn = this.#check();
    this.#timer = setInterval(() => {
      this.#onTick();
    }, options.checkEveryMs ?? 1000);
    this.#timer.unref();
  }

  get isWatching(): boolean {
    return this.#watcher !== undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#turn;
    await this.#closeWatcher();
  }

  #onTick(): void {
    if (this.#hasFailed) {
      this.#ring();
      return;
    }
    if (this.#isChecking) return;
    this.#isChecking = true;
    this.#turn = this.#check();
  }

  /** Opens the watch anew where the path no longer leads to the directory that is watched. Never rejects. */
  async #check(): Promise<void> {
    const identity = await identityOf(this.#options.directory);
    if (!this.#isClosed && identity !== this.#watched) {
      await this.#closeWatcher();
      this.#watched = identity;
      if (identity !== undefined) this.#openWatcher();
      this.#ring();
    }
    this.#isChecking = false;
  }

  #openWatcher(): void {
    try {
      const watcher = (this.#options.open ?? openChokidar)(this.#options.directory);
      this.#watcher = watcher;
      watcher.on('all', (event, path) => {
        this.#ring(event === 'add' || event === 'change' ? basename(path) : undefined);
      });
      // chokidar 5 drops a change within 50 ms of the one before; the kernel's own event is always told.
      watcher.on('raw', (event: string, path: string | null) => {
        this.#ring(event === 'change' && path !== null ? basename(path) : undefined);
      });
      // What changed between the caller's scan and this moment was heard by nobody.
      watcher.on('ready', () => {
        this.#ring();
      });
      watcher.on('error', (error) => {
        // An error of a single entry (a link that leads back to itself) is the scan's to tell; the watch goes on.
        if (isExhausted(error) || pathOf(error) === this.#options.directory) this.#onError(error);
      });
    } catch (error) {
      this.#onError(error);
    }
  }

  #onError(error: unknown): void {
    if (this.#hasFailed || this.#isClosed) return;
    this.#hasFailed = true;
    const why = isExhausted(error)
      ? `the system has no watches left (${messageOf(error)}; raise fs.inotify.max_user_watches or max_user_instances)`
      : messageOf(error);
    this.#options.onWarning(`changes are found by rescanning, because the directory cannot be watched: ${why}`);
    // After the check that may be under way, which else would set the watcher again.
    this.#turn = this.#turn.then(() => this.#closeWatcher());
  }

  #ring(file?: string): void {
    if (!this.#isClosed) this.#options.onAlarm(file);
  }

  async #closeWatcher(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    await watcher?.close();
  }
}

function openChokidar(directory: string): FSWatcher {
  return chokidarWatch(directory, {
    depth: 0,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    // Our own debounce and the settling of young files do what these two would do slower.
    awaitWriteFinish: false,
    atomic: false,
  });
}

function isExhausted(error: unknown): boolean {
  return ['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(errnoOf(error) ?? '');
}

function pathOf(error: unknown): unknown {
  return error instanceof Error && 'path' in error ? error.path : undefined;
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
