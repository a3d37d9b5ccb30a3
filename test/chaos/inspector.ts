// How many timers a running process has, asked through Node's own inspector: SIGUSR1 opens it, on a port of its own
// choice where the process was started with `--inspect-port=0`.
import { WebSocket } from 'ws';
import { waitFor, within } from '../harness/wait-for.ts';

/** For NODE_OPTIONS of what is to be inspected. */
export const inspectable = '--inspect-port=127.0.0.1:0';

export class Inspector {
  readonly #socket: WebSocket;
  #count = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** `log` gives what the process wrote to standard error since it was started, and perhaps what others did. */
  static async open(pid: number, log: () => string): Promise<Inspector> {
    const from = log().length;
    process.kill(pid, 'SIGUSR1');
    const url = await waitFor(() => /Debugger listening on (ws:\S+)/.exec(log().slice(from))?.[1], {
      what: `the inspector of ${pid}`,
    });
    const socket = new WebSocket(url);
    await within(new Promise((resolve) => socket.once('open', resolve)), { what: `a session with ${pid}` });
    return new Inspector(socket);
  }

  /** Armed timers that keep the process running, after what is garbage was collected. */
  async timers(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage', {});
    const expression = "process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length";
    const answer = await this.#call('Runtime.evaluate', { expression });
    return (answer as { result: { result: { value: number } } }).result.result.value;
  }

  close(): void {
    this.#socket.close();
  }

  async #call(method: string, params: object): Promise<unknown> {
    this.#count += 1;
    const id = this.#count;
    const answer = new Promise((resolve) => {
      const hear = (data: Buffer): void => {
        const message = JSON.parse(data.toString()) as { readonly id?: number };
        if (message.id !== id) return;
        this.#socket.off('message', hear);
        resolve(message);
      };
      this.#socket.on('message', hear);
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    return within(answer, { what: `the answer to ${method}` });
  }
}
