// The line protocol between the emperor and its children: one JSON object a line over a unix socket.
// A line that is no JSON object, or is too long, ends the connection: the peer is broken or not one of ours.
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** Longest line accepted. A route table of 10,000 apps takes about 4 MB. */
const maxLineBytes = 64 * 1024 * 1024;

export interface ChannelHandlers {
  onMessage(message: unknown): void;
  /** Called once, whoever ended the connection; `error` says why if it was a fault. */
  onClose(error: Error | undefined): void;
}

/** One end of a connection. It owns the socket from construction on. */
export class Channel {
  readonly #socket: Socket;
  readonly #handlers: ChannelHandlers;
  readonly #decoder = new StringDecoder('utf8');
  #pieces: string[] = [];
  #pendingLength = 0;
  #closed = false;
  #error: Error | undefined;

  constructor(socket: Socket, handlers: ChannelHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('data', (chunk: Buffer) => {
      this.#onData(this.#decoder.write(chunk));
    });
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#handlers.onClose(this.#error);
    });
  }

  /** Sends a message; after the connection closed it does nothing (the caller learns by onClose). */
  send(message: object): void {
    if (this.#closed || this.#socket.destroyed) return;
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Flushes what was sent and ends the connection. */
  close(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #onData(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = this.#pieces.join('') + text.slice(start, end);
      this.#pieces = [];
      this.#pendingLength = 0;
      start = end + 1;
      this.#onLine(line);
      if (this.#socket.destroyed) return;
    }
    if (start === text.length) return;
    this.#pieces.push(text.slice(start));
    this.#pendingLength += text.length - start;
    if (this.#pendingLength > maxLineBytes) this.destroy(new Error(`line longer than ${maxLineBytes} bytes`));
  }

  #onLine(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.destroy(new Error(`not a line of JSON: ${line.slice(0, 80)}`));
      return;
    }
    this.#handlers.onMessage(message);
  }
}
