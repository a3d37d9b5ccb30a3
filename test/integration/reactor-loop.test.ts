import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { patterned, ReactorUnderTest, readToEnd } from '../harness/reactor.ts';

const options = {
  capacity: 100,
  slabBytes: 1 << 20,
  outgoingBytes: 1 << 16,
  mostEvents: 64,
  mostCommands: 64,
  readBytes: 10_000,
  mostPendingBytes: 1 << 20,
};

/** In a child: \`serve\` is called for each stream that has said something. */
const server = `
  const reactor = addon.createReactor(${JSON.stringify(options)}, (count) => {
    let commands = 0;
    const command = (...record) => reactor.commands.set(record, 4 * commands++);
    for (let at = 0; at < 4 * count; at += 4) {
      const [kind, stream, a, b] = reactor.events.subarray(at, at + 4);
      if (kind === 4) serve(stream, command, a, b);
    }
    return commands;
  });
  const fd = addon.listenTcp('127.0.0.1', 0, 10);
  const listener = reactor.listen(fd, true);
  reactor.muteListener(listener, false);
  console.log('port', addon.localPort(fd));
`;

async function answerOf(port: number, text: string): Promise<string> {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  client.write(text);
  const answer = await readToEnd(client);
  client.destroy();
  return answer.toString();
}

