// The accounting of `npm run bench -- deploys`: a figure that flatters anybody would be worse than none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figuresOf, type Block, type Exchange } from '../bench/deploys/record.ts';

/** A request every 10 ms, answered at once; `answer` says by which version, or with what fault. */
function exchanges(toMs: number, answer: (atMs: number) => string): Exchange[] {
  return Array.from({ length: toMs / 10 }, (_unused, index) => {
    const word = answer(index * 10);
    const isFault = word.startsWith('!');
    return {
      startMs: index * 10,
      endMs: index * 10 + 1,
      version: isFault ? undefined : word,
      fault: isFault ? word.slice(1) : undefined,
    };
  });
}

function block(all: readonly Exchange[], rest: Partial<Block> = {}): Block {
  return { startMs: 0, endMs: all.length * 10, exchanges: all, deploys: [], broken: undefined, ...rest };
}

const deploy = { version: '2', savedMs: 1000, servedMs: 1301 };

describe('the figures of the deploys bench', () => {
  it('count every lost request and measure the longest time without a good answer', () => {
    const figures = figuresOf([
      block(
        exchanges(3000, (atMs) => (atMs < 1000 ? '1' : atMs < 1300 ? '!reset' : '2')),
        { deploys: [deploy] },
      ),
    ]);
    assert.equal(figures.requests, 300);
    assert.equal(figures.lost, 30);
    assert.equal(figures.longestGapMs, 310);
    assert.equal(figures.servedMedianMs, 301);
    assert.equal(figures.mixedMedianMs, 0);
    assert.deepEqual([...figures.faults], [['reset', 30]]);
    assert.equal(figures.broken, undefined);
  });

  it('see a stall that reaches to the end of the load, in which nothing was answered at all', () => {
    const figures = figuresOf([{ ...block(exchanges(1000, () => '1')), endMs: 5000 }]);
    assert.equal(Math.round(figures.longestGapMs), 4009);
  });

  it('tell how long requests are still answered by the old version after the first answer of the new one', () => {
    const mixed = exchanges(3000, (atMs) => (atMs < 1300 || (atMs < 1800 && atMs % 20 === 0) ? '1' : '2'));
    assert.equal(figuresOf([block(mixed, { deploys: [deploy] })]).mixedMedianMs, 1780 - 1301);
  });

  const broken = { savedMs: 500, fixSavedMs: 4000, fixServedMs: 4301, previous: '1' };
  const fix = { version: '3', savedMs: 4000, servedMs: 4301 };

  it('charge what a broken deploy loses until its fix is served to the broken deploy alone', () => {
    const down = exchanges(6000, (atMs) => (atMs < 1000 ? '1' : atMs < 4300 ? '!refused' : '3'));
    const figures = figuresOf([block(down, { deploys: [fix], broken })]);
    assert.equal(figures.lost, 0);
    assert.ok(figures.longestGapMs < 20, `${figures.longestGapMs}`);
    assert.equal(figures.broken?.lost, 330);
    assert.equal(figures.broken.oldServes, 'none');
    assert.equal(Math.round(figures.broken.longestGapMs), 3310);
  });

  it('charge what the deploy of the fix loses to the good deploys where the old version had gone on serving', () => {
    const served = exchanges(6000, (atMs) => (atMs < 4100 ? '1' : atMs < 4200 ? '!reset' : atMs < 4300 ? '1' : '3'));
    const figures = figuresOf([block(served, { deploys: [fix], broken })]);
    assert.equal(figures.lost, 10);
    assert.equal(figures.broken?.lost, 0);
    assert.equal(figures.broken.oldServes, 'all');
  });
});
