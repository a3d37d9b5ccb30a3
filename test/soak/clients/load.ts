// node load.js PORT HOST: all that asks, ends and dawdles, until standard input ends; then it lets what runs come to its
// end and tells its counts on standard output.
import { writeSync } from 'node:fs';
import { Pace } from '../../chaos/pace.ts';
import { churn } from './churn.ts';
import { askOrdinarily } from './ordinary.ts';
import { readSlowly, writeSlowly } from './slow.ts';
import { Tally } from './tally.ts';

const churns = 6;
const ordinary = 4;
const slow = 3;
/** Whoever has no answer so long after the end will have none. */
const patienceMs = 60_000;

const [port, host = ''] = process.argv.slice(2);
const where = { port: Number(port), host };
const pace = new Pace();
const tally = new Tally();
process.stdin.on('end', () => {
  pace.end();
  setTimeout(() => {
    tally.giveUp();
    tell();
  }, patienceMs).unref();
});
process.stdin.resume();

const times = <Result>(count: number, start: (nth: number) => Result): Result[] =>
  Array.from({ length: count }, (_unused, nth) => start(nth));

await Promise.all([
  ...times(ordinary, async (nth) => askOrdinarily(where, pace, tally, nth % 2 === 0)),
  ...times(slow, async () => readSlowly(where, pace, tally)),
  ...times(slow, async () => writeSlowly(where, pace, tally)),
  // Seven apart, so that each phase is met at each moment by somebody.
  ...times(churns, async (nth) => churn(where, pace, tally, nth * 7)),
]);
tell();

function tell(): never {
  writeSync(1, `${JSON.stringify(tally)}\n`);
  process.exit();
}
