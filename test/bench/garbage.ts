// Has another Node process collect its garbage, through its inspector: what it holds shows then, and not when V8 last
// found time. The process must have been started with the flag; a signal opens its inspector.
import { WebSocket } from 'undici';
import { waitFor } from '../harness/wait-for.ts';

/** For NODE_OPTIONS: any free port, for all that run at the same time. */
export const inspectable = '--inspect-port=0';

const answerMs = 10_000;

export class GarbageCollector {
  readonly #pid: number;
  readonly #stderr: () => string;
  #address: string | undefined;

  /** `stderr`: what it wrote so far; it says there where its inspector is, and nobody else does. */
  constructor(pid: number, stderr: () => string) {
    this.#pid = pid;
    this.#stderr = stderr;
  }

  /** Resolves when all that nobody refers to is gone. */
  async collect(): Promise<void> {
    this.#address ??= await this.#open();
    await ask(this.#address, 'HeapProfiler.collectGarbage');
  }

  async #open(): Promise<string> {
    process.kill(this.#pid, 'SIGUSR1');
    return await waitFor(() => /Debugger listening on (ws:\S+)/.exec(this.#stderr())?.[1], {
      what: `process ${this.#pid} to open its inspector`,
    });
  }
}

async function ask(address: string, method: string): Promise<void> {
  const socket = new WebSocket(address);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(reject, answerMs, new Error(`${method}: no answer in ${answerMs} ms`));
      socket.addEventListener('open', () => {
        socket.send(JSON.stringify({ id: 1, method }));
      });
      socket.addEventListener('message', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.addEventListener('error', () => {
        clearTimeout(timer);
        reject(new Error(`${method}: the inspector cannot be reached at ${address}`));
      });
    });
  } finally {
    socket.close();
  }
}
