import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { patterned, ReactorUnderTest, readToEnd } from '../harness/reactor.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';
import { reactorLayout } from '../../native/reactor.ts';

const { errno } = constants;
const writable = 4;

describe('a stream of the reactor', { skip: withoutAddon }, () => {
  it('speaks by the numbers that TypeScript knows', () => {
    assert.deepEqual(addonUnderTest().reactorLayout(), reactorLayout);
  });

  for (const kind of ['TCP', 'unix']) {
    it(`is accepted with its first bytes, echoes from the slab and from memory of ours, and closes (${kind})`, async (t) => {
      const tested = new ReactorUnderTest(t);
      const path = join(tempDir(t), 's');
      if (kind === 'unix') tested.listenUnix(path);
      const target = kind === 'unix' ? path : tested.listen().port;
      const { client, stream } = await tested.accept(target);
      const accepted = tested.events.find((event) => event.stream === stream);
      assert.equal(accepted?.kind, kind === 'unix' ? 'acceptedUnix' : 'acceptedV4');
      if (kind === 'TCP') assert.equal(accepted.b, 0x7f000001);
      tested.onEvent = (event) => {
        if (event.kind !== 'data') return;
        tested.send(stream, '<');
        tested.command('sendSlab', stream, event.a, event.b);
        tested.send(stream, '>');
        tested.command('end', stream);
      };
      client.write('hello');
      assert.equal((await readToEnd(client)).toString(), '<hello>');
      client.end();
      await tested.of(stream, 'closed');
      assert.deepEqual(tested.told(stream).slice(-2), ['ended', 'closed']);
      assert.equal(tested.events.at(-1)?.a, 0, 'both directions ended: no fault');
    });
  }

  it('tells an IPv6 peer by its address, and an IPv4 one of the same socket by its own', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen('::');
    await tested.accept(port);
    const accepted = tested.events[0];
    assert.deepEqual([accepted?.kind, accepted?.b], ['acceptedV4', 0x7f000001]);
    let address = '';
    tested.onEvent = ({ kind, b }) => {
      if (kind === 'acceptedV6') address = Buffer.from(tested.reactor.slab.subarray(b, b + 16)).toString('hex');
    };
    const connected = tested.reactor.connectTcp('::1', port);
    // A machine without IPv6.
    if (connected === -errno.EADDRNOTAVAIL) return;
    tested.send(tested.connected(connected), 'x');
    await waitFor(() => address !== '', { what: 'the IPv6 connection' });
    assert.equal(address, '00000000000000000000000000000001');
  });

  it('keeps what a slow reader does not take, tells how much that is, and loses no byte of it', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { client, stream } = await tested.accept(tested.listen().port);
    const content = patterned(12 * 1024 * 1024);
    client.pause();
    for (let at = 0; at < content.length; at += 100_000) tested.send(stream, content.subarray(at, at + 100_000));
    const waiting = tested.reactor.pending[stream] ?? 0;
    assert.ok(waiting > 0 && waiting < content.length, `${waiting} bytes wait`);
    assert.equal((tested.interestOf(stream) ?? 0) & writable, writable);
    tested.command('end', stream);
    const received = await readToEnd(client);
    assert.ok(received.equals(content));
    assert.equal(tested.reactor.pending[stream], 0);
    assert.deepEqual(
      tested.told(stream).filter((kind) => kind === 'drained'),
      ['drained'],
    );
    assert.equal((tested.interestOf(stream) ?? 0) & writable, 0, 'epoll is not asked for room any more');
  });

  it('is closed with ENOBUFS where its writer does not stop', async (t) => {
    const tested = new ReactorUnderTest(t, { mostPendingBytes: 1024 * 1024 });
    const { client, stream } = await tested.accept(tested.listen().port);
    client.pause();
    const content = Buffer.alloc(256 * 1024);
    for (let i = 0; i < 64; i++) tested.send(stream, content);
    const { a } = await tested.of(stream, 'closed');
    assert.equal(a, errno.ENOBUFS);
    assert.equal(tested.reactor.pending[stream], 0);
  });

  it('reads on after its peer ended, and sends on after it ended itself', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const first = await tested.accept(port);
    first.client.end('last words');
    await tested.of(first.stream, 'ended');
    assert.equal(tested.received(first.stream).toString(), '!last words');
    tested.send(first.stream, 'answer');
    tested.command('end', first.stream);
    assert.equal((await readToEnd(first.client)).toString(), 'answer');
    assert.equal((await tested.of(first.stream, 'closed')).a, 0);

    const from = tested.events.length;
    const second = await tested.accept(port);
    tested.command('end', second.stream);
    await readToEnd(second.client);
    second.client.write('still here');
    await tested.event('data', ({ bytes }) => bytes.toString() === 'still here', from);
    second.client.end();
    assert.equal((await tested.of(second.stream, 'closed', from)).a, 0);
  });

  it('is closed with the end of what was sent where it is to finish, whatever its peer still takes of it', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const { client, stream } = await tested.accept(port);
    const content = patterned(8 * 1024 * 1024);
    for (let at = 0; at < content.length; at += 100_000) tested.send(stream, content.subarray(at, at + 100_000));
    tested.command('finish', stream);
    assert.deepEqual(await readToEnd(client), content);
    assert.equal((await tested.of(stream, 'closed')).a, 0);
    assert.ok(!tested.told(stream).includes('ended'), 'it need not wait for its peer');
  });

  it('only ends its direction where it is to finish and something that came is unread', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const { client, stream } = await tested.accept(port);
    tested.command('pause', stream);
    client.write('more');
    await waitFor(() => client.bytesWritten === '!more'.length && client.writableLength === 0, {
      what: 'what is not read to be with the kernel',
    });
    tested.send(stream, 'answer');
    tested.command('finish', stream);
    assert.equal((await readToEnd(client)).toString(), 'answer');
    tested.command('resume', stream);
    await tested.event('data', ({ bytes }) => bytes.toString() === 'more');
    client.end();
    assert.equal((await tested.of(stream, 'closed')).a, 0);
  });

  it('drops by RST what it is told to reset, and says of a peer who does so that it did', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const first = await tested.accept(port);
    const code = new Promise((resolve) => first.client.once('error', resolve));
    tested.command('reset', first.stream);
    assert.equal(((await code) as NodeJS.ErrnoException).code, 'ECONNRESET');

    const from = tested.events.length;
    const second = await tested.accept(port);
    second.client.resetAndDestroy();
    assert.equal((await tested.of(second.stream, 'closed', from)).a, errno.ECONNRESET);
  });

  it('has a number that nobody else gets within the batch that closed it', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const { client, stream } = await tested.accept(port);
    let next = -1;
    tested.onEvent = ({ kind, bytes }) => {
      if (kind !== 'data' || bytes.toString() !== 'go') return;
      tested.command('close', stream);
      tested.flush();
      next = tested.connected(tested.reactor.connectTcp('127.0.0.1', port));
      // For a stream that is gone: nobody gets it.
      tested.send(stream, 'to nobody');
      tested.send(next, 'to itself');
    };
    client.write('go');
    await tested.event('data', ({ bytes }) => bytes.toString() === 'to itself');
    assert.notEqual(next, stream);
    const accepted = tested.events.filter((event) => event.kind === 'acceptedV4').map((event) => event.stream);
    assert.deepEqual(accepted, [stream, stream], 'the next batch uses it again');
  });

  it('gets bytes however little room the slab and the records have', async (t) => {
    const tested = new ReactorUnderTest(t, { readBytes: 1000, slabBytes: 2200, mostEvents: 8 });
    const { port } = tested.listen();
    const clients = [];
    for (let i = 0; i < 20; i++) clients.push(await tested.accept(port));
    const content = patterned(40_000);
    for (const { client } of clients) client.write(content);
    for (const { stream } of clients) {
      await waitFor(() => tested.received(stream).length === content.length + 1, { what: `all bytes of ${stream}` });
      assert.ok(tested.received(stream).subarray(1).equals(content));
    }
  });
});

