// Chaos by hand: `npm run chaos -- --seed 7 --seconds 60 --runs 20` makes 20 runs with the seeds 7 … 26. Exits
// with 1 if any of them found a violation. `--keep DIR` writes the logs of runs that failed there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { report, type Outcome } from './report.ts';
import { run } from './run.ts';
import { withScope } from '../bench/scope.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '1' },
    routers: { type: 'string' },
    keep: { type: 'string' },
  },
});

const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
const failed: number[] = [];
for (let seed = firstSeed; seed < firstSeed + Number(values.runs); seed += 1) {
  console.log(`seed ${seed} …`);
  try {
    await withScope(async (scope) => {
      const routers = values.routers === undefined ? {} : { routers: Number(values.routers) };
      const outcome = await run(scope, { seed, seconds: Number(values.seconds), ...routers });
      console.log(report(outcome));
      if (outcome.violations.length === 0) return;
      failed.push(seed);
      if (values.keep !== undefined) keep(values.keep, outcome);
    });
  } catch (error) {
    console.error(error);
    failed.push(seed);
  }
}
console.log(failed.length === 0 ? 'all runs passed' : `failed seeds: ${failed.join(' ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function keep(dir: string, { seed, log, accessLog, evidence }: Outcome): void {
  mkdirSync(dir, { recursive: true });
  const { actions, faults, announcements } = evidence;
  const told = { timeOrigin: performance.timeOrigin, actions, faults, announcements };
  writeFileSync(join(dir, `${seed}.log`), log);
  writeFileSync(join(dir, `${seed}.access.log`), accessLog);
  writeFileSync(join(dir, `${seed}.json`), JSON.stringify(told, undefined, 1));
}
