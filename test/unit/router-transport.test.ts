import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addonUnderTest } from '../harness/native-addon.ts';
import { withoutReactor } from '../harness/transport.ts';
import { createTransport } from '../../router/transports/choose.ts';

describe('a router whose reactor does not start', { skip: withoutReactor }, () => {
  const failing = (): ReturnType<typeof createTransport>[] => {
    const addon = {
      ...addonUnderTest(),
      createReactor: (): never => {
        throw new Error('EMFILE: too many open files, epoll_create1');
      },
    };
    return (['auto', 'reactor', 'portable'] as const).map((wish) =>
      createTransport(wish, { addon, missing: undefined }),
    );
  };

  it('runs the portable transport and says why, unless it was asked for the reactor', () => {
    const [auto, reactor, portable] = failing();
    const why = 'the reactor cannot run: it does not start: EMFILE: too many open files, epoll_create1';
    assert.ok(typeof auto === 'object' && typeof portable === 'object');
    assert.deepEqual([auto.name, auto.reason], ['portable', why]);
    assert.equal(reactor, why);
    assert.deepEqual([portable.name, portable.reason], ['portable', 'it was asked for']);
  });
});
