import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { native } from '../../native/index.ts';
import { ReactorTransport } from '../../router/transports/reactor.ts';
import type { ByteStream } from '../../router/transports/transport.ts';
import { Recorder, say } from '../harness/each-transport.ts';
import { startWithAddon } from '../harness/native-addon.ts';
import { patterned, readToEnd } from '../harness/reactor.ts';
import { withoutReactor } from '../harness/transport.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Client {
  readonly socket: Socket;
  readonly stream: ByteStream;
  readonly handler: Recorder;
}

class Served {
  readonly transport: ReactorTransport;
  readonly streams: ByteStream[] = [];
  readonly handlers: Recorder[] = [];
  #port = 0;
  readonly #t: TestContext;

  private constructor(t: TestContext) {
    assert.ok(native.addon !== undefined);
    this.transport = new ReactorTransport('under test', native.addon);
    this.#t = t;
  }

  static async start(t: TestContext): Promise<Served> {
    const served = new Served(t);
    const acceptor = await served.transport.listen(
      { address: '127.0.0.1:0', fd: undefined },
      {
        onStream: (stream) => {
          const handler = new Recorder();
          stream.handler = handler;
          served.streams.push(stream);
          served.handlers.push(handler);
        },
        onError: (error) => {
          throw error;
        },
      },
    );
    served.#port = Number(/\d+$/.exec(acceptor.address)?.[0]);
    acceptor.resume();
    t.after(() => {
      acceptor.close();
      served.transport.run(() => {
        for (const stream of served.streams) stream.destroy();
      });
    });
    return served;
  }

  /** A client that has said `hello`. */
  async greet(): Promise<Client> {
    const nth = this.handlers.length;
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    this.#t.after(() => socket.destroy());
    socket.write('hello');
    await waitFor(() => this.handlers[nth]?.events.length === 1, { what: 'the first bytes' });
    const [stream, handler] = [this.streams[nth], this.handlers[nth]];
    assert.ok(stream !== undefined && handler !== undefined);
    return { socket, stream, handler };
  }
}

describe('the reactor transport', { skip: withoutReactor }, () => {
  it('relays from one stream to another, behind what was written in the same turn', async (t) => {
    const served = await Served.start(t);
    const { transport } = served;
    const from = await served.greet();
    const to = await served.greet();
    const content = patterned(2_000_000);
    transport.run(() => {
      say(to.stream, 'head: ');
      assert.equal(from.stream.relayTo?.(to.stream, content.length), true);
      assert.equal(from.stream.relayTo(to.stream, 1), false, 'it relays already');
      assert.equal(from.stream.detach(), undefined);
    });
    from.socket.end(Buffer.concat([content, Buffer.from('next')]));
    const read = readToEnd(to.socket);
    await waitFor(() => from.handler.events.includes('end'), { what: 'the end' });
    assert.deepEqual(from.handler.events, ['hello', `relayed ${content.length}`, 'next', 'end']);
    transport.run(() => {
      to.stream.end();
    });
    assert.ok((await read).equals(Buffer.concat([Buffer.from('head: '), content])));
  });

  it('stops a relay, and tells how far it came', async (t) => {
    const served = await Served.start(t);
    const from = await served.greet();
    const to = await served.greet();
    served.transport.run(() => {
      from.stream.relayTo?.(to.stream, 1_000_000);
    });
    from.socket.write('123456');
    await waitFor(() => from.stream.relayedBytes === 6, { what: 'the bytes to be moved' });
    served.transport.run(() => {
      from.stream.stopRelay?.();
      assert.equal(from.handler.events.length, 1);
    });
    await waitFor(() => from.handler.events.includes('relayed 6'), { what: 'the end of the relay' });
    from.socket.write('789');
    await waitFor(() => from.handler.events.includes('789'), { what: 'what is told again' });
  });

  it('neither relays nor gives away a stream whose bytes are still to be told in the same batch', async (t) => {
    const served = await Served.start(t);
    const [first, second] = [await served.greet(), await served.greet()];
    const outcomes: unknown[] = [];
    for (const [own, other] of [
      [first, second],
      [second, first],
    ] as const) {
      own.handler.onData = () => {
        const isToldOf = outcomes.length > 0;
        outcomes.push(
          isToldOf ? 'told' : other.stream.relayTo?.(own.stream, 10),
          isToldOf ? 'told' : other.stream.detach(),
        );
      };
    }
    // Both are readable when the loop comes to look.
    first.socket.write('x');
    second.socket.write('x');
    const sent = performance.now() + 50;
    while (performance.now() < sent);
    await waitFor(() => outcomes.length > 0, { what: 'the bytes' });
    await waitFor(() => outcomes.length === 4, { what: 'the bytes of both' });
    assert.deepEqual(outcomes, [false, undefined, 'told', 'told']);
  });

  it('complains once when the process is out of descriptors, and accepts again when one is closed', async (t) => {
    const transports = new URL('../../router/transports/reactor.js', import.meta.url).href;
    const child = startWithAddon(
      t,
      `const { ReactorTransport } = await import('${transports}');
       const { openSync, closeSync } = await import('node:fs');
       const transport = new ReactorTransport('under test', addon);
       const ignore = () => undefined;
       const streams = [];
       const handler = { onConnect: ignore, onEnd: ignore, onDrain: ignore, onClose: ignore, onData: ignore };
       const acceptor = await transport.listen({ address: '127.0.0.1:0', fd: undefined }, {
         onStream: (stream) => {
           stream.handler = { ...handler, onData: (bytes, start, end) => {
             if (bytes.toString('latin1', start, end) === 'close all') for (const each of streams) each.destroy();
             else stream.write(bytes, start, end);
           } };
           streams.push(stream);
         },
         onError: (error) => console.log('refused', error.code),
       });
       acceptor.resume();
       console.log('port', acceptor.address);`,
      { openFiles: 48 },
    );
    await child.printed('port');
    const port = Number(/port 127\.0\.0\.1:(\d+)/.exec(child.stdout)?.[1]);
    const clients: Socket[] = [];
    const heard = (): number => clients.filter((client) => client.bytesRead > 0).length;
    const dial = (text: string): Socket => {
      const client = connect(port, '127.0.0.1');
      client.on('error', () => undefined);
      t.after(() => client.destroy());
      client.write(text);
      client.resume();
      clients.push(client);
      return client;
    };
    for (let i = 0; i < 60; i++) dial('hello');
    await child.printed('refused EMFILE');
    const before = heard();
    assert.ok(before > 0 && before < 60, `${before} were accepted`);
    clients.find((client) => client.bytesRead > 0)?.write('close all');
    await waitFor(() => heard() > before, { what: 'those that waited to be accepted' });
    assert.equal(child.stdout.match(/refused/g)?.length, 1);
  });
});
