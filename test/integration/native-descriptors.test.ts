import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ask } from '../harness/http-client.ts';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount, startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Pair {
  readonly left: number;
  readonly right: number;
  readonly close: (fd: number) => void;
}

/** Both ends of a pair that is closed with the test. */
function pairFor(t: TestContext): Pair {
  const addon = addonUnderTest();
  const [left, right] = addon.socketPair();
  const open = new Set([left, right]);
  const close = (fd: number): void => {
    if (open.delete(fd)) addon.closeDescriptor(fd);
  };
  t.after(() => {
    close(left);
    close(right);
  });
  return { left, right, close };
}

function inode(fd: number): number {
  return fstatSync(fd).ino;
}

const receiveOne = `
  const receive = () => new Promise((resolve, reject) => {
    const look = () => {
      try {
        const received = addon.receiveDescriptors(3);
        if (received === undefined) setTimeout(look, 5); else resolve(received);
      } catch (error) { reject(error); }
    };
    look();
  });
`;

describe('a pipe', { skip: withoutAddon }, () => {
  it('is one whose write end a child may open by name, and ends with its last writer', async (t) => {
    const addon = addonUnderTest();
    const before = descriptorCount(process.pid);
    const [readEnd, writeEnd] = addon.createPipe();
    const child = startProcess(t, '/bin/sh', ['-c', 'echo by name > /proc/self/fd/3'], { descriptors: [writeEnd] });
    addon.closeDescriptor(writeEnd);
    const chunks: Buffer[] = [];
    for await (const chunk of new Socket({ fd: readEnd, readable: true, writable: false }))
      chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), 'by name\n');
    assert.deepEqual(await child.exit(), { code: 0, signal: null });
    await waitFor(() => descriptorCount(process.pid) <= before, { what: 'both ends to be closed' });
  });
});