describe('a stream that is paused', { skip: withoutAddon }, () => {
  for (const kind of ['TCP', 'unix']) {
    it(`tells nothing, asks epoll nothing, and loses nothing of a peer that has gone (${kind})`, async (t) => {
      const tested = new ReactorUnderTest(t);
      const path = join(tempDir(t), 's');
      if (kind === 'unix') tested.listenUnix(path);
      const address = kind === 'unix' ? path : tested.listen().port;
      const { client, stream } = await tested.accept(address);
      tested.command('pause', stream);
      const interest = tested.interestOf(stream);
      client.end('the last words');
      await once(client, 'finish');
      client.destroy();
      // What epoll reports of a later connection it has reported of this one before.
      await tested.accept(address);
      assert.equal(tested.received(stream).toString(), '!');
      assert.equal(tested.interestOf(stream), interest);
      tested.command('resume', stream);
      await tested.of(stream, 'ended');
      assert.equal(tested.received(stream).toString(), '!the last words');
    });
  }

  it('still sends what waits for its peer', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { client, stream } = await tested.accept(tested.listen().port);
    const content = patterned(8 * 1024 * 1024);
    client.pause();
    tested.command('pause', stream);
    tested.send(stream, content);
    tested.command('end', stream);
    assert.ok((await readToEnd(client)).equals(content));
  });
});

