// The emperor's end of control.sock, played by a test: it records what a child says and answers by hand.
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Scope } from './scope.ts';
import { Channel } from '../../lib/channel.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

/** One child's connection, with every message it sent. */
export class ControlConnection {
  readonly messages: Record<string, unknown>[] = [];
  isOpen = true;
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  send(message: object): void {
    this.#channel.send(message);
  }

  /** Cuts the connection, as an emperor that dies does. */
  destroy(): void {
    this.#channel.destroy();
  }

  /** Resolves with the first message, past or future, for which `accepts` holds. */
  async message(
    what: string,
    accepts: (message: Record<string, unknown>) => boolean,
    timeoutMs?: number,
  ): Promise<Record<string, unknown>> {
    return waitFor(() => this.messages.find(accepts), {
      what: () => `${what}; got ${this.#types()}`,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  #types(): string {
    return JSON.stringify(this.messages.slice(-3)).slice(0, 500);
  }
}

export class ControlListener {
  readonly path: string;
  readonly connections: ControlConnection[] = [];
  readonly #server: Server;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => {
      const channel = new Channel(socket, {
        onMessage: (message) => {
          connection.messages.push(message as Record<string, unknown>);
        },
        onClose: () => {
          connection.isOpen = false;
        },
      });
      const connection = new ControlConnection(channel);
      this.connections.push(connection);
    });
  }

  static async start(t: Scope, path = join(tempDir(t), 'control.sock')): Promise<ControlListener> {
    const listener = new ControlListener(path);
    await new Promise<void>((resolve) => {
      listener.#server.listen(path, resolve);
    });
    t.after(() => listener.stop());
    return listener;
  }

  /** Waits for the `nth` (from 0) connection and its hello. */
  async child(nth = 0, timeoutMs = 15_000): Promise<ControlConnection> {
    const connection = await waitFor(() => this.connections[nth], {
      what: `connection ${nth} to control.sock`,
      timeoutMs,
    });
    await connection.message('hello', ({ type }) => type === 'hello', timeoutMs);
    return connection;
  }

  /** Closes the socket and every connection, as the emperor's death does. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}
