import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ByteStream } from '../../router/transports/transport.ts';
import { eachTransport, Recorder, say } from '../harness/each-transport.ts';
import { freePorts } from '../harness/free-ports.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

async function worker(t: TestContext, path: string, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, serve);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  return server;
}

for (const { name, skip, create } of eachTransport) {
  describe(`a connect of the ${name} transport`, { skip }, () => {
    const targets = {
      'a unix socket': async (t: TestContext): Promise<string> => {
        const path = join(tempDir(t), 'w');
        await worker(t, path, (socket) => socket.pipe(socket));
        return `unix:${path}`;
      },
      'a numeric address': async (t: TestContext): Promise<string> => echoPort(t, '127.0.0.1'),
      'a host by its name': async (t: TestContext): Promise<string> => echoPort(t, 'localhost'),
    };

    async function echoPort(t: TestContext, host: string): Promise<string> {
      const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      return `${host}:${(server.address() as { readonly port: number }).port}`;
    }

    for (const [target, address] of Object.entries(targets)) {
      it(`to ${target} is told later, and carries what was written before`, async (t) => {
        const transport = create();
        const handler = new Recorder();
        const to = await address(t);
        let stream: ByteStream | undefined;
        transport.run(() => {
          stream = transport.connect(to, handler);
          assert.deepEqual(handler.events, []);
          say(stream, 'echo');
          stream.end();
        });
        await waitFor(() => handler.events.some((event) => event.startsWith('close')), { what: 'the close' });
        assert.deepEqual(handler.events, ['connect', 'echo', 'end', 'close ']);
      });

      it(`to ${target} can be given up before it is told`, async (t) => {
        const transport = create();
        const handler = new Recorder();
        const to = await address(t);
        transport.run(() => {
          transport.connect(to, handler).destroy();
        });
        await waitFor(() => handler.events.length > 0, { what: 'the close' });
        assert.deepEqual(handler.events, ['close ']);
      });
    }

    it('that fails is told as a close with its reason, never before it returned', async (t) => {
      const path = join(tempDir(t), 'nobody');
      const [port = 0] = await freePorts(1);
      const expected = new Map([
        [`unix:${path}`, /^close ENOENT$/],
        [`127.0.0.1:${port}`, /^close ECONNREFUSED$/],
        [`localhost:${port}`, /^close (ECONNREFUSED|AggregateError)$/],
        ['no-such-host.invalid:80', /^close (ENOTFOUND|EAI_AGAIN)$/],
      ]);
      const transport = create();
      for (const [address, outcome] of expected) {
        const handler = new Recorder();
        transport.run(() => {
          transport.connect(address, handler);
          assert.deepEqual(handler.events, []);
        });
        await waitFor(() => handler.events.length > 0, { what: `the outcome of ${address}` });
        assert.equal(handler.events.length, 1);
        assert.match(handler.events[0] ?? '', outcome, address);
      }
    });

    it('reads the answer of a worker that closes under a write', async (t) => {
      const path = join(tempDir(t), 'w');
      await worker(t, path, (socket) => {
        socket.once('data', () => {
          socket.end('413, and good bye');
          socket.once('finish', () => socket.destroy());
        });
        socket.on('error', () => undefined);
      });
      const transport = create();
      const handler = new Recorder();
      const body = Buffer.alloc(512 * 1024);
      transport.run(() => {
        const stream = transport.connect(`unix:${path}`, handler);
        t.after(() => {
          stream.destroy();
        });
        handler.onConnect = () => {
          stream.pause();
          say(stream, body);
        };
        handler.onDrain = () => {
          handler.onDrain = () => undefined;
          say(stream, body);
          stream.resume();
        };
      });
      await waitFor(() => handler.received.toString() === '413, and good bye', { what: 'the answer' });
    });
  });
}
