import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadlineEvent, instanceEvents, instanceStates, lifecycle, transition } from '../../emperor/lifecycle.ts';

const orders = { starting: 0, ready: 1, draining: 2, stopping: 3, exited: 4 } as const;

describe('lifecycle', () => {
  it('a life never goes back to an earlier state, but for a draining instance that is recalled', () => {
    for (const state of instanceStates) {
      for (const event of instanceEvents) {
        const row = transition(state, event);
        if (state === 'draining' && event === 'recalled') continue;
        if (typeof row === 'object') assert.ok(orders[row.to] >= orders[state], `${state} × ${event} → ${row.to}`);
      }
    }
  });

  it('the exit of the process ends the life from every state, and takes the process group along', () => {
    for (const state of ['starting', 'ready', 'draining', 'stopping'] as const) {
      const row = lifecycle[state].exited;
      assert.equal(row.to, 'exited');
      assert.ok(row.effects.some((effect) => effect === 'kill-tree'));
    }
  });

  it('the event of each deadline is possible in the state that arms it, and leads on or tries again', () => {
    for (const state of instanceStates) {
      const event = deadlineEvent[state];
      if (event !== null) assert.equal(typeof transition(state, event), 'object', `${state} × ${event}`);
    }
  });

  it('an instance that was told to stop is not counted as having failed or died', () => {
    for (const event of instanceEvents) {
      const row = transition('stopping', event);
      if (typeof row !== 'object') continue;
      assert.ok(!row.effects.includes('record-death') && !row.effects.includes('record-failed-start'), event);
    }
  });

  it('what serves is drained before it is stopped, unless the operator hurries', () => {
    assert.deepEqual(lifecycle.ready.retired, { to: 'draining', effects: [] });
    assert.deepEqual(lifecycle.ready.hurried, { to: 'stopping', effects: ['kill-tree'] });
  });

  it('what never served is stopped without a drain', () => {
    assert.deepEqual(lifecycle.starting.retired, { to: 'stopping', effects: ['send-stop'] });
  });
});
