// The two pipes that a worker writes its output to. Real pipes where the addon can make them, for programs that open
// /dev/stdout and /dev/stderr by name; Node's own socket pairs else. The worker's ends are closed here once it has them.
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { NativeAddon } from '../native/index.ts';

export interface OutputStreams {
  readonly out: Readable | null;
  readonly err: Readable | null;
}

export class OutputPipes {
  readonly #addon: NativeAddon | undefined;
  #writeEnds: readonly number[] = [];
  readonly #streams: OutputStreams | undefined;

  /** Throws the system error where no more descriptors can be opened. */
  constructor(addon: NativeAddon | undefined) {
    this.#addon = addon;
    if (addon === undefined) return;
    const [outRead, outWrite] = addon.createPipe();
    this.#writeEnds = [outWrite];
    const out = readEnd(outRead);
    try {
      const [errRead, errWrite] = addon.createPipe();
      this.#writeEnds = [outWrite, errWrite];
      this.#streams = { out, err: readEnd(errRead) };
    } catch (error) {
      out.destroy();
      this.closeWriteEnds();
      throw error;
    }
  }

  /** `stdio` with descriptors 1 and 2 replaced. */
  into(stdio: StdioOptions): StdioOptions {
    const [out, err] = this.#writeEnds;
    return out === undefined || err === undefined || !Array.isArray(stdio)
      ? stdio
      : [stdio[0], out, err, ...stdio.slice(3)];
  }

  /** What the worker writes. */
  of(child: ChildProcess): OutputStreams {
    return this.#streams ?? { out: child.stdout, err: child.stderr };
  }

  /** The worker has its own: only then does the end of the last writer end the pipe. */
  closeWriteEnds(): void {
    for (const fd of this.#writeEnds) this.#addon?.closeDescriptor(fd);
    this.#writeEnds = [];
  }

  /** There is no worker after all. */
  discard(): void {
    this.closeWriteEnds();
    this.#streams?.out?.destroy();
    this.#streams?.err?.destroy();
  }
}

function readEnd(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false });
}
