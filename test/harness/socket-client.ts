// A WebSocket client through the router that remembers what it heard and how it was closed.
import { WebSocket } from 'ws';
import type { Scope } from './scope.ts';
import { waitFor, within } from './wait-for.ts';

export class SocketClient {
  readonly heard: string[] = [];
  readonly socket: WebSocket;
  /** Null while the connection is open. */
  closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    // ws hands a text frame over as a Buffer unless it is told otherwise.
    socket.on('message', (data: Buffer) => this.heard.push(data.toString()));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => undefined);
  }

  /** Connects, or rejects with what the server answered instead. */
  static async open(t: Scope, port: number, host: string, path: string): Promise<SocketClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host } });
    t.after(() => {
      socket.terminate();
    });
    const client = new SocketClient(socket);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    await within(opened, { what: `a WebSocket to ${host}${path}` });
    return client;
  }

  say(text: string): void {
    this.socket.send(text);
  }

  /** Resolves with the first message from index `from` on for which `accepts` holds. */
  async hears(what: string, accepts: (message: string) => boolean, from = 0): Promise<string> {
    return waitFor(() => this.heard.slice(from).find(accepts), {
      what: `${what}; heard ${JSON.stringify(this.heard.slice(-3))}`,
    });
  }

  async closes(timeoutMs = 20_000): Promise<{ readonly code: number; readonly reason: string }> {
    return waitFor(() => this.closed ?? undefined, { what: 'the WebSocket to close', timeoutMs });
  }
}
