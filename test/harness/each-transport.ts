// Every transport, for tests that hold for all of them, without a router around it.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { native } from '../../native/index.ts';
import { PortableTransport } from '../../router/transports/portable.ts';
import { ReactorTransport } from '../../router/transports/reactor.ts';
import type { Acceptor, ByteStream, StreamHandler, Transport } from '../../router/transports/transport.ts';
import type { Scope } from './scope.ts';
import { withoutReactor } from './transport.ts';
import { waitFor } from './wait-for.ts';

export interface TransportKind {
  readonly name: string;
  /** For `{ skip }`. */
  readonly skip: string | false;
  readonly create: () => Transport;
}

export const eachTransport: readonly TransportKind[] = [
  { name: 'portable', skip: false, create: () => new PortableTransport('under test') },
  { name: 'reactor', skip: withoutReactor, create: createReactor },
];

function createReactor(): Transport {
  if (native.addon === undefined) throw new Error(native.missing);
  return new ReactorTransport('under test', native.addon);
}

/** Notes what a stream tells. */
export class Recorder implements StreamHandler {
  /** `connect`, `end`, `drain`, `close CODE`, `relayed BYTES`, and data as text. */
  readonly events: string[] = [];
  readonly #chunks: Buffer[] = [];

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  onConnect(): void {
    this.events.push('connect');
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.events.push(bytes.toString('latin1', start, Math.min(end, start + 100)));
  }

  onEnd(): void {
    this.events.push('end');
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onClose(code: string | undefined): void {
    this.events.push(`close ${code ?? ''}`);
  }

  onRelayed(bytes: number): void {
    this.events.push(`relayed ${bytes}`);
  }
}

export function say(stream: ByteStream, text: string | Buffer): boolean {
  const bytes = Buffer.from(text);
  return stream.write(bytes, 0, bytes.length);
}

export interface Accepted {
  readonly acceptor: Acceptor;
  readonly streams: ByteStream[];
  readonly handlers: Recorder[];
  /** A client of the acceptor. */
  readonly dial: () => Socket;
}

/** Listens, and accepts; everything is gone after the test. */
export async function accepting(t: Scope, transport: Transport, address: string): Promise<Accepted> {
  const streams: ByteStream[] = [];
  const handlers: Recorder[] = [];
  const acceptor = await transport.listen(
    { address, fd: undefined },
    {
      onStream: (stream) => {
        const handler = new Recorder();
        stream.handler = handler;
        streams.push(stream);
        handlers.push(handler);
      },
      onError: (error) => {
        throw error;
      },
    },
  );
  acceptor.resume();
  t.after(() => {
    acceptor.close();
    transport.run(() => {
      for (const stream of streams) stream.destroy();
    });
  });
  const [, path] = /^unix:(.*)$/.exec(acceptor.address) ?? [];
  const port = Number(/\d+$/.exec(acceptor.address)?.[0]);
  const dial = (): Socket => {
    const client =
      path === undefined
        ? connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        : connect({ path, allowHalfOpen: true });
    client.on('error', () => undefined);
    t.after(() => client.destroy());
    return client;
  };
  return { acceptor, streams, handlers, dial };
}

/** One accepted stream, whose client has said `hello`. */
export async function greeted(
  t: Scope,
  transport: Transport,
  address = '127.0.0.1:0',
): Promise<{ readonly stream: ByteStream; readonly handler: Recorder; readonly client: Socket }> {
  const { streams, handlers, dial } = await accepting(t, transport, address);
  const client = dial();
  client.write('hello');
  const handler = await waitFor(() => handlers.find(({ events }) => events.length > 0), { what: 'the first bytes' });
  const [stream] = streams;
  assert.ok(stream !== undefined);
  assert.deepEqual(handler.events, ['hello']);
  return { stream, handler, client };
}
