// The real server of a router between clients and a worker that exist in memory only.
import assert from 'node:assert/strict';
import { pino } from 'pino';
import { systemClock } from '../../../lib/clock.ts';
import { emperorSchema } from '../../../lib/spec/emperor-config.ts';
import { Server } from '../../../router/edge/server.ts';
import { MemoryTransport, type MemoryStream } from './memory-transport.ts';
import type { Shape } from './shapes.ts';

export class BenchEdge {
  readonly #transport = new MemoryTransport();
  readonly #shape: Shape;

  private constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** Resolves when the server accepts clients. */
  static async start(shape: Shape): Promise<BenchEdge> {
    const edge = new BenchEdge(shape);
    const server = new Server({
      transport: edge.#transport,
      clock: systemClock,
      log: pino({ level: 'silent' }),
      idPrefix: '01234567',
      random: Math.random,
      onBusyChange: () => undefined,
    });
    await server.bind([{ address: '127.0.0.1:80', fd: undefined }]);
    const { router } = emperorSchema.parse({ router: { 'max-connections': 1_000_000 } });
    server.configure({ type: 'configure', router, trustedProxies: [], accessLog: false });
    server.publish({
      type: 'routes',
      version: 1,
      apps: [
        {
          ...{ name: 'app', domains: ['a.test'], hold: false, reason: '', limitPost: 0, maxConcurrency: 0 },
          ...{ handoff: false, queue: 128, queueTimeoutMs: 10_000, next: null, drainMs: 10_000 },
          targets: [{ key: 'app/1/1', address: 'unix:/worker.sock', weight: 1, handoff: null }],
        },
      ],
    });
    return edge;
  }

  /** Clients that connected, at most about half as many as the process may have descriptors. */
  connect(count: number): MemoryStream[] {
    this.#transport.beginTurn();
    const clients = Array.from({ length: count }, () => this.#transport.accept());
    this.#transport.endTurn();
    return clients;
  }

  /** Each client has its exchange; what arrives for all of them is one turn, as in one wake-up of a busy router. */
  exchange(clients: readonly MemoryStream[]): void {
    const transport = this.#transport;
    const { request, answer } = this.#shape;
    for (const piece of request) {
      transport.beginTurn();
      for (const client of clients) client.handler.onData(piece, 0, piece.length);
      transport.endTurn();
    }
    while (transport.owing.length > 0) {
      const owing = transport.owing.splice(0);
      transport.beginTurn();
      for (const worker of owing) {
        worker.owes = false;
        worker.handler.onData(answer, 0, answer.length);
      }
      transport.endTurn();
    }
  }

  /** Throws unless each of them, after so many exchanges, has the same number of bytes and all that the worker sent. */
  verify(clients: readonly MemoryStream[], exchanges: number): void {
    const { requests, answer } = this.#shape;
    const bytes = (clients[0]?.writtenBytes ?? 0) / exchanges;
    assert.ok(bytes >= requests * answer.length * 0.8, 'no whole answer');
    for (const { writtenBytes } of clients)
      assert.equal(writtenBytes, bytes * exchanges, 'answers of different lengths');
  }
}
