import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseTransport, isTransportWish, transportWishes } from '../../lib/transport-choice.ts';

describe('the transport', () => {
  it('is the one that was asked for', () => {
    assert.deepEqual(chooseTransport('reactor', undefined), { transport: 'reactor', reason: 'it was asked for' });
    for (const obstacle of [undefined, 'no epoll']) {
      assert.deepEqual(chooseTransport('portable', obstacle), { transport: 'portable', reason: 'it was asked for' });
    }
  });

  it('is by default the reactor wherever it runs, else the portable one with the reason', () => {
    assert.deepEqual(chooseTransport('auto', undefined), { transport: 'reactor', reason: 'the addon has it' });
    assert.deepEqual(chooseTransport('auto', 'no epoll'), {
      transport: 'portable',
      reason: 'the reactor cannot run: no epoll',
    });
  });

  it('is never another one than was asked for', () => {
    assert.equal(chooseTransport('reactor', 'no epoll'), 'the reactor cannot run: no epoll');
  });

  it('is asked for by three words', () => {
    assert.deepEqual(['auto', 'reactor', 'portable', '', 'Auto', 'toString'].filter(isTransportWish), transportWishes);
  });
});
