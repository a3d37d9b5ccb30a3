// Real processes in tests: started with their output captured, ended with the test, and looked at through /proc.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import type { Scope } from './scope.ts';
import { waitFor, within } from './wait-for.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Further descriptors for the child, from 3 on. */
  readonly descriptors?: readonly number[];
}

/** A child process of the test. It is killed, with its process group, when the test ends. */
export class TestProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve({ code, signal });
      });
      child.once('error', () => {
        resolve({ code: null, signal: null });
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process did not start');
    return this.child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for the exit; the captured output is part of the error at the deadline. */
  async exit(timeoutMs = 20_000): Promise<Exit> {
    try {
      return await within(this.exited, { what: `process ${this.pid} to exit`, timeoutMs });
    } catch (error) {
      throw new Error(`${String(error)}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}`, { cause: error });
    }
  }

  /** Waits until standard output contains `text`. */
  async printed(text: string, timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.#stdout.includes(text), {
      what: () => `"${text}" on standard output; so far: ${this.#stdout}${this.#stderr}`,
      timeoutMs,
    });
  }
}

/** Starts a program in a process group of its own. */
export function startProcess(
  t: Scope,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): TestProcess {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])];
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio,
    detached: true,
  });
  const started = new TestProcess(child);
  t.after(async () => {
    if (child.pid === undefined) return;
    if (started.isRunning) child.kill('SIGKILL');
    await started.exited;
    killGroup(child.pid);
  });
  return started;
}

/** Starts one of our programs (a file of dist/) with the Node that runs the test. */
export function startProgram(
  t: Scope,
  entryPoint: string,
  args: readonly string[],
  options: StartOptions = {},
): TestProcess {
  return startProcess(t, process.execPath, ['--enable-source-maps', entryPoint, ...args], options);
}

export function isAlive(pid: number): boolean {
  const stat = statFields(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** Waits until the process is gone (a zombie counts as gone). */
export async function gone(pid: number, timeoutMs = 10_000): Promise<void> {
  await waitFor(() => !isAlive(pid), { what: `process ${pid} to end`, timeoutMs });
}

/** All living descendants of a process, by /proc. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statFields(Number(entry));
    if (stat === undefined || stat.state === 'Z') continue;
    children.set(stat.ppid, [...(children.get(stat.ppid) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  const pending = [pid];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const child of children.get(next) ?? []) {
      found.push(child);
      pending.push(child);
    }
  }
  return found;
}

/** Number of open descriptors of a process. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident bytes of a process. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
}

function statFields(pid: number): { state: string; ppid: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === undefined ? undefined : { state, ppid: Number(ppid) };
  } catch {
    return undefined;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No process of the group is left.
  }
}
