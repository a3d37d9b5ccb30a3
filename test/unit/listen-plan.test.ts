import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planListening } from '../../emperor/listen-plan.ts';
import type { Listener } from '../../lib/listeners.ts';

const held = (...addresses: readonly string[]): Listener[] =>
  addresses.map((address, index) => ({ address, fd: 10 + index }));

describe('which listening sockets stay when the addresses change', () => {
  it('those that are wanted stay, however they are spelled, in the order of the settings', () => {
    const have = held(':8080', 'unix:/run/a.sock', '[::1]:90');
    assert.deepEqual(planListening(['/run/a.sock', '*:8080', '[::1]:90'], have), {
      slots: [have[1], have[0], have[2]],
      dropped: [],
    });
  });

  it('new ones are to be bound, and those that are not wanted any more are dropped', () => {
    const have = held(':80', ':81');
    assert.deepEqual(planListening([':82', ':81'], have), { slots: [':82', have[1]], dropped: [have[0]] });
    assert.deepEqual(planListening([], have), { slots: [], dropped: have });
    assert.deepEqual(planListening(['nonsense'], []), { slots: ['nonsense'], dropped: [] });
  });

  it('any port is one that is held on the same host and that nothing else names', () => {
    const have = held('127.0.0.1:4001', '127.0.0.1:4002', ':4003');
    assert.deepEqual(planListening(['127.0.0.1:0', '127.0.0.1:4001'], have), {
      slots: [have[1], have[0]],
      dropped: [have[2]],
    });
    assert.deepEqual(planListening([':0', ':0'], have), { slots: [have[2], ':0'], dropped: [have[0], have[1]] });
    assert.deepEqual(planListening(['127.0.0.2:0'], have).slots, ['127.0.0.2:0']);
  });

  it('an address that is named twice is one; any port twice are two', () => {
    const have = held(':80');
    assert.deepEqual(planListening([':80', '*:80', '80'], have), { slots: have, dropped: [] });
    assert.deepEqual(planListening(['::1', ':90', ':90'], []).slots, ['::1', ':90']);
    assert.deepEqual(planListening([':0', ':0'], []).slots, [':0', ':0']);
  });
});
