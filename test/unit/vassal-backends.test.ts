import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judgeCheck,
  nextCheckMs,
  unchecked,
  type BackendHealth,
} from '../../vassal/runtimes/upstream/backend-health.ts';
import { BackendIds, wantedBackends } from '../../vassal/runtimes/upstream/backend-list.ts';
import type { ProbeResult } from '../../vassal/probes.ts';

const good: ProbeResult = { isUp: true };
const refused: ProbeResult = { isUp: false, why: 'the connection was refused', hasConnected: false };
const wrong: ProbeResult = { isUp: false, why: 'it answered 500', hasConnected: true };
const after = (...results: readonly ProbeResult[]): BackendHealth => results.reduce(judgeCheck, unchecked);

describe('the health of a backend', () => {
  const cases: readonly (readonly [string, readonly ProbeResult[], BackendHealth['phase'], number])[] = [
    ['one success makes it ready', [good], 'ready', 0],
    ['one refused connection takes it out', [good, refused], 'backoff', 0],
    ['one wrong answer does not', [good, wrong], 'ready', 0],
    ['two wrong answers in a row do', [good, wrong, wrong], 'backoff', 0],
    ['two wrong answers with a good one between do not', [good, wrong, good, wrong], 'ready', 0],
    ['a first wrong answer tells nothing yet', [wrong], 'starting', 0],
    ['a second one does', [wrong, wrong], 'backoff', 0],
    ['one success brings it back, and that is counted', [good, refused, refused, good], 'ready', 1],
    ['the first success after failures is no return', [refused, good], 'ready', 0],
    ['a wrong answer while it is out leaves it out', [good, refused, wrong], 'backoff', 0],
  ];
  for (const [what, results, phase, returns] of cases) {
    it(`: ${what}`, () => {
      const health = after(...results);
      assert.deepEqual([health.phase, health.returns, health.checks], [phase, returns, results.length]);
    });
  }

  it('keeps the last failure in words, also after it came back', () => {
    assert.equal(after(good).lastFailure, null);
    assert.equal(after(wrong, refused, good).lastFailure, 'the connection was refused');
  });

  it('is checked each interval while it is good, and after failures from 250 ms up to the interval', () => {
    assert.equal(nextCheckMs(after(good), 10_000, 0.5), 10_000);
    const failures = Array.from({ length: 8 }, (_, index) => after(...Array<ProbeResult>(index + 1).fill(refused)));
    assert.deepEqual(
      failures.map((health) => nextCheckMs(health, 10_000, 0)),
      [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000],
    );
    assert.equal(nextCheckMs(after(refused), 100, 0), 100);
    assert.equal(nextCheckMs(after(refused), 10_000, 1), 188);
  });
});

describe('the list of backends', () => {
  const registered = (address: string, weight: number): { address: string; weight: number; ttlMs: number } => ({
    address,
    weight,
    ttlMs: 1000,
  });

  it('has each address once; what the file says wins, and of two in the file the first', () => {
    const configured = [
      { address: 'a:1', weight: 2 },
      { address: 'b:1', weight: 1 },
      { address: 'a:1', weight: 9 },
    ];
    assert.deepEqual(wantedBackends(configured, [registered('b:1', 7), registered('c:1', 3)]), [
      { address: 'a:1', weight: 2 },
      { address: 'b:1', weight: 1 },
      { address: 'c:1', weight: 3 },
    ]);
  });

  it('gives an address one id for ever, and no id to two addresses', () => {
    const ids = new BackendIds();
    assert.deepEqual(
      ['a:1', 'b:1', 'a:1', 'c:1', 'b:1'].map((address) => ids.of(address)),
      [1, 2, 1, 3, 2],
    );
  });
});
