// The two transports against each other: whatever a client sends, and however it is cut, both routers answer, forward and
// close alike. Some seconds with a seed that is drawn anew each time and printed; by hand longer, or one seed again:
// DIFFERENTIAL_SECONDS=600 DIFFERENTIAL_SEED=7 node --test dist/test/conformance/transports-differential.test.js
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { withoutReactor } from '../harness/transport.ts';
import { input, type Input } from './differential/input.ts';
import { Subject, type Outcome } from './differential/subject.ts';

const seconds = Number(process.env['DIFFERENTIAL_SECONDS'] ?? 20);
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/**
 * What hangs on which of two sides is faster (a reset or an end behind an answer) is no difference: only what the one
 * never does, and the other always, is.
 */
const tries = 5;
/** At the same time: a router has more than one client. */
const batchSize = 64;

it(
  'a client and a worker cannot tell the transports apart',
  { skip: withoutReactor, timeout: (seconds + 120) * 1000 },
  async (t) => {
    t.diagnostic(`again: DIFFERENTIAL_SEED=${seed}`);
    const subjects = await Promise.all([Subject.start(t, 'portable'), Subject.start(t, 'reactor')]);
    let inputs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: batchSize, size: 'max' }), async (batch) => {
        inputs += batch.length;
        await compare(subjects, batch);
      }),
      { seed, numRuns: 10_000_000, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false },
    );
    t.diagnostic(`${inputs} inputs`);
    assert.ok(inputs > 10, 'there was time for some');
  },
);

async function compare(subjects: readonly [Subject, Subject], batch: readonly Input[]): Promise<void> {
  const seen = new Map(batch.map((one) => [one, { portable: new Set<string>(), reactor: new Set<string>() }]));
  for (let nth = 0; nth < tries && seen.size > 0; nth++) {
    const open = [...seen.keys()];
    const [portable = [], reactor = []] = await Promise.all(subjects.map(async (one) => one.outcomesOf(open)));
    for (const [index, [one, sets]] of [...seen].entries()) {
      const [left, right] = [textOf(portable[index]), textOf(reactor[index])];
      sets.portable.add(left);
      sets.reactor.add(right);
      if (sets.portable.has(right) || sets.reactor.has(left)) seen.delete(one);
    }
  }
  for (const [one, { portable, reactor }] of seen) {
    assert.equal(
      [...reactor][0],
      [...portable][0],
      `the reactor does as the portable transport: ${JSON.stringify(one)}`,
    );
  }
}

function textOf(outcome: Outcome | undefined): string {
  return JSON.stringify(outcome, undefined, 1);
}
