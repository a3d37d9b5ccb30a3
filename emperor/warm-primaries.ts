// Primaries started on suspicion: a config file just changed, and while the change settles a process can boot. If a
// generation is started it takes the waiting one; if nothing comes of it, the process is ended. It knows no apps.
import type { Clock, Timer } from '../lib/clock.ts';
import { entryPoints } from '../lib/entry-points.ts';
import type { VassalHello } from '../lib/vassal-messages.ts';
import { spawnChild, type Child, type ChildExit } from './child.ts';
import type { Connection } from './connection.ts';

export interface WarmPrimariesOptions {
  readonly clock: Clock;
  readonly controlPath: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A primary that runs and was not told yet what to run. */
export interface WarmPrimary {
  readonly child: Child;
  /** What it said when it dialled in; undefined where it has not yet. */
  readonly dialled: { readonly connection: Connection; readonly hello: VassalHello } | undefined;
}

interface Entry {
  readonly generation: number;
  readonly child: Child;
  readonly timer: Timer;
  dialled: WarmPrimary['dialled'];
  onExit: (exit: ChildExit) => void;
}

/** Debounce, scan and plan take a fraction of it; a file that is still being written is worth no longer wait. */
const unusedMs = 2000;

export class WarmPrimaries {
  readonly #options: WarmPrimariesOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: WarmPrimariesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Starts a primary for a generation that may be asked for. Does nothing where one waits already. */
  warm(name: string, generation: number): void {
    if (this.#entries.has(name)) return;
    const entry: Entry = {
      generation,
      child: this.spawn(name, generation, (exit) => {
        entry.onExit(exit);
      }),
      timer: this.#options.clock.after(unusedMs, () => {
        this.#end(name);
      }),
      dialled: undefined,
      onExit: () => {
        this.#drop(name);
      },
    };
    this.#entries.set(name, entry);
  }

  /** Hands out the primary of exactly this generation, if one waits; its exit is then told to `onExit`. */
  take(name: string, generation: number, onExit: (exit: ChildExit) => void): WarmPrimary | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.generation !== generation) {
      this.#end(name);
      return undefined;
    }
    this.#drop(name);
    entry.onExit = onExit;
    return entry;
  }

  /** A primary dialled in: true where it is one of these, which then waits on. */
  onHello(connection: Connection, hello: VassalHello): boolean {
    const entry = this.#entries.get(hello.name);
    if (entry === undefined || entry.child.pid !== hello.pid) return false;
    entry.dialled = { connection, hello };
    return true;
  }

  /** Ends all that wait. */
  endAll(): void {
    for (const name of [...this.#entries.keys()]) this.#end(name);
  }

  /** Starts a primary that somebody asked for. */
  spawn(name: string, generation: number, onExit: (exit: ChildExit) => void): Child {
    const { env, controlPath } = this.#options;
    return spawnChild({
      entryPoint: entryPoints.vassal,
      args: ['--name', name, '--generation', String(generation), '--control', controlPath],
      env,
      onExit,
    });
  }

  #end(name: string): void {
    const entry = this.#entries.get(name);
    this.#drop(name);
    // It has no workers and no socket: nothing is lost with it.
    entry?.child.killTree();
  }

  #drop(name: string): void {
    this.#entries.get(name)?.timer.cancel();
    this.#entries.delete(name);
  }
}