describe('descriptors sent over a unix socket', { skip: withoutAddon }, () => {
  it('let another process serve on a listening socket that its first owner has closed', async (t) => {
    const addon = addonUnderTest();
    const { left, right, close } = pairFor(t);
    const worker = startWithAddon(
      t,
      `${receiveOne}
      import { createServer } from 'node:http';
      const { bytes, descriptors } = await receive();
      createServer((request, response) => response.end(bytes + ' ' + process.pid)).listen({ fd: descriptors[0] });`,
      { descriptors: [right] },
    );
    close(right);
    const listener = addon.listenTcp('127.0.0.1', 0, 16);
    const port = addon.localPort(listener);
    assert.equal(addon.sendDescriptors(left, Buffer.from('shop'), [listener]), 4);
    addon.closeDescriptor(listener);
    assert.equal((await ask(port)).body, `shop ${worker.pid}`);
  });

  it('arrive with the bytes they were sent with, in order, one send at a time', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    const files = ['a', 'b', 'c'].map((name) => openSync(join(tempDir(t), name), 'w'));
    const [a = -1, b = -1, c = -1] = files;
    addon.sendDescriptors(left, Buffer.from('first'), [a, b]);
    addon.sendDescriptors(left, Buffer.from('second'), [c]);
    addon.sendDescriptors(left, Buffer.from('third'), []);

    const first = addon.receiveDescriptors(right);
    const second = addon.receiveDescriptors(right);
    const third = addon.receiveDescriptors(right);
    assert.equal(String(first?.bytes), 'first');
    assert.deepEqual(first?.descriptors.map(inode), [inode(a), inode(b)]);
    assert.equal(String(second?.bytes), 'second');
    assert.deepEqual(second?.descriptors.map(inode), [inode(c)]);
    assert.equal(String(third?.bytes), 'third');
    assert.deepEqual(third?.descriptors, []);
    assert.equal(addon.receiveDescriptors(right), undefined);
    for (const fd of [...files, ...first.descriptors, ...second.descriptors]) closeSync(fd);
  });

  it('are close-on-exec where they arrive', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    addon.sendDescriptors(left, Buffer.from('x'), [0]);
    const [fd = -1] = addon.receiveDescriptors(right)?.descriptors ?? [];
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
    // O_CLOEXEC of this architecture's <fcntl.h>, as /proc shows it (octal).
    assert.equal(Number.parseInt(flags, 8) & 0o2000000, 0o2000000);
    addon.closeDescriptor(fd);
  });

  it('go 64 at a time and no more', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    assert.throws(() => addon.sendDescriptors(left, Buffer.from('x'), Array<number>(65).fill(left)), RangeError);
    assert.equal(addon.receiveDescriptors(right), undefined, 'nothing was sent');
    addon.sendDescriptors(left, Buffer.from('x'), Array<number>(64).fill(left));
    const received = addon.receiveDescriptors(right);
    assert.equal(received?.descriptors.length, 64);
    for (const fd of received.descriptors) addon.closeDescriptor(fd);
  });

  it('are closed again when a stranger sends more than 64', async (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    const stranger = startProcess(
      t,
      'python3',
      ['-c', 'import socket; socket.send_fds(socket.socket(fileno=3), [b"x"], [0] * 100)'],
      { descriptors: [left] },
    );
    assert.deepEqual(await stranger.exit(), { code: 0, signal: null }, stranger.stderr);
    const before = descriptorCount(process.pid);
    assert.throws(() => addon.receiveDescriptors(right), { code: 'EMSGSIZE', syscall: 'recvmsg' });
    assert.equal(descriptorCount(process.pid), before);
    assert.equal(addon.receiveDescriptors(right), undefined, 'the message is gone');
  });

  it('are an error, and none of them stays, when a process at its limit gets only some', async (t) => {
    const addon = addonUnderTest();
    const { left, right, close } = pairFor(t);
    const child = startWithAddon(
      t,
      `${receiveOne}
      import { openSync, closeSync, readdirSync } from 'node:fs';
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      // Two of the three that come will fit; readdir needs one itself.
      closeSync(held.pop());
      closeSync(held.pop());
      const before = readdirSync('/proc/self/fd').length;
      const answer = await receive().catch(({ code }) => code);
      console.log(JSON.stringify({ answer, leaked: readdirSync('/proc/self/fd').length - before }));`,
      { descriptors: [right], openFiles: 256 },
    );
    close(right);
    addon.sendDescriptors(left, Buffer.from('x'), [0, 1, 2]);
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.deepEqual(JSON.parse(child.stdout), { answer: 'EMSGSIZE', leaked: 0 });
  });

  it('go with the first bytes of a message that does not fit, whose rest is sent by itself', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    const message = Buffer.alloc(4 * 1024 * 1024, 'emperor ');
    const sent = addon.sendDescriptors(left, message, [0]);
    assert.ok(sent > 0 && sent < message.length, `${sent} bytes went`);
    assert.throws(() => addon.sendDescriptors(left, message, []), { code: 'EAGAIN', syscall: 'sendmsg' });

    const parts: Uint8Array[] = [];
    const descriptors: number[] = [];
    for (let missing = sent; missing > 0;) {
      const received = addon.receiveDescriptors(right);
      assert.ok(received, 'every byte that was sent is there');
      if (parts.length > 0) assert.deepEqual(received.descriptors, [], 'they came with the first bytes');
      parts.push(received.bytes);
      descriptors.push(...received.descriptors);
      missing -= received.bytes.length;
    }
    assert.ok(Buffer.concat(parts).equals(message.subarray(0, sent)));
    assert.equal(descriptors.length, 1);
    for (const fd of descriptors) addon.closeDescriptor(fd);
  });

  it('tell nothing yet, the end, and a lost receiver apart', (t) => {
    const addon = addonUnderTest();
    const { left, right, close } = pairFor(t);
    assert.equal(addon.receiveDescriptors(right), undefined);
    addon.sendDescriptors(left, Buffer.from('last'), []);
    close(left);
    assert.equal(String(addon.receiveDescriptors(right)?.bytes), 'last');
    const end = addon.receiveDescriptors(right);
    assert.deepEqual([end?.bytes.length, end?.descriptors], [0, []]);
    // Not a signal: SIGPIPE would end this process.
    assert.throws(() => addon.sendDescriptors(right, Buffer.from('x'), []), { code: 'EPIPE', errno: -32 });
  });

  it('are refused by the system where one is not open, and nothing is sent', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    assert.throws(() => addon.sendDescriptors(left, Buffer.from('x'), [fd]), { code: 'EBADF', syscall: 'sendmsg' });
    assert.equal(addon.receiveDescriptors(right), undefined);
    assert.throws(() => addon.receiveDescriptors(fd), { code: 'EBADF', syscall: 'recvmsg' });
  });

  it('leave nothing open after a thousand of them, read or not', (t) => {
    const addon = addonUnderTest();
    const { left, right } = pairFor(t);
    const before = descriptorCount(process.pid);
    for (let round = 0; round < 1000; round++) {
      addon.sendDescriptors(left, Buffer.from('round'), [0, 1]);
      for (const fd of addon.receiveDescriptors(right)?.descriptors ?? []) addon.closeDescriptor(fd);
      const [one, other] = addon.socketPair();
      addon.sendDescriptors(one, Buffer.from('unread'), [0, other]);
      addon.closeDescriptor(one);
      addon.closeDescriptor(other);
    }
    assert.equal(descriptorCount(process.pid), before);
  });
});
