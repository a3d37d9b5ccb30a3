import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { patterned, ReactorUnderTest, readToEnd, type ReactorEvent } from '../harness/reactor.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

const { errno } = constants;

/** Two clients of the reactor, which relays from the first to the second. */
interface Pair {
  readonly tested: ReactorUnderTest;
  readonly sender: Socket;
  readonly receiver: Socket;
  readonly from: number;
  readonly to: number;
}

/** What comes by TCP is spliced, what comes by a unix socket is copied. */
async function pair(
  t: TestContext,
  kinds: { readonly from: 'TCP' | 'unix'; readonly to: 'TCP' | 'unix' },
): Promise<Pair> {
  const tested = new ReactorUnderTest(t);
  const path = join(tempDir(t), 's');
  tested.listenUnix(path);
  const { port } = tested.listen();
  const target = { TCP: port, unix: path };
  const first = await tested.accept(target[kinds.from]);
  const second = await tested.accept(target[kinds.to]);
  return { tested, sender: first.client, receiver: second.client, from: first.stream, to: second.stream };
}

function bytesOf({ a, b }: ReactorEvent): number {
  return (a >>> 0) + (b >>> 0) * 2 ** 32;
}

const directions = [
  { from: 'TCP', to: 'unix' },
  { from: 'unix', to: 'TCP' },
  { from: 'TCP', to: 'TCP' },
  { from: 'unix', to: 'unix' },
] as const;

