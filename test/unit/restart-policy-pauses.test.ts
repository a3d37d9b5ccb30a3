import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideRestart, healthyAfterMs, longestPauseMs, type Death } from '../../emperor/restart-policy.ts';

const death = (atMs: number, rest: Partial<Death> = {}): Death => ({
  atMs,
  healthyMs: 0,
  kind: 'crashed',
  message: 'the primary ended with exit code 1',
  jitter: 0.5,
  ...rest,
});

function waitOf(deaths: readonly Death[]): number {
  const decision = decideRestart(deaths, deaths.at(-1)?.atMs ?? 0);
  return decision.restart ? 0 : decision.waitMs;
}

describe('restart policy', () => {
  it('the first start happens at once', () => {
    assert.deepEqual(decideRestart([], 0), { restart: true, reason: 'first start' });
  });

  it('what served is started again at once after its first death', () => {
    assert.equal(waitOf([death(100, { healthyMs: 5 })]), 0);
  });

  it('pauses double with each death in a row, up to a minute', () => {
    const deaths = Array.from({ length: 12 }, (_, index) => death(index));
    const waits = deaths.map((_, index) => waitOf(deaths.slice(0, index + 1)));
    assert.deepEqual(waits.slice(0, 5), [1000, 2000, 4000, 8000, 16_000]);
    assert.deepEqual(waits.slice(7), [60_000, 60_000, 60_000, 60_000, 60_000]);
  });

  it('jitter spreads pauses by a quarter to either side and never beyond the longest', () => {
    assert.equal(waitOf([death(0, { jitter: 0 })]), 750);
    assert.equal(waitOf([death(0, { jitter: 1 })]), 1250);
    const many = Array.from({ length: 20 }, (_, index) => death(index, { jitter: 1 }));
    assert.equal(waitOf(many), longestPauseMs);
  });

  it('30 s of health make the deaths before them forgotten', () => {
    const bad = Array.from({ length: 6 }, (_, index) => death(index));
    assert.equal(waitOf([...bad, death(10, { healthyMs: healthyAfterMs })]), 0);
    assert.equal(waitOf([...bad, death(10, { healthyMs: healthyAfterMs }), death(11)]), 2000);
  });

  it('code that cannot be loaded is failed, with longer pauses under the same ceiling', () => {
    const decision = decideRestart([death(0, { kind: 'cannot-load', message: 'SyntaxError' })], 0);
    assert.deepEqual(decision, { restart: false, untilMs: 5000, waitMs: 5000, state: 'failed', reason: 'SyntaxError' });
    const many = Array.from({ length: 16 }, (_, index) => death(index, { kind: 'cannot-load' }));
    assert.equal(waitOf(many), longestPauseMs);
  });

  it('a crash is backoff, and says when the next try is', () => {
    const decision = decideRestart([death(100)], 500);
    assert.ok(!decision.restart);
    assert.equal(decision.state, 'backoff');
    assert.equal(decision.untilMs, 1100);
    assert.ok(decideRestart([death(100)], 1100).restart);
  });
});
