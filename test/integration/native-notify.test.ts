import assert from 'node:assert/strict';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Notification, NotifySocket } from '../../native/index.ts';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount, startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Heard {
  readonly path: string;
  readonly notifications: Notification[];
  readonly socket: NotifySocket;
}

/** A notify socket that records, and is closed with the test. */
function listenFor(t: TestContext, path = join(tempDir(t), 'notify')): Heard {
  const notifications: Notification[] = [];
  const socket = addonUnderTest().openNotifySocket(path, (notification) => {
    notifications.push(notification);
  });
  t.after(() => {
    socket.close();
  });
  return { path, notifications, socket };
}

async function count(heard: Heard, wanted: number): Promise<void> {
  await waitFor(() => heard.notifications.length >= wanted, {
    what: `${wanted} notifications; heard ${heard.notifications.length}`,
  });
}

/** sd_notify(3) and sd_notify_barrier(3) as any program without our code does them. */
const notifyInPython = `
import os, select, socket, sys
path, text, barrier = sys.argv[1:4]
def send(message, fds):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(path)
        socket.send_fds(sock, [message], fds)
send(text.encode(), [])
if barrier == 'barrier':
    reading, writing = os.pipe()
    send(b'BARRIER=1', [writing])
    os.close(writing)
    poll = select.poll()
    poll.register(reading, select.POLLHUP)
    sys.exit(0 if poll.poll(15000) else 9)
`;

