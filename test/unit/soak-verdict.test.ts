// The verdict of `npm run soak`: what was left behind or unanswered must be said, and nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Counts } from '../soak/clients/tally.ts';
import { tableOf } from '../soak/report.ts';
import type { Round, Snapshot } from '../soak/round.ts';
import { judge, tolerableBytes } from '../soak/verdict.ts';

const mb = 2 ** 20;
const answered: Counts = { ended: { idle: 3 }, answered: 10, failed: 0, failures: [] };

function snapshot(rss: number, sockets = 7): Snapshot {
  return { router: { descriptors: { socket: sockets, pipe: 2 }, rss, pss: rss / 2 } };
}

function round(rested: Snapshot, counts: Counts = answered): Round {
  return { seconds: 60, counts: [counts], peaks: { router: { descriptors: 99, rss: 70 * mb } }, rested };
}

const start = snapshot(40 * mb);
const steady = [60, 62, 61, 62].map((size) => round(snapshot(size * mb)));

describe('the verdict of a soak', () => {
  it('is good where all was answered and everything was given back, whatever the first round took', () => {
    assert.deepEqual(judge({ start, rounds: steady, faults: [] }), []);
  });

  it('names a request that failed', () => {
    const failed: Counts = { ...answered, failed: 1, failures: ['GET /small: answered 502'] };
    const [problem] = judge({ start, rounds: [round(snapshot(60 * mb), failed), ...steady], faults: [] });
    assert.equal(problem, '1 requests failed: GET /small: answered 502');
  });

  it('names descriptors that were kept, of which kind and since which round, and such as are gone', () => {
    const rounds = [round(snapshot(60 * mb, 8)), round(snapshot(60 * mb, 6)), ...steady];
    assert.deepEqual(judge({ start, rounds, faults: [] }), [
      'after round 1 the router has 1 socket more',
      'after round 2 the router has 1 socket less',
    ]);
  });

  it('names a process that is gone', () => {
    const [problem] = judge({ start, rounds: [...steady, round({})], faults: [] });
    assert.equal(problem, 'after round 5 the router has 7 socket less, 2 pipe less');
  });

  it('names a process that holds more in all later rounds than it did in an earlier one', () => {
    const grown = round(snapshot(62 * mb + tolerableBytes + mb));
    const rounds = [...steady.slice(0, 2), grown, grown];
    assert.deepEqual(judge({ start, rounds, faults: [] }), ['the router grew by 9.0 MB']);
  });

  it('is good where memory that was not collected in time is given back later', () => {
    const rounds = [60, 62, 90, 61].map((size) => round(snapshot(size * mb)));
    assert.deepEqual(judge({ start, rounds, faults: [] }), []);
  });

  it('names a fault that a program logged', () => {
    assert.deepEqual(judge({ start, rounds: steady, faults: ['{"level":50}'] }), [
      'a program logged a fault: {"level":50}',
    ]);
  });

  it('is told with a line for each round, behind one for the start', () => {
    const lines = tableOf(start, steady);
    assert.equal(lines.length, 2 + 1 + steady.length);
    const cells = lines[3]?.split('|').map((cell) => cell.trim());
    assert.deepEqual(cells, ['', '1', '60', '10', '0', '3', '0', '9', '99', '60.0', '70.0', '30.0', '']);
  });
});
