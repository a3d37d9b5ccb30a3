import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../lib/units.ts';

describe('durations and sizes', () => {
  for (const [text, ms] of [
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['250ms', 250],
    ['1.5s', 1500],
    [10, 10_000],
    ['10', 10_000],
    [0, 0],
  ] as const) {
    it(`${text} is ${ms} ms`, () => {
      assert.equal(parseDuration(text), ms);
    });
  }

  for (const text of ['', 's', '-1s', '1y', '1 2s', 'soon', -1, NaN, Infinity]) {
    it(`${text} is no duration`, () => {
      assert.equal(parseDuration(text), undefined);
    });
  }

  for (const [text, bytes] of [
    ['512', 512],
    ['1K', 1024],
    ['1k', 1024],
    ['20M', 20_971_520],
    ['1GiB', 1_073_741_824],
    ['1.5K', 1536],
    [7, 7],
  ] as const) {
    it(`${text} is ${bytes} bytes`, () => {
      assert.equal(parseSize(text), bytes);
    });
  }

  for (const text of ['', 'K', '-1', '1X', '1 0', -1, 1.5]) {
    it(`${text} is no size`, () => {
      assert.equal(parseSize(text), undefined);
    });
  }

  it('durations and sizes are written for people', () => {
    assert.deepEqual([132, 4200, 90_000, 7_200_000, 90_061_000].map(formatDuration), [
      '132 ms',
      '4.2 s',
      '1 m 30 s',
      '2 h',
      '1 d 1 h',
    ]);
    assert.deepEqual([12, 2048, 43_000_000].map(formatSize), ['12B', '2.0K', '41.0M']);
  });
});
