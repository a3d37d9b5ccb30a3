// A router that does nothing but hand its clients' connections over to one worker: it records what it is told, and
// serves what is not the app's by a server of its own.
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import type { FromWorker, HandoffReport, HandoffRules, ToWorker } from '../../lib/handoff.ts';
import { handoffVersion } from '../../lib/handoff.ts';
import type { ChannelHandler, DescriptorChannel } from '../../native/channel.ts';
import { RawConnection } from './http-client.ts';
import { addonUnderTest } from './native-addon.ts';
import type { Scope } from './scope.ts';
import { waitFor } from './wait-for.ts';

export interface HandingSetup {
  /** Path of the worker's hand-off socket. */
  readonly path: string;
  readonly rules?: Partial<HandoffRules>;
  /** Where clients connect: a unix socket instead of a TCP port. */
  readonly listen?: string;
  readonly version?: number;
}

export interface Client {
  readonly slot: number;
  readonly connection: RawConnection;
  /** Our own descriptor of it, which is never read. */
  readonly held: Socket;
}

const slots = 1024;
export const defaultHost = 'a.test';
/** As the kernel tells it of our clients. */
const clientAddress = '127.0.0.1';

export class HandingRouter implements ChannelHandler {
  readonly messages: FromWorker[] = [];
  /** Of strays, as the server saw them. */
  readonly strays: { readonly request: IncomingMessage; readonly body: string }[] = [];
  /** Answers strays. */
  readonly strayServer: HttpServer;
  readonly states: Uint8Array;
  readonly ends: (string | undefined)[] = [];
  readonly #channel: DescriptorChannel;
  readonly #listener: Server;
  readonly #accepted: Socket[] = [];
  readonly #held = new Map<number, Socket>();
  #rules: HandoffRules;
  #slots = 0;

  private constructor(setup: HandingSetup, listener: Server) {
    const addon = addonUnderTest();
    this.#listener = listener;
    listener.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.#accepted.push(socket);
    });
    this.strayServer = createHttpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.strays.push({ request, body: Buffer.concat(chunks).toString() });
        response.setHeader('X-By', 'router');
        response.end(`stray ${request.url ?? ''}`);
      });
    });
    this.#channel = addon.connectChannel(setup.path, this);
    const { fd, bytes } = addon.createSharedBytes(slots);
    this.states = bytes;
    this.#send({ type: 'hello', version: setup.version ?? handoffVersion, idPrefix: 'feedbeef', slots }, fd);
    addon.closeDescriptor(fd);
    this.#rules = {
      type: 'rules',
      isServing: true,
      limitPost: 0,
      generation: null,
      accessLog: false,
      idleMs: 60_000,
      drainMs: 0,
      ...setup.rules,
    };
    this.#send(this.#rules);
  }

  static async start(t: Scope, setup: HandingSetup): Promise<HandingRouter> {
    const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    await new Promise<void>((resolve) => {
      if (setup.listen === undefined) listener.listen(0, '127.0.0.1', resolve);
      else listener.listen(setup.listen, resolve);
    });
    const router = new HandingRouter(setup, listener);
    t.after(() => {
      router.stop();
    });
    return router;
  }

  get endpoint(): number | string {
    const address = this.#listener.address() as AddressInfo | string;
    return typeof address === 'string' ? address : address.port;
  }

  onMessage(bytes: Uint8Array, descriptors: readonly number[]): void {
    const message = JSON.parse(Buffer.from(bytes).toString()) as FromWorker;
    this.messages.push(message);
    const [fd] = descriptors;
    if (fd !== undefined) {
      const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
      socket.on('error', () => undefined);
      this.strayServer.emit('connection', socket);
    }
    if (message.type === 'gone') this.#held.get(message.slot)?.destroy();
  }

  onEnd(code: string | undefined): void {
    this.ends.push(code);
  }

  /** A new client, whose connection is handed over. */
  async client(t: Scope, host = defaultHost): Promise<Client> {
    const connection = new RawConnection(this.endpoint);
    t.after(() => {
      connection.destroy();
    });
    const held = await waitFor(() => this.#accepted.shift(), { what: 'the client to connect' });
    return this.handOver({ connection, held }, host);
  }

  /** Hands a connection over, for the first time or again. */
  handOver({ connection, held }: Omit<Client, 'slot'>, host = defaultHost): Client {
    const slot = this.#slots++;
    this.#held.set(slot, held);
    this.states[slot] = 0;
    const { fd } = (held as Socket & { readonly _handle: { readonly fd: number } })._handle;
    const address = typeof this.endpoint === 'string' ? '' : clientAddress;
    this.#send({ type: 'take', slot, address, host }, fd);
    return { slot, connection, held };
  }

  rule(rules: Partial<HandoffRules>): void {
    this.#rules = { ...this.#rules, ...rules };
    this.#send(this.#rules);
  }

  recall(slot: number): void {
    this.#send({ type: 'recall', slot });
  }

  sendRaw(text: string): void {
    this.#channel.send(Buffer.from(text), []);
  }

  /** The first message for which `accepts` holds. */
  async told(what: string, accepts: (message: FromWorker) => boolean): Promise<FromWorker> {
    return waitFor(() => this.messages.find(accepts), {
      what: () => `${what}; was told ${JSON.stringify(this.messages.slice(-5))}`,
    });
  }

  /** Why the connection was given back. */
  async back(slot: number): Promise<string> {
    const message = await this.told(`slot ${slot} back`, (one) => one.type === 'back' && one.slot === slot);
    return message.type === 'back' ? message.why : '';
  }

  async gone(slot: number): Promise<void> {
    await this.told(`slot ${slot} gone`, (one) => one.type === 'gone' && one.slot === slot);
  }

  get reports(): readonly HandoffReport[] {
    return this.messages.filter((message) => message.type === 'report');
  }

  /** As a router that is killed. */
  stop(): void {
    this.#channel.close();
    this.#listener.close();
    this.strayServer.closeAllConnections();
    for (const socket of [...this.#accepted, ...this.#held.values()]) socket.destroy();
  }

  #send(message: ToWorker, fd?: number): void {
    this.#channel.send(Buffer.from(JSON.stringify(message)), fd === undefined ? [] : [fd]);
  }
}
