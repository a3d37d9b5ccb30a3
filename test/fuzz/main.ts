// Fuzzing of the HTTP/1.1 codec by hand: `npm run fuzz -- --seconds 60`, or `--runs 5000000`, or `--seed 7 --runs 1` for one
// input again. Replays what failed in the past first. Exits with 1 at the first finding, which it shrinks and prints.
import { parseArgs } from 'node:util';
import { check, type Care } from './check.ts';
import { corpus } from './corpus.ts';
import { Finding } from './finding.ts';
import { describeInput, type Input } from './input.ts';
import { drawInput } from './inputs.ts';
import { measureMemory } from './memory.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    runs: { type: 'string' },
  },
});

/** Every so many inputs one is looked at thoroughly, and the clock too. */
const stride = 64;
const firstSeed = numberOf(values.seed) ?? Math.floor(Math.random() * 2 ** 31);
const runs = numberOf(values.runs) ?? Number.POSITIVE_INFINITY;
const seconds = numberOf(values.seconds) ?? (values.runs === undefined ? 60 : Number.POSITIVE_INFINITY);

process.exitCode = fuzz() ? 0 : 1;

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${text} is not a number`);
  return Number(text);
}

function fuzz(): boolean {
  for (const { name, input } of corpus()) {
    const finding = find(input, 'thorough');
    if (finding !== undefined) return tell(finding, { input, care: 'thorough' }, `the known input ${name}`);
  }
  console.log(`the most that a flooded parser holds: ${Math.round(measureMemory() / 1024)} KiB`);
  console.log(`seed ${firstSeed} …`);
  const startMs = performance.now();
  let run = 0;
  for (; run < runs; run++) {
    const isStride = run % stride === 0;
    if (isStride && performance.now() - startMs > seconds * 1000) break;
    const input = drawInput(firstSeed + run);
    const care = isStride ? 'thorough' : 'usual';
    const finding = find(input, care);
    const again = `npm run fuzz -- --seed ${firstSeed + run} --runs 1`;
    if (finding !== undefined) return tell(finding, { input, care }, again);
  }
  console.log(summary(run, (performance.now() - startMs) / 1000));
  return true;
}

function summary(inputs: number, tookSeconds: number): string {
  const rate = `${inputs} inputs in ${tookSeconds.toFixed(1)} s, ${Math.round(inputs / tookSeconds)} a second`;
  const { user, system } = process.cpuUsage();
  const cpu = `${((user + system) / 1e6).toFixed(1)} s of CPU`;
  return `${rate}; ${cpu}, ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MB resident; nothing found`;
}

function find(input: Input, care: Care): Finding | undefined {
  try {
    check(input, care);
    return undefined;
  } catch (error) {
    if (error instanceof Finding) return error;
    throw error;
  }
}

function tell(finding: Finding, { input, care }: { input: Input; care: Care }, again: string): boolean {
  const smallest = shrink(input, (candidate) => find(candidate, care)?.rule === finding.rule);
  console.log(`${finding.message}\n\nagain: ${again}\nshrunk: ${describeInput(smallest)}`);
  console.log(find(smallest, care)?.message ?? 'the shrunk input passes');
  console.log('Once it is understood: a failing unit test, the fix, and the shrunk input in test/fuzz/corpus.json.');
  return false;
}
