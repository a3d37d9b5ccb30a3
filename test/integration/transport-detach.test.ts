import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ByteStream, Transport } from '../../router/transports/transport.ts';
import { eachTransport, Recorder, say } from '../harness/each-transport.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Connected {
  readonly transport: Transport;
  readonly stream: ByteStream;
  readonly handler: Recorder;
  readonly client: Socket;
  /** What the client was told. */
  readonly heard: string[];
}

async function connected(t: TestContext, transport: Transport, address: string): Promise<Connected> {
  const handler = new Recorder();
  const streams: ByteStream[] = [];
  const acceptor = await transport.listen(
    { address, fd: undefined },
    {
      onStream: (stream) => {
        stream.handler = handler;
        streams.push(stream);
      },
      onError: (error) => {
        throw error;
      },
    },
  );
  acceptor.resume();
  t.after(() => {
    acceptor.close();
  });
  const [, path] = /^unix:(.*)$/.exec(address) ?? [];
  const client = path === undefined ? connect(Number(/\d+$/.exec(acceptor.address)?.[0]), '127.0.0.1') : connect(path);
  t.after(() => client.destroy());
  const heard: string[] = [];
  client.on('data', (bytes) => heard.push(bytes.toString('latin1')));
  client.on('end', () => heard.push('(end)'));
  client.on('error', (error) => heard.push(error.message));
  const stream = await waitFor(() => streams[0], { what: 'the connection' });
  return { transport, stream, handler, client, heard };
}

for (const { name, skip, create } of eachTransport) {
  describe(`a connection that leaves the ${name} transport`, { skip: skip || withoutAddon }, () => {
    for (const kind of ['TCP', 'unix']) {
      const address = (t: TestContext): string =>
        kind === 'TCP' ? '127.0.0.1:0' : `unix:${join(tempDir(t), 'listener')}`;

      it(`goes on by its descriptor, and in another transport (${kind})`, async (t) => {
        const { transport, stream, handler, client, heard } = await connected(t, create(), address(t));
        client.write('one');
        await waitFor(() => handler.events.length > 0, { what: 'the first bytes' });
        transport.run(() => {
          say(stream, 'answer');
        });
        await waitFor(() => heard.length > 0, { what: 'the answer' });
        let fd: number | undefined;
        transport.run(() => {
          fd = stream.detach();
        });
        assert.ok(fd !== undefined);
        client.write('two');

        const other = create();
        const next = new Recorder();
        const taken = other.adopt(fd, { remoteAddress: '192.0.2.7', remotePort: 50_000, localPort: 443 });
        assert.ok(taken !== undefined);
        taken.handler = next;
        assert.deepEqual([taken.remoteAddress, taken.remotePort, taken.localPort], ['192.0.2.7', 50_000, 443]);
        await waitFor(() => next.events.length > 0, { what: 'the bytes that came meanwhile' });
        other.run(() => {
          say(taken, ' goes on');
        });
        await waitFor(() => heard.join('').includes('goes on'), { what: 'the answer from there' });
        client.end('three');
        await waitFor(() => next.events.includes('end'), { what: 'the end' });
        other.run(() => {
          taken.end();
        });
        await waitFor(() => next.events.some((event) => event.startsWith('close')), { what: 'the close' });
        assert.deepEqual(next.events.join('|').replace('three|end', 'threeend'), 'two|threeend|close ');
        assert.deepEqual(handler.events, ['one'], 'the transport that it left tells nothing more');
        assert.deepEqual(heard, ['answer', ' goes on', '(end)']);
      });
    }

    it('takes no descriptor with it that would keep it open', async (t) => {
      const { transport, stream, client, heard } = await connected(t, create(), '127.0.0.1:0');
      client.write('x');
      const before = descriptorCount(process.pid);
      let fd: number | undefined;
      transport.run(() => {
        fd = stream.detach();
      });
      assert.ok(fd !== undefined);
      addonUnderTest().closeDescriptor(fd);
      await waitFor(() => heard.length > 0, { what: 'the client to see the end' });
      await waitFor(() => descriptorCount(process.pid) <= before, { what: 'its descriptors to be closed' });
    });

    it('stays while something waits to be sent, or after its client ended', async (t) => {
      const { transport, stream, client, handler, heard } = await connected(t, create(), '127.0.0.1:0');
      client.pause();
      const big = Buffer.alloc(16 * 1024 * 1024, 'x');
      transport.run(() => {
        stream.write(big, 0, big.length);
      });
      transport.run(() => {
        assert.ok(stream.pendingBytes > 0);
        assert.equal(stream.detach(), undefined);
      });
      client.resume();
      await waitFor(() => heard.join('').length === big.length, { what: 'the client to read all' });
      client.end();
      await waitFor(() => handler.events.includes('end'), { what: 'the end' });
      transport.run(() => {
        assert.equal(stream.detach(), undefined);
        stream.destroy();
      });
    });
  });

  it(`what is no socket is not taken up by the ${name} transport`, { skip: skip || withoutAddon }, () => {
    const addon = addonUnderTest();
    const { fd } = addon.createSharedBytes(10);
    assert.equal(create().adopt(fd, { remoteAddress: '', remotePort: 0, localPort: 0 }), undefined);
    addon.closeDescriptor(fd);
  });
}
