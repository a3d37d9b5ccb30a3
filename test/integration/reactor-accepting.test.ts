import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { ReactorUnderTest } from '../harness/reactor.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A server by the reactor that answers every request with `ok` and closes, and says what it could not accept. */
const server = `
  const { connect } = await import('node:net');
  const sizes = { capacity: 1000, slabBytes: 1 << 20, outgoingBytes: 64, mostEvents: 64, mostCommands: 64, readBytes: 1000,
    mostPendingBytes: 1000 };
  const listening = addon.listenTcp('127.0.0.1', 0, 100);
  const reactor = addon.createReactor(sizes, (count) => {
    let commands = 0;
    for (let at = 0; at < 4 * count; at += 4) {
      const [kind, stream, a] = reactor.events.subarray(at, at + 4);
      if (kind === 4) {
        reactor.outgoing.set([111, 107]);
        reactor.commands.set([1, stream, 0, 2, 4, stream, 0, 0], 4 * commands);
        commands += 2;
      }
      if (kind === 10) {
        console.log('refused', a);
        // Room for one more, and then it may go on.
        hoard.pop().close();
        setImmediate(() => reactor.muteListener(listener, false));
      }
    }
    return commands;
  });
  const listener = reactor.listen(listening, true);
  const hoard = [];
  const { openSync, closeSync } = await import('node:fs');
  const files = [];
`;

describe('a reactor that accepts', { skip: withoutAddon }, () => {
  it('tells that the process is out of descriptors, and goes on when there are some again', async (t) => {
    const script = `${server}
      const hold = (fd) => hoard.push({ close: () => closeSync(fd) });
      console.log('port', addon.localPort(listening));
      process.stdin.resume();
      // All of them but the one that the reactor would need.
      for (;;) { try { hold(openSync('/dev/null')); } catch { break; } }
      reactor.muteListener(listener, false);`;
    const child = startWithAddon(t, script, { openFiles: 64 });
    await child.printed('port');
    const port = Number(/port (\d+)/.exec(child.stdout)?.[1]);
    for (let turn = 0; turn < 3; turn++) {
      const answer = await new Promise<string>((resolve) => {
        const client = connect(port, '127.0.0.1');
        client.write('hello');
        client.on('error', () => undefined);
        client.once('data', (bytes) => {
          resolve(bytes.toString());
          client.destroy();
        });
      });
      assert.equal(answer, 'ok');
    }
    assert.match(child.stdout, /refused 24\n/, 'EMFILE');
  });

  it('takes up and lets go of a thousand connections, and keeps no descriptor of them', async (t) => {
    const tested = new ReactorUnderTest(t, { mostEvents: 16 });
    const path = join(tempDir(t), 's');
    tested.listenUnix(path);
    const { port } = tested.listen();
    tested.onEvent = (event) => {
      if (event.kind === 'data') tested.command('sendSlab', event.stream, event.a, event.b);
      if (event.kind === 'ended') tested.command(event.stream % 2 === 0 ? 'end' : 'close', event.stream);
    };
    const before = descriptorCount(process.pid);
    const echo = async (target: number | string, text: string): Promise<void> => {
      await new Promise<void>((resolve, reject) => {
        const client = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
        let heard = '';
        client.end(text);
        client.on('data', (bytes) => (heard += bytes.toString()));
        client.once('error', reject);
        client.once('close', () => {
          if (heard === text) resolve();
          else reject(new Error(`"${heard}" is not "${text}"`));
        });
      });
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => echo(index % 3 === 0 ? path : port, `${round} ${index}`)),
      );
    }
    await waitFor(() => descriptorCount(process.pid) === before, { what: 'all descriptors to be closed' });
    const numbers = tested.events.map(({ stream }) => stream);
    assert.ok(Math.max(...numbers) < 200, 'numbers are used again');
  });

  it('leaves connections in the queue while it is muted', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port, listener } = tested.listen();
    tested.reactor.muteListener(listener, true);
    const client = connect(port, '127.0.0.1');
    t.after(() => client.destroy());
    await new Promise((resolve) => client.once('connect', resolve));
    client.write('in the queue');
    // Another listener's connection shows that the loop has run.
    await tested.accept(tested.listen().port);
    assert.equal(tested.received(0).toString(), '!');
    tested.reactor.muteListener(listener, false);
    await tested.event('data', ({ bytes }) => bytes.toString() === 'in the queue');
  });

  it('accepts no more once it is closed, and leaves the socket to its owner', async (t) => {
    const tested = new ReactorUnderTest(t);
    const { port, listener, fd } = tested.listen();
    tested.reactor.closeListener(listener);
    assert.throws(() => {
      tested.reactor.muteListener(listener, false);
    }, /EBADF/);
    const client = connect(port, '127.0.0.1');
    t.after(() => client.destroy());
    client.write('for whom it concerns');
    await new Promise((resolve) => client.once('connect', resolve));
    const again = tested.reactor.listen(fd, true);
    assert.equal(again, listener, 'its number is free');
    tested.reactor.muteListener(again, false);
    await tested.event('data', ({ bytes }) => bytes.toString() === 'for whom it concerns');
  });

  it('accepts on a socket that blocks, without blocking', async (t) => {
    const tested = new ReactorUnderTest(t);
    const addon = addonUnderTest();
    const fd = addon.listenTcp('127.0.0.1', 0, 10);
    addon.setBlocking(fd);
    tested.reactor.muteListener(tested.reactor.listen(fd, true), false);
    await tested.accept(addon.localPort(fd));
    await tested.accept(addon.localPort(fd));
    addon.closeDescriptor(fd);
  });
});
