// A client program of the soak, in a process of its own: started, told to come to its end, asked for its counts.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Counts } from './clients/tally.ts';

/** What runs when it is told to end may be as slow as a slow reader is. */
const longestEndMs = 120_000;

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #program: string;
  #output = '';

  constructor(scope: Scope, program: 'load' | 'idle', args: readonly string[]) {
    this.#program = program;
    const file = fileURLToPath(new URL(`./clients/${program}.js`, import.meta.url));
    this.#child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    // It ends by itself; else with the scope.
    scope.after(() => this.#child.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async said(word: string, timeoutMs: number): Promise<void> {
    await waitFor(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`the clients (${this.#program}) ended early`);
        return this.#output.includes(word);
      },
      { what: `the clients (${this.#program}) to say ${word}`, timeoutMs },
    );
  }

  async end(): Promise<Counts> {
    this.#child.stdin?.end();
    await waitFor(() => this.#child.exitCode !== null && this.#output.endsWith('}\n'), {
      what: `the clients (${this.#program}) to end`,
      timeoutMs: longestEndMs,
    });
    return JSON.parse(this.#output.slice(this.#output.lastIndexOf('\n', this.#output.length - 2) + 1)) as Counts;
  }
}
