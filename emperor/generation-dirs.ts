// The directories below `vassals/`: one per generation, and the link to the live one. A failing file system is
// reported to the caller in words and never throws: the emperor outlives a full disk.
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { appSocket, generationDir, liveSocketLink, vassalDir, vassalsDir } from '../lib/run-dir.ts';

/** Ended generations of one app whose logs are kept; each is at most 20 MB. */
const keptLogs = 3;

/** Undefined where it went well, else what did not. */
export type Outcome = string | undefined;

export class GenerationDirs {
  readonly #runDir: string;

  constructor(runDir: string) {
    this.#runDir = runDir;
  }

  path(name: string, generation: number): string {
    return generationDir(this.#runDir, name, generation);
  }

  make(name: string, generation: number): Outcome {
    return attempt(() => {
      const dir = this.path(name, generation);
      // A leftover of the same number would hold sockets that cannot be bound again.
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    });
  }

  /**
   * The generation ended: its log is kept for `emperor logs`, all else of it goes, and so do the oldest kept logs.
   * `inUse` are the generations of the app that still have instances.
   */
  retire(name: string, generation: number, inUse: ReadonlySet<number>): Outcome {
    return attempt(() => {
      const dir = this.path(name, generation);
      for (const entry of entries(dir)) {
        if (entry !== 'log' && entry !== 'log.1') rmSync(join(dir, entry), { recursive: true, force: true });
      }
      const ended = (this.list().get(name) ?? []).filter((one) => !inUse.has(one)).sort((a, b) => b - a);
      for (const one of ended.slice(keptLogs)) rmSync(this.path(name, one), { recursive: true, force: true });
    });
  }

  removeApp(name: string): Outcome {
    return attempt(() => {
      rmSync(vassalDir(this.#runDir, name), { recursive: true, force: true });
    });
  }

  removeAll(): Outcome {
    return attempt(() => {
      rmSync(vassalsDir(this.#runDir), { recursive: true, force: true });
    });
  }

  /** Points `<name>/app.sock` at the live generation; whoever connects meets the old or the new one, never none. */
  link(name: string, generation: number): Outcome {
    return attempt(() => {
      const link = liveSocketLink(this.#runDir, name);
      const next = `${link}.${process.pid}`;
      rmSync(next, { force: true });
      symlinkSync(appSocket(String(generation)), next);
      renameSync(next, link);
    });
  }

  /** The generation that `link` was last called with; undefined where it never was. */
  linked(name: string): number | undefined {
    try {
      return Number.parseInt(readlinkSync(liveSocketLink(this.#runDir, name)), 10) || undefined;
    } catch {
      return undefined;
    }
  }

  /** Every generation that has a directory, by app. */
  list(): ReadonlyMap<string, readonly number[]> {
    return new Map(
      entries(vassalsDir(this.#runDir)).map((name) => [
        name,
        entries(vassalDir(this.#runDir, name))
          .filter((entry) => /^\d+$/.test(entry))
          .map(Number),
      ]),
    );
  }
}

function entries(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function attempt(act: () => void): Outcome {
  try {
    act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
