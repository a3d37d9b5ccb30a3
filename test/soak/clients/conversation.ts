// One raw client connection: bytes out as its owner cuts them, whole answers in, and an end of whatever kind.
import { connect, type Socket } from 'node:net';

export type Ending = 'reset' | 'close' | 'end';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Where {
  readonly port: number;
  readonly host: string;
  /** The address to connect from: one has some 28,000 ports. */
  readonly from?: string;
}

/** Whatever it waits for is there long before, or never comes. */
const longestMs = 30_000;
const endOfHead = '\r\n\r\n';

export class Conversation {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#wake?.();
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  static async open({ port, host, from }: Where): Promise<Conversation> {
    const socket = connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.on('error', reject);
    });
    return new Conversation(socket, host);
  }

  /** It is gone, by whomever. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(text: string | Buffer): void {
    this.#socket.write(text);
  }

  head(method: string, path: string, fields: readonly string[] = []): string {
    return [`${method} ${path} HTTP/1.1`, `Host: ${this.#host}`, ...fields, '', ''].join('\r\n');
  }

  async ask(path: string): Promise<Answer> {
    this.write(this.head('GET', path));
    return this.answer();
  }

  /** The next answer, whole; its length must be declared. */
  async answer(): Promise<Answer> {
    const { status, length } = await this.answerHead();
    await this.#until(`${length} bytes of an answer`, () => this.#received.length >= length);
    return { status, body: this.#take(length) };
  }

  /** The head of the next answer. */
  async answerHead(): Promise<{ readonly status: number; readonly length: number }> {
    await this.#until('the head of an answer', () => this.#received.includes(endOfHead));
    const head = this.#take(this.#received.indexOf(endOfHead) + endOfHead.length).toString('latin1');
    const length = Number(/^content-length: *(\d+)\r$/im.exec(head)?.[1] ?? 0);
    return { status: Number(head.slice('HTTP/1.1 '.length).slice(0, 3)), length };
  }

  /** The next bytes, so many of them. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(`${count} bytes`, () => this.#received.length >= count);
    return this.#take(count);
  }

  /** `end`: our direction only, so that the other side has to end, too. Resolves when the connection is gone. */
  async finish(how: Ending): Promise<void> {
    if (how === 'reset') this.#socket.resetAndDestroy();
    else if (how === 'close') this.#socket.destroy();
    else this.#socket.end();
    const deadline = performance.now() + longestMs;
    while (!this.#isClosed) {
      if (performance.now() > deadline) {
        this.#socket.destroy();
        throw new Error(`the other side did not end in ${longestMs} ms`);
      }
      await this.#next();
      // It is not read any more.
      this.#received = Buffer.alloc(0);
    }
  }

  async #until(what: string, isThere: () => boolean): Promise<void> {
    const deadline = performance.now() + longestMs;
    while (!isThere()) {
      if (this.#isClosed) throw new Error(`closed before ${what}`);
      if (performance.now() > deadline) throw new Error(`no ${what} in ${longestMs} ms`);
      await this.#next();
    }
  }

  /** Resolves with whatever happens next, or when it is time to ask how late it is. */
  async #next(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, longestMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #take(count: number): Buffer {
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }
}
