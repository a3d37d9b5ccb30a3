import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { accepting, eachTransport, greeted, Recorder } from '../harness/each-transport.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

for (const { name, skip, create } of eachTransport) {
  describe(`an acceptor of the ${name} transport`, { skip }, () => {
    it('binds what it is told to, says its port, and takes the socket’s file away with it', async (t) => {
      const transport = create();
      const path = join(tempDir(t), 's');
      const local = await accepting(t, transport, `unix:${path}`);
      assert.equal(local.acceptor.address, `unix:${path}`);
      assert.ok(existsSync(path));
      local.acceptor.close();
      local.acceptor.close();
      await waitFor(() => !existsSync(path), { what: 'the file to go' });
      const everywhere = await accepting(t, transport, ':0');
      assert.match(everywhere.acceptor.address, /^:[1-9]\d*$/);
      everywhere.dial().write('hello');
      await waitFor(() => everywhere.streams.length > 0, { what: 'the connection' });
      assert.equal(everywhere.streams[0]?.remoteAddress, '127.0.0.1');
      await assert.rejects(accepting(t, transport, `127.0.0.1${everywhere.acceptor.address}`), { code: 'EADDRINUSE' });
    });

    it('leaves connections in the queue while it is paused', { skip: withoutAddon }, async (t) => {
      const transport = create();
      const addon = addonUnderTest();
      const fd = addon.listenTcp('127.0.0.1', 0, 16);
      const heard: string[] = [];
      const acceptor = await transport.listen(
        { address: `127.0.0.1:${addon.localPort(fd)}`, fd },
        {
          onStream: (stream) => {
            const handler = new Recorder();
            stream.handler = handler;
            handler.onData = (bytes, start, end) => {
              heard.push(bytes.toString('latin1', start, end));
              stream.destroy();
            };
          },
          onError: (error) => {
            throw error;
          },
        },
      );
      const port = Number(/\d+$/.exec(acceptor.address)?.[0]);
      t.after(() => {
        acceptor.close();
      });
      const dial = (text: string): void => {
        const client = connect(port, '127.0.0.1');
        client.on('error', () => undefined);
        t.after(() => client.destroy());
        client.write(text);
      };
      dial('before the first resume');
      acceptor.resume();
      await waitFor(() => heard.length === 1, { what: 'the first connection' });
      assert.equal(acceptor.pause(), true);
      dial('in the pause');
      const other = await greeted(t, transport);
      other.client.destroy();
      assert.deepEqual(heard, ['before the first resume']);
      const copy = acceptor.duplicate();
      assert.ok(copy !== undefined);
      assert.equal(addon.localPort(copy), port);
      addon.closeDescriptor(copy);
      acceptor.resume();
      await waitFor(() => heard.length === 2, { what: 'the second connection' });
    });
  });
}
