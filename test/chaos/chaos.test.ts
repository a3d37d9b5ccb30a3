// Sixty seconds of chaos with a seed that is drawn anew each time; it is printed first, and again by a failure.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { report } from './report.ts';
import { run } from './run.ts';

it('no request is lost, whatever is edited or killed', { timeout: 400_000 }, async (t) => {
  const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
  t.diagnostic(`again: npm run chaos -- --seed ${seed}`);
  const outcome = await run(t, { seed, seconds: 60 });
  t.diagnostic(report(outcome));
  assert.equal(outcome.violations.length, 0, report(outcome));
});