describe('a relay', { skip: withoutAddon }, () => {
  for (const kinds of directions) {
    it(`moves exactly its bytes to a slow reader, behind what was sent before (${kinds.from} to ${kinds.to})`, async (t) => {
      const { tested, sender, receiver, from, to } = await pair(t, kinds);
      const content = patterned(20 * 1024 * 1024);
      const before = patterned(3 * 1024 * 1024);
      receiver.pause();
      tested.send(to, before);
      tested.reactor.relay(from, to, content.length);
      sender.write(content);
      await waitFor(() => tested.reactor.relayedBytes(from) > 0 || (tested.reactor.pending[to] ?? 0) > 0, {
        what: 'the relay to begin',
      });
      const received: Buffer[] = [];
      receiver.on('data', (chunk: Buffer) => received.push(chunk));
      receiver.resume();
      assert.equal(bytesOf(await tested.of(from, 'relayed')), content.length);
      sender.write('behind it');
      await tested.event('data', ({ bytes }) => bytes.toString() === 'behind it');
      tested.send(to, 'the end');
      tested.command('end', to);
      await waitFor(() => receiver.readableEnded, { what: 'the receiver to see the end' });
      const expected = Buffer.concat([before, content, Buffer.from('the end')]);
      const actual = Buffer.concat(received);
      assert.equal(actual.length, expected.length);
      assert.ok(actual.equals(expected));
      assert.equal(tested.reactor.pending[to], 0);
      assert.equal(tested.received(from).toString(), '!behind it', 'nothing of it was told');
    });
  }

  for (const kinds of directions) {
    it(`leaves what comes behind its bytes to be told (${kinds.from} to ${kinds.to})`, async (t) => {
      const { tested, sender, receiver, from, to } = await pair(t, kinds);
      const content = patterned(400_000);
      tested.reactor.relay(from, to, content.length);
      const read = readToEnd(receiver);
      sender.end(Buffer.concat([content, Buffer.from('behind')]));
      await tested.of(from, 'ended');
      assert.deepEqual(tested.told(from).slice(2), ['relayed', 'data', 'ended']);
      assert.equal(tested.received(from).toString(), '!behind');
      tested.command('end', to);
      assert.ok((await read).equals(content));
    });

    it(`ends with the end of its source, and every byte before it arrives (${kinds.from} to ${kinds.to})`, async (t) => {
      const { tested, sender, receiver, from, to } = await pair(t, kinds);
      const content = patterned(5_000_000);
      receiver.pause();
      tested.reactor.relay(from, to, Number.MAX_SAFE_INTEGER);
      sender.end(content);
      const end = tested.of(from, 'ended');
      receiver.resume();
      const read = readToEnd(receiver);
      await end;
      assert.deepEqual(tested.told(from).slice(2), ['relayed', 'ended']);
      assert.equal(bytesOf(await tested.of(from, 'relayed')), content.length);
      tested.command('end', to);
      assert.ok((await read).equals(content));
    });

    it(`can be stopped, and nothing that was taken is lost (${kinds.from} to ${kinds.to})`, async (t) => {
      const { tested, sender, receiver, from, to } = await pair(t, kinds);
      const content = patterned(8_000_000);
      receiver.pause();
      tested.reactor.relay(from, to, Number.MAX_SAFE_INTEGER);
      sender.end(content);
      // The destination is full: something waits in the reactor.
      await waitFor(() => (tested.reactor.pending[to] ?? 0) > 0, { what: 'the destination to be full' });
      tested.command('pause', from);
      tested.reactor.stopRelay(from);
      const moved = bytesOf(await tested.of(from, 'relayed'));
      assert.equal(tested.reactor.relayedBytes(from), 0, 'none runs');
      tested.command('resume', from);
      await tested.of(from, 'ended');
      const told = tested.received(from).subarray(1);
      assert.equal(moved + told.length, content.length);
      tested.send(to, told);
      tested.command('end', to);
      assert.ok((await readToEnd(receiver)).equals(content));
    });
  }

  it('is told before the fault of its source', async (t) => {
    const { tested, sender, receiver, from, to } = await pair(t, { from: 'TCP', to: 'unix' });
    tested.reactor.relay(from, to, 1_000_000);
    sender.write(patterned(1000));
    await waitFor(() => tested.reactor.relayedBytes(from) === 1000, { what: 'the first bytes to be moved' });
    sender.resetAndDestroy();
    assert.equal((await tested.of(from, 'closed')).a, errno.ECONNRESET);
    assert.deepEqual(tested.told(from).slice(2), ['relayed', 'closed']);
    assert.equal(bytesOf(await tested.of(from, 'relayed')), 1000);
    tested.command('end', to);
    assert.ok((await readToEnd(receiver)).equals(patterned(1000)));
  });

  for (const kinds of directions) {
    it(`ends with its destination, and its source goes on (${kinds.from} to ${kinds.to})`, async (t) => {
      const { tested, sender, receiver, from, to } = await pair(t, kinds);
      tested.reactor.relay(from, to, Number.MAX_SAFE_INTEGER);
      receiver.destroy();
      sender.write(patterned(4_000_000));
      await tested.of(from, 'relayed');
      await tested.of(to, 'closed');
      sender.end();
      await tested.of(from, 'ended');
    });
  }

  it('takes no notice of a worker that reads no more: the rest is read and dropped', async (t) => {
    const tested = new ReactorUnderTest(t);
    const path = join(tempDir(t), 's');
    tested.listenUnix(path);
    const { client, stream } = await tested.accept(tested.listen().port);
    const worker = tested.connected(tested.reactor.connectUnix(path));
    const other = (await tested.event('acceptedUnix')).stream;
    tested.reactor.relay(stream, worker, 3_000_000);
    tested.send(other, 'no, thank you');
    tested.command('close', other);
    client.write(patterned(3_000_000));
    assert.equal(bytesOf(await tested.of(stream, 'relayed')), 3_000_000);
    await tested.of(worker, 'data');
    assert.equal(tested.received(worker).toString(), 'no, thank you');
  });

  it('of nothing is over at once, and so is one to a stream that is gone', async (t) => {
    const { tested, from, to } = await pair(t, { from: 'TCP', to: 'TCP' });
    tested.reactor.relay(from, to, 0);
    assert.equal(bytesOf(await tested.of(from, 'relayed')), 0);
    tested.command('close', to);
    const past = tested.events.length;
    tested.reactor.relay(from, to, 10);
    assert.equal(bytesOf(await tested.of(from, 'relayed', past)), 0);
  });

  it('is one at a time, from and to each stream', async (t) => {
    const { tested, from, to } = await pair(t, { from: 'TCP', to: 'TCP' });
    assert.throws(() => {
      tested.reactor.relay(from, from, 10);
    }, /EINVAL/);
    tested.reactor.relay(from, to, 10);
    assert.throws(() => {
      tested.reactor.relay(from, to, 10);
    }, /EBUSY/);
    // The other direction is another relay.
    tested.reactor.relay(to, from, 10);
    assert.equal(tested.reactor.detach(from), -1);
  });

  it('holds no descriptor once it is over', async (t) => {
    const { tested, sender, receiver, from, to } = await pair(t, { from: 'TCP', to: 'unix' });
    receiver.resume();
    const before = descriptorCount(process.pid);
    for (let turn = 0; turn < 3; turn++) {
      const past = tested.events.length;
      tested.reactor.relay(from, to, 1_000_000);
      sender.write(patterned(1_000_000));
      await tested.of(from, 'relayed', past);
    }
    assert.equal(descriptorCount(process.pid), before);
  });

  it('leaves the loop to others: a busy one does not delay the bytes of another stream', async (t) => {
    const { tested, sender, receiver, from, to } = await pair(t, { from: 'TCP', to: 'TCP' });
    receiver.resume();
    tested.reactor.relay(from, to, Number.MAX_SAFE_INTEGER);
    const chunk = Buffer.alloc(1024 * 1024);
    const feed = (): void => {
      if (!sender.destroyed) sender.write(chunk, feed);
    };
    feed();
    await waitFor(() => tested.reactor.relayedBytes(from) > 4 * chunk.length, { what: 'the relay to be busy' });
    const other = await tested.accept(tested.listen().port);
    assert.deepEqual(tested.told(other.stream), ['acceptedV4', 'data']);
    sender.destroy();
    await tested.of(from, 'relayed');
  });
});
