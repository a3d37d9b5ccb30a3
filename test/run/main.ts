// All tests, or some suites, after a build: `npm test`, or `node dist/test/run/main.js [--waiting N] [--only TEXT] [SUITE…]`.
// Prints each file's tests when it is through, then what failed once more, and what took how long. Exits with 1 if
// anything failed.
import { parseArgs } from 'node:util';
import { withoutReactor } from '../harness/transport.ts';
import { finding, heading, summary } from './report.ts';
import { runAll } from './schedule.ts';
import { isSuiteName, suiteNames, tasksOf, type SuiteName, type Transport } from './suites.ts';
import { runTask } from './task.ts';

/** Three waiting files and a computing one keep two cores busy without making them a bottleneck. */
const usualWaiting = '3';

const { values, positionals } = parseArgs({
  options: {
    waiting: { type: 'string', default: usualWaiting },
    /** Part of a file's name, or of its transport. */
    only: { type: 'string', default: '' },
  },
  allowPositionals: true,
});

const wanted = suitesOf(positionals);
// Under CI=true it is in any case among them, and fails if it cannot run.
const transports: readonly Transport[] = withoutReactor === false ? ['portable', 'reactor'] : ['portable'];
const tasks = wanted.flatMap((suite) => tasksOf(suite, transports)).filter(({ name }) => name.includes(values.only));
if (tasks.length === 0) throw new Error(`there is no ${values.only} in ${wanted.join(', ')}`);
// A run that is ended takes its files with it (task.ts).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const fromMs = performance.now();
const results = await runAll(tasks, {
  waiting: numberOf(values.waiting),
  run: runTask,
  onResult: (result) => {
    console.log(`${heading(result)}\n${result.output.trimEnd()}\n`);
  },
});
for (const result of results) if (result.fault !== undefined) console.log(`${finding(result)}\n`);
if (withoutReactor !== false) console.log(`nothing ran over the reactor transport: ${withoutReactor}`);
console.log(summary(results, (performance.now() - fromMs) / 1000));
process.exitCode = results.every(({ fault }) => fault === undefined) ? 0 : 1;

function suitesOf(words: readonly string[]): readonly SuiteName[] {
  const unknown = words.find((word) => !isSuiteName(word));
  if (unknown !== undefined) throw new Error(`${unknown} is no suite; there are ${suiteNames.join(', ')}`);
  return words.length === 0 ? suiteNames : words.filter(isSuiteName);
}

function numberOf(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new Error(`${text} is no number of files from 1 to 99`);
  return Number(text);
}