describe('a notify socket', { skip: withoutAddon }, () => {
  it('tells who sent a notification, by the pid of the process that did', async (t) => {
    const heard = listenFor(t);
    const child = startProcess(t, 'python3', ['-c', notifyInPython, heard.path, 'READY=1\nSTATUS=über', 'once']);
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    await count(heard, 1);
    assert.deepEqual(heard.notifications, [{ pid: child.pid, text: 'READY=1\nSTATUS=über' }]);
  });

  it('hears what sendNotification sends, from this process and from another', async (t) => {
    const heard = listenFor(t);
    addonUnderTest().sendNotification(heard.path, 'RELOADING=1');
    const child = startWithAddon(t, "addon.sendNotification(process.argv[1], 'READY=1');", { args: [heard.path] });
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    await count(heard, 2);
    assert.deepEqual(heard.notifications, [
      { pid: process.pid, text: 'RELOADING=1' },
      { pid: child.pid, text: 'READY=1' },
    ]);
  });

  it('releases a sender that waits at a barrier, after it has heard all that came before', async (t) => {
    const heard = listenFor(t);
    const before = descriptorCount(process.pid);
    const child = startProcess(t, 'python3', ['-c', notifyInPython, heard.path, 'READY=1', 'barrier']);
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.deepEqual(
      heard.notifications.map(({ text }) => text),
      ['READY=1', 'BARRIER=1'],
    );
    await waitFor(() => descriptorCount(process.pid) <= before, { what: 'the descriptors that came to be closed' });
  });

  it('loses nothing and keeps the order when its queue was full', async (t) => {
    const heard = listenFor(t);
    const sent: string[] = [];
    assert.throws(
      () => {
        for (let number = 0; number < 100_000; number++) {
          addonUnderTest().sendNotification(heard.path, `STATUS=${number}`);
          sent.push(`STATUS=${number}`);
        }
      },
      { code: 'EAGAIN', syscall: 'sendto' },
    );
    await count(heard, sent.length);
    assert.deepEqual(
      heard.notifications.map(({ text }) => text),
      sent,
    );
  });

  it('drops a datagram that is too long or empty, cuts a C string at its end, and hears the next', async (t) => {
    const heard = listenFor(t);
    const addon = addonUnderTest();
    addon.sendNotification(heard.path, `STATUS=${'x'.repeat(4090)}`);
    addon.sendNotification(heard.path, `STATUS=${'x'.repeat(4089)}`);
    const child = startProcess(t, 'python3', ['-c', notifyInPython, heard.path, '', 'once']);
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    const script =
      "import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1\\0', sys.argv[1])";
    const inC = startProcess(t, 'python3', ['-c', script, heard.path]);
    assert.deepEqual(await inC.exit(), { code: 0, signal: null }, inC.stderr);
    await count(heard, 2);
    assert.deepEqual(
      heard.notifications.map(({ text }) => text.slice(0, 8) + String(text.length)),
      ['STATUS=x4096', 'READY=17'],
    );
  });

  it('calls nobody after it was closed, be it from within the callback', async (t) => {
    const addon = addonUnderTest();
    const path = join(tempDir(t), 'notify');
    const before = descriptorCount(process.pid);
    const texts: string[] = [];
    const socket = addon.openNotifySocket(path, ({ text }) => {
      texts.push(text);
      socket.close();
      socket.close();
    });
    addon.sendNotification(path, 'first');
    addon.sendNotification(path, 'second');
    await waitFor(() => texts.length > 0, { what: 'the first notification' });
    // A second socket on the same loop is heard later than the first one would have been.
    const other = listenFor(t);
    addon.sendNotification(other.path, 'after');
    await count(other, 1);
    assert.deepEqual(texts, ['first']);
    assert.throws(
      () => {
        addon.sendNotification(path, 'third');
      },
      { code: 'ECONNREFUSED' },
    );
    other.socket.close();
    assert.equal(descriptorCount(process.pid), before);
  });

  it('does not keep a process alive', async (t) => {
    const path = join(tempDir(t), 'notify');
    const child = startWithAddon(t, 'addon.openNotifySocket(process.argv[1], () => {});', { args: [path] });
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  });

  it('is of no matter to a process that ends with something unheard', async (t) => {
    const path = join(tempDir(t), 'notify');
    const child = startWithAddon(
      t,
      `addon.openNotifySocket(process.argv[1], () => console.log('heard'));
      addon.sendNotification(process.argv[1], 'READY=1');`,
      { args: [path] },
    );
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    assert.equal(child.stdout, '');
  });

  it('makes what its callback throws an uncaught exception', async (t) => {
    const path = join(tempDir(t), 'notify');
    const child = startWithAddon(
      t,
      `setInterval(() => undefined, 1000);
      process.on('uncaughtException', (error) => { console.log('caught', error.message); process.exit(7); });
      addon.openNotifySocket(process.argv[1], () => { throw new Error('from the callback'); });
      addon.sendNotification(process.argv[1], 'READY=1');`,
      { args: [path] },
    );
    assert.deepEqual(await child.exit(), { code: 7, signal: null }, child.stderr);
    assert.match(child.stdout, /caught from the callback/);
  });

  it('lets promises and ticks of its callback run before the next notification', async (t) => {
    const addon = addonUnderTest();
    const path = join(tempDir(t), 'notify');
    const steps: string[] = [];
    const socket = addon.openNotifySocket(path, ({ text }) => {
      steps.push(text);
      void Promise.resolve().then(() => steps.push(`after ${text}`));
    });
    addon.sendNotification(path, 'a');
    addon.sendNotification(path, 'b');
    await waitFor(() => steps.length === 4, { what: 'both notifications' });
    socket.close();
    assert.deepEqual(steps, ['a', 'after a', 'b', 'after b']);
  });

  it('works in a worker thread and is closed with it', async (t) => {
    const contract = new URL('../../native/index.js', import.meta.url).href;
    const path = join(tempDir(t), 'notify');
    const before = descriptorCount(process.pid);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.contract).then(({ native: { addon } }) => {
        addon.openNotifySocket(workerData.path, (heard) => parentPort.postMessage(heard.text));
        parentPort.on('message', () => undefined);
        parentPort.postMessage('open');
      });`,
      { eval: true, workerData: { contract, path } },
    );
    t.after(() => worker.terminate());
    const messages: string[] = [];
    worker.on('message', (text: string) => messages.push(text));
    await waitFor(() => messages.includes('open'), { what: 'the worker to open its socket' });
    addonUnderTest().sendNotification(path, 'READY=1');
    await waitFor(() => messages.includes('READY=1'), { what: 'the worker to hear' });
    await worker.terminate();
    assert.equal(descriptorCount(process.pid), before);
    assert.throws(
      () => {
        addonUnderTest().sendNotification(path, 'READY=1');
      },
      { code: 'ECONNREFUSED', syscall: 'sendto' },
    );
  });

  it('may be sent to by every user, and never replaces a file that is there', (t) => {
    const heard = listenFor(t);
    assert.equal(lstatSync(heard.path).mode & 0o777, 0o666);
    const file = join(tempDir(t), 'precious');
    writeFileSync(file, 'text');
    const before = descriptorCount(process.pid);
    assert.throws(() => addonUnderTest().openNotifySocket(file, () => undefined), {
      code: 'EADDRINUSE',
      syscall: 'bind',
    });
    assert.equal(readFileSync(file, 'utf8'), 'text');
    assert.equal(descriptorCount(process.pid), before);
  });

  it('can have a name in the abstract namespace', async (t) => {
    const heard = listenFor(t, `@emperor-test-${process.pid}-${Date.now()}`);
    const child = startProcess(t, 'python3', [
      '-c',
      notifyInPython.replace('sys.argv[1:4]', "('\\0' + sys.argv[1][1:], *sys.argv[2:4])"),
      heard.path,
      'READY=1',
      'once',
    ]);
    addonUnderTest().sendNotification(heard.path, 'READY=1');
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
    await count(heard, 2);
    assert.deepEqual(new Set(heard.notifications.map(({ pid }) => pid)), new Set([process.pid, child.pid]));
  });

  it('that is not there is an error for the sender', (t) => {
    const path = join(tempDir(t), 'missing');
    assert.throws(
      () => {
        addonUnderTest().sendNotification(path, 'READY=1');
      },
      { code: 'ENOENT', syscall: 'sendto', message: `sendto ENOENT: no such file or directory ${path}` },
    );
  });
});
