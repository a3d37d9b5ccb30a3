// A worker that is nothing but a socket: it records the raw bytes of every connection and answers as the test says.
// Its framing of requests is its own and simple, so that it does not share a fault with the router's parser.
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { waitFor } from './wait-for.ts';
import { socketPath } from './router-process.ts';

/** One request as it came, in latin-1. */
export interface RecordedRequest {
  readonly head: string;
  readonly requestLine: string;
  /** Field lines as they came, without CRLF. */
  readonly lines: readonly string[];
  /** By lower-case name: the values in their order. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
  readonly connection: WorkerConnection;
  /** Counted from 0 on its connection. */
  readonly index: number;
}

/** Answers one request; returns the bytes to send, or acts on the connection itself. */
export type Answer = (request: RecordedRequest) => string | undefined;

export const ok = (body = 'OK', fields = ''): string =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;

export class WorkerConnection {
  readonly socket: Socket;
  /** Everything that came, in latin-1. */
  received = '';
  isClosed = false;
  isEnded = false;
  readonly #worker: RecordingWorker;
  #parsed = 0;
  #requests = 0;

  constructor(worker: RecordingWorker, socket: Socket) {
    this.#worker = worker;
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      this.#worker.onBytes(this);
      this.#parse();
    });
    socket.on('end', () => {
      this.isEnded = true;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Lets go of what was read of it as requests. */
  forget(): void {
    this.received = Buffer.from(this.received.slice(this.#parsed), 'latin1').toString('latin1');
    this.#parsed = 0;
  }

  #parse(): void {
    for (;;) {
      const rest = this.received.slice(this.#parsed);
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = rest.slice(0, end);
      const [requestLine = '', ...lines] = head.split('\r\n');
      const fields = fieldsOf(lines);
      const body = readBody(rest.slice(end + 4), fields);
      if (body === undefined) return;
      this.#parsed += end + 4 + body.length;
      const request = { head, requestLine, lines, fields, body: body.text, connection: this, index: this.#requests++ };
      this.#worker.onRequest(request);
    }
  }
}

export class RecordingWorker {
  readonly path: string;
  readonly requests: RecordedRequest[] = [];
  readonly connections: WorkerConnection[] = [];
  answer: Answer;
  /** Called with each piece of bytes, before a request in it is answered. */
  onBytes: (connection: WorkerConnection) => void = () => undefined;
  readonly #server: Server;

  constructor(path: string, answer: Answer) {
    this.path = path;
    this.answer = answer;
    this.#server = createServer((socket) => {
      this.connections.push(new WorkerConnection(this, socket));
    });
  }

  static async start(t: TestContext, answer: Answer = () => ok(), path = socketPath(t)): Promise<RecordingWorker> {
    const worker = new RecordingWorker(path, answer);
    await worker.listen();
    t.after(() => worker.stop());
    return worker;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.path, resolve);
    });
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** Lets go of what it recorded, for a test without end. */
  forget(): void {
    this.requests.length = 0;
    const open = this.connections.filter(({ isClosed }) => !isClosed);
    this.connections.splice(0, Infinity, ...open);
    for (const connection of open) connection.forget();
  }

  onRequest(request: RecordedRequest): void {
    this.requests.push(request);
    const bytes = this.answer(request);
    if (bytes !== undefined) request.connection.send(bytes);
  }

  /** The nth request, once it came whole. */
  async request(nth = 0): Promise<RecordedRequest> {
    return waitFor(() => this.requests[nth], { what: `request ${nth} at the worker` });
  }
}

export function fieldsOf(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return fields;
}

/** The body at the start of `rest` with its framed length, or undefined while it is not whole. */
function readBody(
  rest: string,
  fields: ReadonlyMap<string, readonly string[]>,
): { text: string; length: number } | undefined {
  if (fields.get('transfer-encoding')?.[0] !== 'chunked') {
    const length = Number(fields.get('content-length')?.[0] ?? 0);
    return rest.length < length ? undefined : { text: rest.slice(0, length), length };
  }
  return readChunks(rest);
}

function readChunks(rest: string): { text: string; length: number } | undefined {
  let text = '';
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (size === 0) {
      const end = rest.slice(lineEnd).search(/\r\n\r\n/);
      return end === -1 ? undefined : { text, length: lineEnd + end + 4 };
    }
    at = lineEnd + 2 + size + 2;
    if (rest.length < at) return undefined;
    text += rest.slice(lineEnd + 2, at - 2);
  }
}