describe('a stream that the reactor connects', { skip: withoutAddon }, () => {
  it('is connected at once to a unix socket, later by TCP, and sends what was written meanwhile', async (t) => {
    const tested = new ReactorUnderTest(t);
    const path = join(tempDir(t), 's');
    tested.listenUnix(path);
    const local = tested.reactor.connectUnix(path);
    assert.equal(tested.connected(local), local, 'it is not in progress');
    tested.send(local, 'by unix');
    await tested.event('data', ({ bytes }) => bytes.toString() === 'by unix');

    const { port } = tested.listen();
    const result = tested.reactor.connectTcp('127.0.0.1', port);
    const remote = tested.connected(result);
    assert.notEqual(remote, result, 'it is in progress');
    tested.send(remote, 'by TCP');
    await tested.of(remote, 'connected');
    await tested.event('data', ({ bytes }) => bytes.toString() === 'by TCP');
  });

  it('fails by its errno: at once, or by an event', async (t) => {
    const tested = new ReactorUnderTest(t);
    const path = join(tempDir(t), 'nobody');
    assert.equal(tested.reactor.connectUnix(path), -errno.ENOENT);
    assert.equal(tested.reactor.connectUnix(`/${'x'.repeat(200)}`), -errno.ENAMETOOLONG);
    const addon = addonUnderTest();
    const fd = addon.listenTcp('127.0.0.1', 0, 1);
    const port = addon.localPort(fd);
    addon.closeDescriptor(fd);
    const result = tested.reactor.connectTcp('127.0.0.1', port);
    if (result < 0) assert.equal(result, -errno.ECONNREFUSED);
    else assert.equal((await tested.of(tested.connected(result), 'closed')).a, errno.ECONNREFUSED);
  });

  it('fails with EMFILE where the reactor has no number left', (t) => {
    const tested = new ReactorUnderTest(t, { capacity: 1 });
    const { port } = tested.listen();
    tested.connected(tested.reactor.connectTcp('127.0.0.1', port));
    assert.equal(tested.reactor.connectTcp('127.0.0.1', port), -errno.EMFILE);
  });

  it('reads the whole answer of a worker that closes while it is still written to', async (t) => {
    const path = join(tempDir(t), 'worker');
    const answer = patterned(100_000);
    const worker = createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('readable', () => {
        socket.end(answer);
        socket.once('finish', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => worker.listen(path, resolve));
    t.after(() => worker.close());
    const tested = new ReactorUnderTest(t);
    const stream = tested.connected(tested.reactor.connectUnix(path));
    tested.command('pause', stream);
    const body = Buffer.alloc(1024 * 1024);
    tested.send(stream, body);
    await waitFor(() => (tested.reactor.pending[stream] ?? 0) === 0, { what: 'the send to fail' });
    tested.send(stream, body);
    assert.equal(tested.reactor.pending[stream], 0, 'what cannot arrive does not wait');
    assert.deepEqual(tested.told(stream), ['drained']);
    tested.command('resume', stream);
    await tested.event('ended').catch(() => tested.of(stream, 'closed'));
    assert.ok(tested.received(stream).equals(answer));
  });

  it('is not what a client is: that one is gone with the send that fails', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { client, stream } = await tested.accept(tested.listen().port);
    tested.command('pause', stream);
    client.resetAndDestroy();
    await waitFor(
      () => {
        tested.send(stream, 'x');
        return tested.told(stream).includes('closed');
      },
      { what: 'a send to fail' },
    );
    assert.match(String(tested.events.at(-1)?.a), new RegExp(`^(${errno.EPIPE}|${errno.ECONNRESET})$`));
  });
});
