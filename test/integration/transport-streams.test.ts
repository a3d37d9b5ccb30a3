import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eachTransport, greeted, say } from '../harness/each-transport.ts';
import { patterned, readToEnd } from '../harness/reactor.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

for (const { name, skip, create } of eachTransport) {
  describe(`a stream of the ${name} transport`, { skip }, () => {
    for (const kind of ['TCP', 'unix']) {
      it(`carries bytes both ways, and is closed once both directions are ended (${kind})`, async (t) => {
        const transport = create();
        const address = kind === 'TCP' ? '127.0.0.1:0' : `unix:${join(tempDir(t), 's')}`;
        const { stream, handler, client } = await greeted(t, transport, address);
        const ends = kind === 'TCP' ? ['127.0.0.1', client.localPort, client.remotePort] : ['', 0, 0];
        assert.deepEqual([stream.remoteAddress, stream.remotePort, stream.localPort], ends);
        transport.run(() => {
          say(stream, 'one, ');
          say(stream, 'two');
          stream.end();
          say(stream, ' and nothing more');
        });
        assert.equal((await readToEnd(client)).toString(), 'one, two');
        client.end('good bye');
        await waitFor(() => handler.events.includes('close '), { what: 'the close' });
        assert.equal(handler.events.join('|').replace('good bye|', ''), 'hello|end|close ');
      });
    }

    it('says when its writer must wait, how much waits, and when it may go on; every byte arrives', async (t) => {
      const transport = create();
      const { stream, handler, client } = await greeted(t, transport);
      client.pause();
      const content = patterned(24 * 1024 * 1024);
      let isFree = true;
      transport.run(() => {
        isFree = say(stream, content);
      });
      assert.equal(isFree, false);
      assert.equal(stream.isBlocked, true);
      assert.ok(stream.pendingBytes > 64 * 1024);
      const read = readToEnd(client);
      await waitFor(() => handler.events.includes('drain'), { what: 'the drain' });
      assert.equal(stream.isBlocked, false);
      assert.equal(stream.pendingBytes, 0);
      transport.run(() => {
        stream.end();
      });
      assert.ok((await read).equals(content));
    });

    it('takes pieces of every size in their order, and passes on what it was just given', async (t) => {
      const transport = create();
      const { stream, handler, client } = await greeted(t, transport);
      const lengths = Array.from({ length: 400 }, (_, index) => (index * 7919) % 5000);
      const content = patterned(lengths.reduce((sum, length) => sum + length, 0));
      handler.onData = (bytes, start, end) => {
        say(stream, '<');
        stream.write(bytes, start, end);
        say(stream, '>');
      };
      client.write(content);
      let received = '';
      client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      // What comes in pieces is framed as often; without the frames it is the same.
      const plain = (): string => received.replaceAll(/><|^<|>$/g, '');
      await waitFor(() => plain().length >= content.length, { what: 'the echo' });
      assert.ok(received.startsWith('<') && received.endsWith('>'));

      received = '';
      let at = 0;
      transport.run(() => {
        for (const length of lengths) {
          stream.write(content, at, at + length);
          at += length;
        }
      });
      await waitFor(() => received.length === content.length, { what: 'all pieces' });
      assert.ok(Buffer.from(received, 'latin1').equals(content));
    });

    it('sends what is written outside of any turn', async (t) => {
      const { stream, client } = await greeted(t, create());
      say(stream, 'by the way');
      stream.end();
      assert.equal((await readToEnd(client)).toString(), 'by the way');
    });

    it('is destroyed with its last words, and tells so later and once', async (t) => {
      const transport = create();
      const { stream, handler, client } = await greeted(t, transport);
      transport.run(() => {
        say(stream, 'last words');
        stream.destroy();
        stream.destroy();
        stream.reset();
        stream.end();
        stream.pause();
        stream.resume();
        assert.equal(say(stream, 'too late'), true);
        assert.deepEqual(handler.events, ['hello'], 'not from within');
        assert.equal(stream.pendingBytes, 0);
      });
      assert.equal((await readToEnd(client)).toString(), 'last words');
      await waitFor(() => handler.events.length > 1, { what: 'the close' });
      assert.deepEqual(handler.events, ['hello', 'close ']);
    });

    it('is reset so that its client cannot take it for an end', async (t) => {
      const transport = create();
      const { stream, handler, client } = await greeted(t, transport);
      const code = new Promise((resolve) =>
        client.once('error', (error) => {
          resolve(Reflect.get(error, 'code'));
        }),
      );
      transport.run(() => {
        stream.reset();
      });
      assert.equal(await code, 'ECONNRESET');
      await waitFor(() => handler.events.includes('close '), { what: 'the close' });
    });

    it('names the fault of a client that resets', async (t) => {
      const { handler, client } = await greeted(t, create());
      client.resetAndDestroy();
      await waitFor(() => handler.events.includes('close ECONNRESET'), { what: 'the close' });
    });

    it('tells nothing while it is paused, and everything after', async (t) => {
      const transport = create();
      const { stream, handler, client } = await greeted(t, transport);
      transport.run(() => {
        stream.pause();
      });
      client.end('what it said meanwhile');
      // What was read already may still come; the end does not.
      const other = await greeted(t, transport);
      other.client.destroy();
      assert.ok(!handler.events.includes('end'));
      transport.run(() => {
        stream.resume();
      });
      await waitFor(() => handler.events.includes('end'), { what: 'the end' });
      assert.equal(handler.received.toString(), 'hellowhat it said meanwhile');
    });
  });
}