describe('a reactor in its event loop', { skip: withoutAddon }, () => {
  it('makes an exception of its callback an uncaught one, and serves on where that is handled', async (t) => {
    const child = startWithAddon(
      t,
      `let isFirst = true;
       process.on('uncaughtException', (error) => console.log('uncaught:', error.message));
       function serve(stream, command, a, b) {
         if (isFirst) {
           isFirst = false;
           setImmediate(() => { reactor.commands.set([4, stream, 0, 0]); reactor.execute(1); });
           throw new Error('a bug');
         }
         command(2, stream, a, b);
         command(3, stream, 0, 0);
       }
       ${server}`,
    );
    await child.printed('port');
    const port = Number(/port (\d+)/.exec(child.stdout)?.[1]);
    assert.equal(await answerOf(port, 'one'), '');
    assert.equal(await answerOf(port, 'two'), 'two');
    await child.printed('uncaught: a bug');
  });

  it('executes its commands before the microtasks that the batch left', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { client, stream } = await tested.accept(tested.listen().port);
    tested.onEvent = ({ kind }) => {
      if (kind !== 'data') return;
      tested.send(stream, 'first, ');
      queueMicrotask(() => {
        tested.send(stream, 'second');
        tested.command('end', stream);
      });
    };
    client.write('go');
    assert.equal((await readToEnd(client)).toString(), 'first, second');
  });

  it('executes in the middle of a batch, and what the slab holds stays for the rest of it', async (t) => {
    const tested = new ReactorUnderTest(t, { mostCommands: 16 });
    const { client, stream } = await tested.accept(tested.listen().port);
    const content = patterned(40_000);
    tested.onEvent = ({ kind, a, b }) => {
      if (kind !== 'data') return;
      // More commands than there is room for: they are executed as they come.
      for (let at = 0; at < b; at += 500) tested.command('sendSlab', stream, a + at, Math.min(500, b - at));
    };
    client.end(content);
    await tested.of(stream, 'ended');
    tested.command('end', stream);
    assert.ok((await readToEnd(client)).equals(content));
  });

  it('keeps the process alive while something is open, and no longer', async (t) => {
    const child = startWithAddon(
      t,
      `function serve(stream, command) {
         command(4, stream, 0, 0);
         reactor.closeListener(listener);
       }
       ${server}`,
    );
    await child.printed('port');
    await answerOf(Number(/port (\d+)/.exec(child.stdout)?.[1]), 'the last one');
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  });

  it('goes with its worker thread, even in the middle of a batch, and takes its descriptors with it', async (t) => {
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      const module = { exports: {} };
      process.dlopen(module, workerData);
      const addon = module.exports;
      function serve() { parentPort.postMessage('served'); for (;;); }
      ${server.replace("console.log('port', addon.localPort(fd))", 'parentPort.postMessage(addon.localPort(fd))')}`;
    const child = startWithAddon(
      t,
      `const { Worker } = await import('node:worker_threads');
       const { readdirSync } = await import('node:fs');
       const { connect } = await import('node:net');
       const workerData = process.report.getReport().sharedObjects.find((file) => file.endsWith('emperor_native.node'));
       const message = (worker) => new Promise((resolve) => worker.once('message', resolve));
       const descriptors = () => readdirSync('/proc/self/fd').length;
       for (let turn = 0; turn < 3; turn++) {
         const before = descriptors();
         const worker = new Worker(process.argv[1], { eval: true, workerData, execArgv: [] });
         const client = connect(await message(worker), '127.0.0.1');
         const gone = new Promise((resolve) => client.once('close', resolve));
         client.on('error', () => undefined);
         client.write('hello');
         await message(worker);
         await worker.terminate();
         // The listening socket is the worker's own affair.
         await gone;
         // What Node itself opens, it opens with the first.
         if (turn > 0) console.log('ended with', descriptors() - before);
       }`,
      { args: [script] },
    );
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.equal(child.stdout, 'ended with 1\n'.repeat(2));
  });

  it('refuses commands that are wrong, and options that cannot be', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { stream } = await tested.accept(tested.listen().port);
    const { reactor } = tested;
    const rejects = (...record: number[]): void => {
      reactor.commands.set(record);
      assert.throws(() => {
        reactor.execute(1);
      }, RangeError);
    };
    rejects(99, stream, 0, 0);
    rejects(1, stream, 0, reactor.outgoing.length + 1);
    rejects(1, stream, -1, 10);
    rejects(1, stream, reactor.outgoing.length, 1);
    rejects(2, stream, 2 ** 31 - 1, 2 ** 31 - 1);
    rejects(1, stream, 0, 0);
    assert.throws(() => {
      reactor.execute(reactor.commands.length / 4 + 1);
    }, RangeError);
    // Those for streams that there are not are ignored.
    for (const nobody of [-1, 5000, 2 ** 31 - 1]) {
      reactor.commands.set([4, nobody, 0, 0]);
      reactor.execute(1);
    }
    const addon = addonUnderTest();
    for (const wrong of [
      { capacity: 0 },
      { slabBytes: 10 },
      { mostEvents: 1 },
      { readBytes: 0 },
      { mostCommands: 1.5 },
    ]) {
      assert.throws(() => addon.createReactor({ ...options, ...wrong }, () => 0), RangeError);
    }
  });

  it('closes everything, may be closed again, and then is of no use', async (t) => {
    const before = descriptorCount(process.pid);
    const reactor = addonUnderTest().createReactor(options, () => 0);
    const fd = addonUnderTest().listenTcp('127.0.0.1', 0, 1);
    t.after(() => {
      addonUnderTest().closeDescriptor(fd);
    });
    reactor.connectTcp('127.0.0.1', addonUnderTest().localPort(fd));
    reactor.close();
    reactor.close();
    assert.equal(descriptorCount(process.pid), before + 1, 'but for the listening socket, which is the caller’s');
    assert.throws(() => reactor.connectTcp('127.0.0.1', 1), /EBADF/);
    assert.throws(() => reactor.listen(fd, true), /EBADF/);
    reactor.execute(0);
    assert.equal(reactor.detach(0), -1);
    await Promise.resolve();
  });
});

describe('a connection that leaves the reactor', { skip: withoutAddon }, () => {
  it('goes on in another one, with what its peer said meanwhile', async (t) => {
    const first = new ReactorUnderTest(t);
    const { client, stream } = await first.accept(first.listen().port);
    const fd = first.reactor.detach(stream);
    assert.ok(fd >= 0);
    assert.equal(first.reactor.detach(stream), -1, 'it is gone');
    client.write('meanwhile');
    const adopted = first.reactor.adopt(fd);
    await first.event('data', ({ bytes }) => bytes.toString() === 'meanwhile');
    first.send(adopted, 'I am here');
    first.command('end', adopted);
    assert.equal((await readToEnd(client)).toString(), 'I am here');
    first.command('close', adopted);
  });

  it('stays while bytes wait for its peer, or while it connects', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port } = tested.listen();
    const { client, stream } = await tested.accept(port);
    client.pause();
    const content = patterned(8_000_000);
    tested.send(stream, content);
    assert.equal(tested.reactor.detach(stream), -1);
    client.resume();
    await tested.of(stream, 'drained');
    const fd = tested.reactor.detach(stream);
    assert.ok(fd >= 0);
    addonUnderTest().closeDescriptor(fd);
    const connecting = tested.connected(tested.reactor.connectTcp('127.0.0.1', port));
    assert.equal(tested.reactor.detach(connecting), -1);
  });

  it('is out of epoll, whoever holds it', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { client, stream } = await tested.accept(tested.listen().port);
    const fd = tested.reactor.detach(stream);
    assert.equal(tested.interestOf(stream), undefined);
    const { length } = tested.events;
    client.end('for the one who has it');
    await tested.accept(tested.listen().port);
    const told = tested.events.slice(length).map(({ kind, bytes }) => (kind === 'data' ? bytes.toString() : kind));
    assert.deepEqual(told, ['acceptedV4', '!'], 'of another connection alone');
    addonUnderTest().closeDescriptor(fd);
  });

  it('is not what is no socket', (t) => {
    const tested = new ReactorUnderTest(t);
    const { fd } = addonUnderTest().createSharedBytes(10);
    assert.throws(() => tested.reactor.adopt(fd), /ENOTSOCK/);
    addonUnderTest().closeDescriptor(fd);
  });
});
