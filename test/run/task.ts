// One command of a test run: a test file in a process of its own, or another program such as the linter.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { packageRoot } from '../harness/paths.ts';
import { countsOf, faultOf, testFaultOf, type Counts } from './verdict.ts';

export interface Task {
  readonly suite: string;
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  /** It prints node:test's summary, and is judged by that too. */
  readonly isTestFile: boolean;
  /** Computes all the time; else it mostly waits, for processes and for time. */
  readonly isBusy: boolean;
  /** Nothing else runs beside it. */
  readonly isAlone: boolean;
}

export interface Result {
  readonly task: Task;
  readonly seconds: number;
  /** Standard output and error as they came. */
  readonly output: string;
  readonly counts: Counts | undefined;
  /** In words; undefined: it passed. */
  readonly fault: string | undefined;
}

/** Far beyond the slowest: what hangs is to fail with its name and output, not to take the whole run down. */
const longestMs = 600_000;
/** How long a task that was asked to end has for it, and its outputs once it has ended. */
const lastWordMs = 5000;

export async function runTask(task: Task): Promise<Result> {
  const fromMs = performance.now();
  const [program, ...args] = task.command;
  const child = spawn(program, args, {
    cwd: packageRoot,
    env: { ...process.env, ...task.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', stop);
  let isOverdue = false;
  const overdue = setTimeout(() => {
    isOverdue = true;
    stop();
    setTimeout(() => child.kill('SIGKILL'), lastWordMs).unref();
  }, longestMs);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(overdue);
  process.off('exit', stop);
  const isSilent = await endsSoon(child);
  const ending = { code, signal, isOverdue, isSilent };
  const counts = task.isTestFile ? countsOf(output) : undefined;
  const fault = task.isTestFile ? testFaultOf(ending, counts) : faultOf(ending);
  return { task, seconds: (performance.now() - fromMs) / 1000, output, counts, fault };
}

/** Whether the outputs of a child that has exited end too; else another process has them still. */
async function endsSoon({ stdout, stderr }: ChildProcessByStdio<null, Readable, Readable>): Promise<boolean> {
  const timeout = AbortSignal.timeout(lastWordMs);
  const ends = [stdout, stderr].map(async (stream) => stream.readableEnded || once(stream, 'end', { signal: timeout }));
  try {
    await Promise.all(ends);
    return true;
  } catch {
    stdout.destroy();
    stderr.destroy();
    return false;
  }
}
