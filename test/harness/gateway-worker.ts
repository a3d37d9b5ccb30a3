// A gateway worker that is nothing but a socket: it records what the router says and answers as the test says. It reads
// requests by the specification alone, so that it shares no fault with the router's writer.
import { Buffer } from 'node:buffer';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TargetRoute } from '../../lib/routes.ts';
import { GatewayBody } from './gateway-body.ts';
import { readGatewayHead } from './gateway-head.ts';
import { socketPath } from './router-process.ts';
import { waitFor } from './wait-for.ts';

export interface GatewayRequest {
  readonly variables: ReadonlyMap<string, string>;
  readonly body: GatewayBody;
  readonly connection: GatewayConnection;
  /** Counted from 0 on its connection. */
  readonly index: number;
}

/** Answers one request; returns the text to send in latin-1, or acts on the connection itself. */
export type GatewayAnswer = (request: GatewayRequest) => string | undefined;

export class GatewayConnection {
  readonly socket: Socket;
  isClosed = false;
  isEnded = false;
  /** What was no request. */
  fault: string | undefined;
  readonly #worker: GatewayWorker;
  #head = '';
  #request: GatewayRequest | undefined;
  #requests = 0;

  constructor(worker: GatewayWorker, socket: Socket) {
    this.#worker = worker;
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      try {
        this.#read(bytes);
      } catch (error) {
        this.fault ??= String(error);
        socket.destroy();
      }
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
    this.socket.write(text, 'latin1');
  }

  #read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0 || this.#request !== undefined) {
      if (this.#request === undefined) rest = this.#readHead(rest);
      const request = this.#request;
      if (request === undefined) return;
      rest = request.body.take(rest);
      this.#worker.onBody(request);
      if (!request.body.isWhole) return;
      this.#request = undefined;
      this.#worker.onRequest(request);
    }
  }

  /** Returns what follows it. */
  #readHead(bytes: Buffer): Buffer {
    const before = this.#head.length;
    this.#head += bytes.toString('latin1');
    const head = readGatewayHead(this.#head);
    if (head === undefined) return bytes.subarray(bytes.length);
    const { variables, length } = head;
    this.#head = '';
    this.#request = { variables, body: new GatewayBody(variables), connection: this, index: this.#requests++ };
    this.#worker.heads.push(this.#request);
    this.#worker.onHead(this.#request);
    return bytes.subarray(length - before);
  }
}

export class GatewayWorker {
  readonly path: string;
  /** Those whose heads came, and those that came whole. */
  readonly heads: GatewayRequest[] = [];
  readonly requests: GatewayRequest[] = [];
  readonly connections: GatewayConnection[] = [];
  answer: GatewayAnswer;
  /** Called before the body is there, and with each piece of it. */
  onHead: (request: GatewayRequest) => void = () => undefined;
  onBody: (request: GatewayRequest) => void = () => undefined;
  readonly #server: Server;

  constructor(path: string, answer: GatewayAnswer) {
    this.path = path;
    this.answer = answer;
    this.#server = createServer((socket) => {
      this.connections.push(new GatewayConnection(this, socket));
    });
  }

  /** Fails the test in the end where anything came that is no request. */
  static async start(t: TestContext, answer: GatewayAnswer = () => ok(), path = socketPath(t)): Promise<GatewayWorker> {
    const worker = new GatewayWorker(path, answer);
    await new Promise<void>((resolve) => {
      worker.#server.listen(path, resolve);
    });
    t.after(() => worker.#stop());
    return worker;
  }

  /** As the route table lists it. */
  target(key: string, capacity: number | null = null): TargetRoute {
    return { key, address: `unix:${this.path}`, weight: 1, handoff: null, protocol: 'gateway', capacity };
  }

  onRequest(request: GatewayRequest): void {
    this.requests.push(request);
    const text = this.answer(request);
    if (text !== undefined) request.connection.send(text);
  }

  /** The nth request, once it came whole. */
  async request(nth = 0): Promise<GatewayRequest> {
    return waitFor(() => this.requests[nth], { what: `request ${nth} at the gateway worker; ${this.#faults()}` });
  }

  /** The nth head, whatever came of its body. */
  async head(nth = 0): Promise<GatewayRequest> {
    return waitFor(() => this.heads[nth], { what: `head ${nth} at the gateway worker; ${this.#faults()}` });
  }

  #faults(): string {
    return this.connections.map(({ fault }) => fault ?? '').join('');
  }

  async #stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    const faults = this.#faults();
    if (faults !== '') throw new Error(`what the gateway worker was sent is no request: ${faults}`);
  }
}

export const ok = (body = 'OK', fields = ''): string =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
