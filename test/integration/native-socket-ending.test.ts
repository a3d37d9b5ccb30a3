import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('a connection that two descriptors belong to', { skip: withoutAddon }, () => {
  interface Pair {
    readonly ours: number;
    readonly copy: number;
    readonly ends: string[];
  }

  /** A TCP connection of a client to us, and two descriptors of our end. */
  async function connected(t: TestContext): Promise<Pair> {
    const addon = addonUnderTest();
    const fds: number[] = [];
    const server = createServer((socket) => {
      const fd = (socket as unknown as { _handle: { fd: number } })._handle.fd;
      fds.push(addon.duplicateDescriptor(fd), addon.duplicateDescriptor(fd));
      socket.destroy();
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await waitFor(() => server.listening, { what: 'the server' });
    const address = server.address();
    const ends: string[] = [];
    const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    client.on('end', () => ends.push('end'));
    client.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
    client.resume();
    t.after(() => client.destroy());
    const [ours = -1, copy = -1] = await waitFor(() => (fds.length === 2 ? fds : undefined), {
      what: 'the connection',
    });
    return { ours, copy, ends };
  }

  it('lives as long as one of them', async (t) => {
    const { ours, copy, ends } = await connected(t);
    addonUnderTest().closeDescriptor(ours);
    assert.notEqual(fstatSync(copy).ino, 0);
    assert.deepEqual(ends, []);
    addonUnderTest().closeDescriptor(copy);
    await waitFor(() => ends.length > 0, { what: 'the end' });
    assert.deepEqual(ends, ['end']);
  });

  it('is ended by shutdownSocket whatever the other one is for', async (t) => {
    const { ours, copy, ends } = await connected(t);
    addonUnderTest().shutdownSocket(ours);
    await waitFor(() => ends.length > 0, { what: 'the end' });
    assert.deepEqual(ends, ['end']);
    addonUnderTest().shutdownSocket(copy);
    for (const fd of [ours, copy]) addonUnderTest().closeDescriptor(fd);
  });

  it('is reset by abortSocket whatever the other one is for', async (t) => {
    const { ours, copy, ends } = await connected(t);
    addonUnderTest().abortSocket(ours);
    await waitFor(() => ends.length > 0, { what: 'the end' });
    assert.deepEqual(ends, ['ECONNRESET']);
    for (const fd of [ours, copy]) addonUnderTest().closeDescriptor(fd);
  });

  it('of a unix socket is ended by abortSocket', (t) => {
    const addon = addonUnderTest();
    const [left, right] = addon.socketPair();
    t.after(() => {
      addon.closeDescriptor(left);
      addon.closeDescriptor(right);
    });
    const copy = addon.duplicateDescriptor(left);
    addon.abortSocket(left);
    assert.equal(addon.receiveDescriptors(right)?.bytes.length, 0);
    addon.closeDescriptor(copy);
  });
});
