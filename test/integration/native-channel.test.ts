import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { longestChannelMessage } from '../../native/channel.ts';
import { ChannelEnd, serveChannels } from '../harness/channel-site.ts';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount, startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('a channel', { skip: withoutAddon }, () => {
  it('tells messages whole, in order, each with the descriptor it was sent with', async (t) => {
    const [client, server] = await serveChannels(t).dial();
    const file = openSync(join(tempDir(t), 'file'), 'w');
    assert.equal(client.send('one'), true);
    assert.equal(client.send('two', file), true);
    assert.equal(client.send('x'.repeat(longestChannelMessage)), true);
    assert.equal(server.send('back'), true);
    await server.heard(3);
    await client.heard(1);
    assert.deepEqual(
      server.messages.map((text) => text.slice(0, 3)),
      ['one', 'two', 'xxx'],
    );
    assert.equal(server.messages[2]?.length, longestChannelMessage);
    assert.deepEqual(client.messages, ['back']);
    assert.deepEqual(
      server.descriptors.map((fd) => fstatSync(fd).ino),
      [fstatSync(file).ino],
    );
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${server.descriptors[0]}`, 'utf8'))?.[1];
    // O_CLOEXEC of this architecture's <fcntl.h>, as /proc shows it (octal).
    assert.equal(Number.parseInt(flags ?? '', 8) & 0o2000000, 0o2000000);
    closeSync(file);
  });

  it('keeps a connection open that its first owner has closed, and passes it to another process', async (t) => {
    const path = join(tempDir(t), 'channel');
    const worker = startWithAddon(
      t,
      `import { Socket } from 'node:net';
      setInterval(() => undefined, 1000);
      addon.openChannelServer(process.argv[1], 0o600, () => ({
        onMessage: (bytes, [fd]) => new Socket({ fd }).end(Buffer.from(bytes) + ' from ' + process.pid),
        onEnd: () => undefined,
      }));
      console.log('open');`,
      { args: [path] },
    );
    await worker.printed('open');
    const [ours, theirs] = addonUnderTest().socketPair();
    const client = new ChannelEnd((handler) => addonUnderTest().connectChannel(path, handler));
    t.after(() => {
      client.channel.close();
    });
    client.send('hello', theirs);
    addonUnderTest().closeDescriptor(theirs);
    const text = await waitFor(
      () => {
        const received = addonUnderTest().receiveDescriptors(ours);
        return received === undefined ? undefined : Buffer.from(received.bytes).toString();
      },
      { what: 'the other process to write to the connection' },
    );
    assert.equal(text, `hello from ${worker.pid}`);
    addonUnderTest().closeDescriptor(ours);
  });

  it('says that it is full, drops nothing of what it took, and has room again when it was read', async (t) => {
    const [client, server] = await serveChannels(t).dial();
    let sent = 0;
    // The server reads only when this test lets the event loop run.
    while (sent < 100_000 && client.send(`message ${sent}`)) sent++;
    assert.ok(sent > 10 && sent < 100_000, `${sent} messages`);
    assert.equal(client.send('not this one'), false);
    await server.heard(sent);
    assert.equal(client.send('last'), true);
    await server.heard(sent + 1);
    const wanted = [...Array.from({ length: sent }, (_, index) => `message ${index}`), 'last'];
    assert.deepEqual(server.messages, wanted);
  });

  it('tells everything that was sent before its other end was closed, and then its end, once', async (t) => {
    const [client, server] = await serveChannels(t).dial();
    for (let count = 0; count < 200; count++) client.send(`message ${count}`);
    client.channel.close();
    client.channel.close();
    await server.ended();
    assert.equal(server.messages.length, 200);
    assert.deepEqual(server.ends, [undefined]);
    assert.deepEqual(client.ends, []);
  });

  it('tells what a process sent that was killed with something unread', async (t) => {
    const site = serveChannels(t);
    const child = startWithAddon(
      t,
      `setInterval(() => undefined, 1000);
      const channel = addon.connectChannel(process.argv[1], { onMessage: () => undefined, onEnd: () => undefined });
      channel.send(Buffer.from('last words'), []);
      console.log('sent');
      // Reads no more.
      process.kill(process.pid, 'SIGSTOP');`,
      { args: [site.path] },
    );
    await child.printed('sent');
    const server = await waitFor(() => site.taken[0], { what: 'the channel' });
    // Our event loop has not run since the server took it up: both lie in the queues.
    server.send('unread');
    child.kill('SIGKILL');
    await child.exit();
    await server.ended();
    assert.deepEqual(server.messages, ['last words']);
    assert.deepEqual(server.ends, [undefined]);
  });

  it('that is gone refuses to send, by a system error', async (t) => {
    const [client, server] = await serveChannels(t).dial();
    server.channel.close();
    assert.throws(() => client.send('late'), { code: 'EPIPE', syscall: 'sendmsg' });
    await client.ended();
    assert.throws(() => client.send('later'), { code: 'EPIPE', syscall: 'sendmsg' });
    assert.throws(() => server.send('closed by us'), { code: 'EPIPE', syscall: 'sendmsg' });
  });

  it('tells nothing more once it was closed, be it from within a callback', async (t) => {
    const site = serveChannels(t);
    const [client, server] = await site.dial();
    server.onHeard = () => {
      server.channel.close();
    };
    client.send('first', 0);
    client.send('second', 0);
    await server.heard(1);
    await client.ended();
    const [other, late] = await site.dial();
    other.send('after');
    await late.heard(1);
    assert.deepEqual(server.messages, ['first']);
    assert.deepEqual(server.ends, []);
  });

  it('leaves no descriptor behind, neither told nor dropped ones', async (t) => {
    const before = descriptorCount(process.pid);
    const site = serveChannels(t);
    const [client, server] = await site.dial();
    client.send('told', 0);
    await server.heard(1);
    client.send('dropped', 0);
    server.channel.close();
    site.close();
    await waitFor(() => descriptorCount(process.pid) <= before, { what: 'every descriptor to be closed' });
  });

  it('tells a message whose descriptor found no room, without it', async (t) => {
    const path = join(tempDir(t), 'channel');
    const child = startWithAddon(
      t,
      `import { openSync } from 'node:fs';
      addon.openChannelServer(process.argv[1], 0o600, (channel) => {
        try { for (;;) openSync('/dev/null'); } catch {}
        return { onMessage: (bytes, descriptors) => console.log('heard', String(bytes), descriptors.length), onEnd: () => process.exit() };
      });
      setInterval(() => undefined, 1000);
      console.log('open');`,
      { args: [path], openFiles: 64 },
    );
    await child.printed('open');
    const client = new ChannelEnd((handler) => addonUnderTest().connectChannel(path, handler));
    client.send('message', 0);
    await child.printed('heard message 0');
    client.channel.close();
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  });

  it('ends by a fault where the other end sends more than a message may hold', async (t) => {
    const site = serveChannels(t);
    const script = `
import socket, sys
for message, fds in ((b'x' * 65537, []), (b'x', [0, 1])):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(sys.argv[1])
    socket.send_fds(sock, [message], fds)
    assert sock.recv(1) == b''
`;
    const before = descriptorCount(process.pid);
    const child = startProcess(t, 'python3', ['-c', script, site.path]);
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    await waitFor(() => site.taken.every(({ ends }) => ends.length > 0), { what: 'both ends' });
    assert.deepEqual(
      site.taken.map(({ ends, messages }) => [ends, messages]),
      [
        [['EMSGSIZE'], []],
        [['EMSGSIZE'], []],
      ],
    );
    await waitFor(() => descriptorCount(process.pid) <= before, { what: 'what came to be closed' });
  });

  it('does not keep a process alive', async (t) => {
    const path = join(tempDir(t), 'channel');
    const child = startWithAddon(
      t,
      `const handler = { onMessage: () => undefined, onEnd: () => undefined };
      addon.openChannelServer(process.argv[1], 0o600, () => handler);
      addon.connectChannel(process.argv[1], handler);`,
      { args: [path] },
    );
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  });

  it('makes what its callbacks throw an uncaught exception, and goes on', async (t) => {
    const path = join(tempDir(t), 'channel');
    const child = startWithAddon(
      t,
      `const running = setInterval(() => undefined, 1000);
      process.on('uncaughtException', (error) => console.log('caught', error.message));
      let channels = 0;
      addon.openChannelServer(process.argv[1], 0o600, () => {
        if (channels++ === 0) throw new Error('at a channel');
        if (channels === 2) return {};
        return {
          onMessage: () => { throw new Error('at a message'); },
          onEnd: () => { clearInterval(running); throw new Error('at the end'); },
        };
      });
      const ends = [];
      const dial = () => addon.connectChannel(process.argv[1], { onMessage() {}, onEnd() { ends.push('end'); } });
      dial();
      dial();
      const third = dial();
      third.send(Buffer.from('x'), []);
      third.close();
      process.on('exit', () => console.log(ends.join(' ')));`,
      { args: [path] },
    );
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.deepEqual(child.stdout.trim().split('\n'), [
      'caught at a channel',
      'caught The handler of a channel must have onMessage and onEnd',
      'caught at a message',
      'caught at the end',
      'end end',
    ]);
  });

  it('works in a worker thread and is closed with it', async (t) => {
    const contract = new URL('../../native/index.js', import.meta.url).href;
    const path = join(tempDir(t), 'channel');
    const before = descriptorCount(process.pid);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.contract).then(({ native: { addon } }) => {
        addon.openChannelServer(workerData.path, 0o600, () => ({
          onMessage: (bytes) => parentPort.postMessage(String(Buffer.from(bytes))),
          onEnd: () => undefined,
        }));
        parentPort.on('message', () => undefined);
        parentPort.postMessage('open');
      });`,
      { eval: true, workerData: { contract, path } },
    );
    t.after(() => worker.terminate());
    const messages: string[] = [];
    worker.on('message', (text: string) => messages.push(text));
    await waitFor(() => messages.includes('open'), { what: 'the worker to open its server' });
    const client = new ChannelEnd((handler) => addonUnderTest().connectChannel(path, handler));
    client.send('heard');
    await waitFor(() => messages.includes('heard'), { what: 'the worker to hear' });
    await worker.terminate();
    await client.ended();
    await waitFor(() => descriptorCount(process.pid) <= before, { what: 'every descriptor to be closed' });
  });
});
