// One run of a load program, to its end: on the load's cores, and gone with the benchmark.
import { startProcess } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { within as withinTime } from '../../harness/wait-for.ts';
import { cores, pinned } from '../cores.ts';
import { within } from '../scope.ts';

/** Longer than any load is asked to run. */
const longestMs = 120_000;

/** Resolves with what the program printed; rejects where it failed. */
export async function runLoad(scope: Scope, command: readonly string[]): Promise<string> {
  return within(scope, async (inner) => {
    const [program = '', ...args] = pinned(cores.load, command);
    const load = startProcess(inner, program, args);
    // Of exit and close only the latter comes after all of its output.
    const closed = new Promise<number | null>((resolve) => load.child.once('close', resolve));
    const failed = new Promise<never>((_resolve, reject) => load.child.once('error', reject));
    const code = await withinTime(Promise.race([closed, failed]), {
      what: `${command[0]} to end`,
      timeoutMs: longestMs,
    });
    if (code === 0) return load.stdout;
    throw new Error(`${command[0]} ended with code ${code}: ${load.stderr.slice(-500)}`);
  });
}
