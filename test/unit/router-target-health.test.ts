// When a target is ejected, tried and taken back, with time in the test's hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultsToEject, TargetHealth, type FaultKind } from '../../router/core/target-health.ts';

/** One request after the other meets that fault. */
function failTimes(health: TargetHealth, times: number, kind: FaultKind = 'lost'): string[] {
  return Array.from({ length: times }, () => health.fail(health.epoch, kind, 0));
}

function ejected(): TargetHealth {
  const health = new TargetHealth();
  failTimes(health, faultsToEject);
  assert.equal(health.state, 'ejected');
  return health;
}

/** The epoch of the request that tries a target which a probe reached. */
function trial(health: TargetHealth): number {
  health.probe(true);
  assert.equal(health.closedUntilMs, 0);
  health.lease();
  assert.equal(health.state, 'tried');
  return health.epoch;
}

describe('the health of a target', () => {
  it('ends with the third fault in a row: it is given no request', () => {
    const health = new TargetHealth();
    assert.deepEqual(failTimes(health, 2), ['none', 'none']);
    assert.equal(health.closedUntilMs, 0);
    assert.deepEqual(failTimes(health, 1), ['ejected']);
    assert.equal(health.closedUntilMs, Infinity);
  });

  it('counts from the start after an answer', () => {
    const health = new TargetHealth();
    failTimes(health, 2);
    assert.equal(health.answer(health.epoch), false);
    failTimes(health, 2);
    assert.equal(health.state, 'sound');
  });

  it('counts what many requests met at once as one fault', () => {
    const health = new TargetHealth();
    const { epoch } = health;
    for (let i = 0; i < 100; i++) health.fail(epoch, 'lost', 0);
    assert.equal(health.state, 'sound');
    assert.deepEqual(failTimes(health, 2), ['none', 'ejected']);
  });

  it('is not proved by the answer to a request that came before the last fault', () => {
    const health = new TargetHealth();
    const { epoch } = health;
    failTimes(health, 2);
    health.answer(epoch);
    assert.deepEqual(failTimes(health, 1), ['ejected']);
  });

  it('leaves a target alone for a moment that grows when it refuses', () => {
    const health = new TargetHealth();
    assert.equal(health.fail(health.epoch, 'refused', 1000), 'suspended');
    const first = health.closedUntilMs - 1000;
    assert.equal(health.fail(health.epoch, 'refused', 2000), 'suspended');
    const second = health.closedUntilMs - 2000;
    assert.ok(first > 0 && second > first && second <= 500);
    assert.equal(health.fail(health.epoch, 'refused', 3000), 'ejected');
  });

  it('never ejects a target because more connections wait for it than it keeps', () => {
    const health = new TargetHealth();
    assert.deepEqual(new Set(failTimes(health, 100, 'full')), new Set(['suspended']));
    assert.ok(health.closedUntilMs > 0 && health.closedUntilMs <= 500);
  });

  it('lets longer and longer pauses pass between probes that fail, from 100 ms to 5 s', () => {
    const health = ejected();
    const pauses = Array.from({ length: 8 }, () => {
      const { pauseMs } = health;
      health.probe(false);
      return pauseMs;
    });
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert.equal(health.state, 'ejected');
  });

  it('comes back by a connection and one answer', () => {
    const health = ejected();
    const epoch = trial(health);
    assert.equal(health.closedUntilMs, Infinity, 'no second request beside the one that tries it');
    assert.equal(health.answer(epoch), true);
    assert.deepEqual([health.state, health.closedUntilMs, health.pauseMs], ['sound', 0, 100]);
    assert.deepEqual(failTimes(health, 2), ['none', 'none'], 'what was before is forgotten');
  });

  it('is ejected again, for longer, where the request that tries it fails', () => {
    const health = ejected();
    assert.equal(health.fail(trial(health), 'lost', 0), 'ejected');
    assert.deepEqual([health.state, health.pauseMs], ['ejected', 200]);
    assert.equal(health.fail(trial(health), 'refused', 0), 'ejected');
    assert.deepEqual([health.state, health.pauseMs], ['ejected', 400]);
  });

  it('is tried by the next request where the first ends without an outcome', () => {
    const health = ejected();
    health.release(trial(health));
    assert.deepEqual([health.state, health.closedUntilMs], ['returning', 0]);
    health.lease();
    assert.equal(health.answer(health.epoch), true);
  });

  it('is not decided by requests from before the ejection', () => {
    const health = new TargetHealth();
    const early = health.epoch;
    failTimes(health, faultsToEject);
    const epoch = trial(health);
    health.release(early);
    assert.equal(health.answer(early), false);
    assert.equal(health.fail(early, 'lost', 0), 'none');
    assert.equal(health.state, 'tried');
    assert.equal(health.answer(epoch), true);
  });
});
