// Clients that keep their connections: each asks, reads the whole answer and asks again at once. It remembers every answer
// that was not as it should be, and every connection that ended.
import { connect, type Socket } from 'node:net';
import type { Scope } from './scope.ts';
import { waitFor, within } from './wait-for.ts';

export interface KeptTrafficOptions {
  readonly port: number;
  readonly host: string;
  readonly clients: number;
  readonly path?: string;
}

/** One connection, and the request that is under way on it. */
interface Loop {
  readonly socket: Socket;
  received: string;
  isOver: boolean;
}

export class KeptTraffic {
  /** What went wrong, in words. */
  readonly failures: string[] = [];
  /** How often each body came. */
  readonly bodies = new Map<string, number>();
  answered = 0;
  readonly #request: string;
  readonly #loops: Loop[];
  #isStopping = false;

  private constructor({ port, host, clients, path = '/' }: KeptTrafficOptions) {
    this.#request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    this.#loops = Array.from({ length: clients }, () => this.#start(port));
  }

  static start(t: Scope, options: KeptTrafficOptions): KeptTraffic {
    const traffic = new KeptTraffic(options);
    t.after(() => {
      for (const { socket } of traffic.#loops) socket.destroy();
    });
    return traffic;
  }

  get sockets(): readonly Socket[] {
    return this.#loops.map(({ socket }) => socket);
  }

  /** Resolves when `count` further answers have come on each connection, on average. */
  async goesOn(count = 10): Promise<void> {
    const until = this.answered + count * this.#loops.length;
    await waitFor(() => this.answered >= until || this.failures.length > 0, {
      what: () => `${until - this.answered} more answers`,
      timeoutMs: 60_000,
    });
  }

  /** Resolves with the next answer whose body `accepts` takes. */
  async answers(what: string, accepts: (body: string) => boolean): Promise<void> {
    const known = new Map(this.bodies);
    await waitFor(
      () =>
        this.failures.length > 0 ||
        [...this.bodies].some(([body, count]) => accepts(body) && count > (known.get(body) ?? 0)),
      { what, timeoutMs: 60_000 },
    );
  }

  /** Lets every request end, and returns what failed. The connections stay open. */
  async stop(): Promise<readonly string[]> {
    this.#isStopping = true;
    const all = waitFor(() => this.#loops.every(({ isOver }) => isOver), {
      what: 'the last answers',
      timeoutMs: 60_000,
    });
    await within(all, { what: 'the last answers', timeoutMs: 60_000 });
    return this.failures;
  }

  #start(port: number): Loop {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const loop: Loop = { socket, received: '', isOver: false };
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      loop.received += text;
      this.#read(loop);
    });
    socket.on('error', (error) => {
      this.#fail(loop, error.message);
    });
    socket.on('end', () => {
      this.#fail(loop, 'the connection ended');
    });
    socket.write(this.#request);
    return loop;
  }

  #read(loop: Loop): void {
    const headEnd = loop.received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = loop.received.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    const end = headEnd + 4 + length;
    if (loop.received.length < end) return;
    const body = loop.received.slice(headEnd + 4, end);
    if (!head.startsWith('HTTP/1.1 200 ') || loop.received.length > end) this.#fail(loop, loop.received.slice(0, 500));
    loop.received = '';
    this.answered++;
    this.bodies.set(body, (this.bodies.get(body) ?? 0) + 1);
    if (this.#isStopping || loop.isOver) loop.isOver = true;
    else loop.socket.write(this.#request);
  }

  #fail(loop: Loop, what: string): void {
    // What happens to a connection after the test is done with it is nothing to it.
    if (!loop.isOver || !this.#isStopping) this.failures.push(what);
    loop.isOver = true;
  }
}
