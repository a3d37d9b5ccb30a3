import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';

/** What a caller who escaped the type checker might pass. */
const wrongDescriptors = [undefined, null, '3', {}, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31] as const;

describe('the native addon refuses what could never work', { skip: withoutAddon }, () => {
  const untyped = (name: string, ...args: readonly unknown[]): unknown =>
    (addonUnderTest() as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]?.(...args);

  const refuses = (code: string, name: string, ...args: readonly unknown[]): void => {
    assert.throws(
      () => untyped(name, ...args),
      (error: unknown) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
        assert.equal((error as NodeJS.ErrnoException).code, code, error.message);
        assert.equal(error instanceof RangeError, code === 'ERR_OUT_OF_RANGE');
        return true;
      },
      `${name}(${args.map(String).join(', ')})`,
    );
  };

  it('a host that is not a numeric address', () => {
    for (const host of ['localhost', '127.1', '0x7f.1', '[::1]', '1.2.3.4.5', ' 127.0.0.1', 'é', '127.0.0.1:80']) {
      refuses('ERR_INVALID_IP_ADDRESS', 'listenTcp', host, 0, 1);
    }
    refuses('ERR_INVALID_ARG_VALUE', 'listenTcp', '', 0, 1);
    refuses('ERR_INVALID_ARG_VALUE', 'listenTcp', '127.0.0.1\0.evil', 0, 1);
    refuses('ERR_INVALID_ARG_TYPE', 'listenTcp', undefined, 0, 1);
    refuses('ERR_INVALID_ARG_TYPE', 'listenTcp');
  });

  it('a port that is none', () => {
    for (const port of [-1, 65536, 80.5, Number.NaN]) refuses('ERR_OUT_OF_RANGE', 'listenTcp', '127.0.0.1', port, 1);
    for (const port of ['80', null, undefined, 80n]) refuses('ERR_INVALID_ARG_TYPE', 'listenTcp', '127.0.0.1', port, 1);
  });

  it('a backlog below one', () => {
    refuses('ERR_OUT_OF_RANGE', 'listenTcp', '127.0.0.1', 0, 0);
    refuses('ERR_OUT_OF_RANGE', 'listenUnix', '/nowhere/a.sock', -5, 0o600);
    refuses('ERR_INVALID_ARG_TYPE', 'listenUnix', '/nowhere/a.sock', undefined, 0o600);
  });

  it('a mode that has more than permissions', () => {
    refuses('ERR_OUT_OF_RANGE', 'listenUnix', '/nowhere/a.sock', 1, 0o4755);
    refuses('ERR_OUT_OF_RANGE', 'listenUnix', '/nowhere/a.sock', 1, -1);
    refuses('ERR_INVALID_ARG_TYPE', 'listenUnix', '/nowhere/a.sock', 1, '0600');
  });

  it('a socket path that does not fit, counted in bytes', () => {
    const longest = `/nowhere/${'x'.repeat(98)}`;
    assert.equal(Buffer.byteLength(longest), 107);
    // The system itself judges the longest one: its directory is not there.
    assert.throws(() => untyped('listenUnix', longest, 1, 0o600), { code: 'ENOENT' });
    refuses('ERR_OUT_OF_RANGE', 'listenUnix', `${longest}x`, 1, 0o600);
    refuses('ERR_OUT_OF_RANGE', 'listenUnix', `/nowhere/${'é'.repeat(60)}`, 1, 0o600);
    refuses('ERR_OUT_OF_RANGE', 'sendNotification', `${longest}x`, 'READY=1');
    refuses('ERR_OUT_OF_RANGE', 'openNotifySocket', `${longest}x`, () => undefined);
    refuses('ERR_INVALID_ARG_VALUE', 'listenUnix', '', 1, 0o600);
    refuses('ERR_INVALID_ARG_VALUE', 'listenUnix', '/tmp/a\0b', 1, 0o600);
  });

  it('a descriptor that could not be one', () => {
    for (const name of [
      'localPort',
      'closeDescriptor',
      'duplicateDescriptor',
      'shutdownSocket',
      'abortSocket',
      'mapSharedBytes',
      'setBlocking',
      'peerCredentials',
      'receiveDescriptors',
      'sendDescriptors',
    ]) {
      for (const fd of wrongDescriptors) {
        refuses(typeof fd === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE', name, fd);
      }
    }
  });

  it('bytes and descriptors that cannot be sent', () => {
    refuses('ERR_INVALID_ARG_TYPE', 'sendDescriptors', 1, 'text', []);
    refuses('ERR_INVALID_ARG_TYPE', 'sendDescriptors', 1, new Uint16Array(2), []);
    refuses('ERR_OUT_OF_RANGE', 'sendDescriptors', 1, new Uint8Array(0), []);
    const byte = new Uint8Array(1);
    refuses('ERR_INVALID_ARG_TYPE', 'sendDescriptors', 1, byte, 5);
    refuses('ERR_INVALID_ARG_TYPE', 'sendDescriptors', 1, byte, ['5']);
    refuses('ERR_OUT_OF_RANGE', 'sendDescriptors', 1, byte, [0, -1]);
    refuses('ERR_OUT_OF_RANGE', 'sendDescriptors', 1, byte, Array<number>(65).fill(0));
  });

  it('a channel that could not be one', () => {
    const handler = { onMessage: () => undefined, onEnd: () => undefined };
    refuses('ERR_OUT_OF_RANGE', 'openChannelServer', '/nowhere/channel', 0o1000, () => handler);
    refuses('ERR_INVALID_ARG_TYPE', 'openChannelServer', '/nowhere/channel', 0o600, handler);
    refuses('ERR_OUT_OF_RANGE', 'openChannelServer', `/nowhere/${'x'.repeat(99)}`, 0o600, () => handler);
    refuses('ERR_INVALID_ARG_VALUE', 'connectChannel', '', handler);
    refuses('ERR_OUT_OF_RANGE', 'connectChannel', `/nowhere/${'x'.repeat(99)}`, handler);
  });

  it('a size that no shared bytes could have', () => {
    for (const size of [0, -1, 1.5, 2 ** 30 + 1, Number.NaN]) refuses('ERR_OUT_OF_RANGE', 'createSharedBytes', size);
    refuses('ERR_INVALID_ARG_TYPE', 'createSharedBytes', '4096');
    refuses('ERR_OUT_OF_RANGE', 'mapSharedBytes', 0, 0);
  });

  it('a pid that would mean a group, everybody, or init', () => {
    for (const pid of [1, 0, -1, -4711, 2.5, Number.NaN]) refuses('ERR_OUT_OF_RANGE', 'reap', pid);
    refuses('ERR_INVALID_ARG_TYPE', 'reap', '4711');
  });

  it('a signal that is none', () => {
    for (const signal of [-1, 65, 1.5]) refuses('ERR_OUT_OF_RANGE', 'setParentDeathSignal', signal);
    refuses('ERR_INVALID_ARG_TYPE', 'setParentDeathSignal', 'SIGTERM');
  });

  it('a callback that cannot be called, and an empty notification', () => {
    refuses('ERR_INVALID_ARG_TYPE', 'openNotifySocket', '/nowhere/notify', {});
    refuses('ERR_INVALID_ARG_VALUE', 'sendNotification', '/nowhere/notify', '');
  });
});
