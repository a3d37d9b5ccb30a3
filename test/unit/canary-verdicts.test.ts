import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { judgeCanary, sumFigures, type Figures } from '../../emperor/canary.ts';
import { latencyTurns } from '../../lib/app-stats.ts';
import { histogram, latencies } from '../harness/latencies.ts';

/** All answers within the bucket of `ms`. */
function figures(requests: number, errors: number, ms = 10): Figures {
  return { requests, errors, latency: latencies(requests, ms) };
}

describe("a canary's verdict", () => {
  it('needs a few errors: one or two turn nothing back', () => {
    assert.equal(judgeCanary(figures(1000, 0), figures(2, 2)), undefined);
    assert.match(judgeCanary(figures(1000, 0), figures(3, 3)) ?? '', /^more errors: 100\.0% errors \(3 of 3\)/);
  });

  it('without a request on the old generation judges the errors alone', () => {
    assert.match(judgeCanary(figures(0, 0), figures(20, 5)) ?? '', /against no request of the old generation/);
  });

  it('needs more than chance: the same rate never turns back, whatever the numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 20 }), (requests, factor) => {
        const errors = Math.floor(requests / 7);
        assert.equal(judgeCanary(figures(requests * factor, errors * factor), figures(requests, errors)), undefined);
      }),
    );
  });

  it('finds a rate that is clearly higher, and none where it is lower', () => {
    assert.notEqual(judgeCanary(figures(9500, 95), figures(500, 30)), undefined);
    assert.equal(judgeCanary(figures(500, 30), figures(9500, 95)), undefined);
  });

  it('takes no notice of a latency that nobody notices, nor of one from few answers', () => {
    assert.equal(judgeCanary(figures(1000, 0, 1), figures(1000, 0, 10)), undefined);
    assert.equal(judgeCanary(figures(1000, 0, 10), figures(50, 0, 10_000)), undefined);
    assert.match(judgeCanary(figures(1000, 0, 10), figures(51, 0, 50)) ?? '', /^slower: median 50 ms, against 10 ms/);
  });

  it('sees a slow tail behind a fast median', () => {
    const latency = Array.from({ length: latencyTurns }, () => histogram({ 10: 85, 1000: 15 }));
    assert.match(
      judgeCanary(figures(900, 0, 10), { requests: 300, errors: 0, latency }) ?? '',
      /^slower: p90 1000 ms, against 10 ms of the old generation \(300 and 900 answers\)/,
    );
  });

  it('takes one pause for one observation, however many answers had to wait for it', () => {
    const paused = histogram({ 300: 500 });
    const latency = [paused, paused, histogram({ 10: 20 })];
    assert.equal(judgeCanary(figures(1000, 0, 10), { requests: 1020, errors: 0, latency }), undefined);
  });

  it('adds up what several routers counted', () => {
    const one = { instance: 'shop/2', ...figures(12, 1) };
    const sum = sumFigures([one, one, { ...one, instance: 'shop/1' }], 'shop/2');
    assert.deepEqual([sum.requests, sum.errors], [24, 2]);
    assert.deepEqual(sum.latency, latencies(24, 10));
  });
});
