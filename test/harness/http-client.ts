// HTTP as tests speak it: whole requests by node:http, and raw bytes on a socket where the bytes are the point.
import { request, type Agent, type IncomingHttpHeaders } from 'node:http';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { waitFor, within } from './wait-for.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Where to connect: a TCP port of the loopback address, or the path of a unix socket. */
export type Endpoint = number | string;

export interface Ask {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

/** One request, on a connection of its own unless an agent is given. */
export async function ask(endpoint: Endpoint, options: Ask = {}): Promise<Answer> {
  const {
    host = 'localhost',
    path = '/',
    method = 'GET',
    headers = {},
    body,
    agent = false,
    timeoutMs = 15_000,
  } = options;
  const answer = new Promise<Answer>((resolve, reject) => {
    const outgoing = request(
      { ...target(endpoint), path, method, headers: { host, ...headers }, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          });
        });
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  return within(answer, { what: `an answer to ${method} ${host}${path}`, timeoutMs });
}

/** Waits until nobody listens there any more. */
export async function refused(endpoint: Endpoint): Promise<void> {
  const isRefused = async (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(socketTarget(endpoint));
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', ({ code }: NodeJS.ErrnoException) => {
        resolve(code === 'ECONNREFUSED');
      });
    });
  await waitFor(isRefused, { what: `${endpoint} to be refused` });
}

/** A raw connection that collects, as latin-1 text, whatever arrives. */
export class RawConnection {
  readonly socket: Socket;
  received = '';
  isEnded = false;
  isClosed = false;
  #wake: (() => void)[] = [];

  /** `endpoint` may be a connection that is there already. */
  constructor(endpoint: Endpoint | Socket) {
    this.socket = typeof endpoint === 'object' ? endpoint : connect(socketTarget(endpoint));
    this.socket.setNoDelay(true);
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
      this.#changed();
    });
    this.socket.on('end', () => {
      this.isEnded = true;
      this.#changed();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      this.isEnded = true;
      this.#changed();
    });
  }

  write(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Ends our direction only. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Resolves once `accepts(received)` holds; rejects at the deadline, or when the peer ended before. */
  async until(what: string, accepts: (received: string) => boolean, timeoutMs = 10_000): Promise<string> {
    await within(
      this.#when(() => accepts(this.received) || this.isEnded),
      { what: () => `${what}; got ${JSON.stringify(this.received.slice(-300))}`, timeoutMs },
    );
    if (!accepts(this.received))
      throw new Error(`the connection ended before ${what}; got ${JSON.stringify(this.received.slice(-300))}`);
    return this.received;
  }

  /** Resolves when the peer has ended its direction or the connection is gone. */
  async ended(timeoutMs = 10_000): Promise<string> {
    await within(
      this.#when(() => this.isEnded),
      { what: () => `the end of the connection; got ${JSON.stringify(this.received.slice(-300))}`, timeoutMs },
    );
    return this.received;
  }

  async #when(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

/** Sends raw bytes and returns all that comes back until the peer ends. */
export async function rawExchange(endpoint: Endpoint, bytes: string, timeoutMs?: number): Promise<string> {
  const connection = new RawConnection(endpoint);
  connection.write(bytes);
  try {
    return await connection.ended(timeoutMs);
  } finally {
    connection.destroy();
  }
}

function target(endpoint: Endpoint): { host: string; port: number } | { socketPath: string } {
  return typeof endpoint === 'number' ? { host: '127.0.0.1', port: endpoint } : { socketPath: endpoint };
}

function socketTarget(endpoint: Endpoint): NetConnectOpts {
  const half = { allowHalfOpen: true };
  return typeof endpoint === 'number' ? { host: '127.0.0.1', port: endpoint, ...half } : { path: endpoint, ...half };
}
