// The end of a box: it is told to shut down, and then nothing of it may be left.
import { readdirSync } from 'node:fs';
import { processesOf } from '../harness/emperor-process.ts';
import { isAlive } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Box } from './box.ts';
import type { Violation } from './evidence.ts';

const invariant = '8: nothing is left';

/** Ends everything in an orderly way, says what is left nevertheless, and kills that. */
export async function leftovers(box: Box): Promise<readonly Violation[]> {
  const found: string[] = [];
  try {
    const pid = box.emperorPid;
    const { code, stderr } = await box.command('shutdown');
    if (code !== 0) found.push(`emperor shutdown ended with ${code}: ${stderr.slice(-1000)}`);
    await waitFor(() => !isAlive(pid), { what: `the emperor ${pid} to end`, timeoutMs: 60_000 });
  } catch (error) {
    found.push(error instanceof Error ? error.message : String(error));
  }
  for (const pid of processesOf(box.runDir)) {
    found.push(`process ${pid} is left`);
    process.kill(pid, 'SIGKILL');
  }
  const files = readdirSync(box.runDir);
  if (files.length > 0) found.push(`files are left in the run directory: ${files.join(', ')}`);
  return found.map((what) => ({ invariant, atMs: performance.now(), what }));
}
