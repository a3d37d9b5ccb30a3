// PURE. A test run in words: what ran, what failed, what took how long.
import type { Result } from './task.ts';

const slowest = 10;

/** Above the output of a file. */
export function heading({ task, counts, fault, seconds }: Result): string {
  const tests = counts === undefined ? '' : `, ${counts.tests} tests`;
  return `── ${nameOf(task)}: ${fault ?? 'passed'}${tests}, ${seconds.toFixed(1)} s`;
}

/** What failed, with all that it said. */
export function finding(result: Result): string {
  const { task, output, fault = '' } = result;
  return `── FAILED ${nameOf(task)}: ${fault}\n${output.trimEnd()}\n\nagain: ${again(task)}`;
}

/** One line for each suite, then the slowest, then the verdict. */
export function summary(results: readonly Result[], seconds: number): string {
  const suites = [...new Set(results.map(({ task }) => task.suite))];
  const bySeconds = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowest);
  const failed = results.filter(({ fault }) => fault !== undefined);
  return [
    ...suites.map((suite) =>
      suiteLine(
        suite,
        results.filter(({ task }) => task.suite === suite),
      ),
    ),
    `slowest: ${bySeconds.map((result) => `${result.task.name} ${result.seconds.toFixed(0)} s`).join(', ')}`,
    ...failed.map(({ task, fault }) => `FAILED ${nameOf(task)}: ${String(fault)}`),
    `${failed.length === 0 ? 'all passed' : `${failed.length} FAILED`} in ${seconds.toFixed(0)} s`,
  ].join('\n');
}

function suiteLine(suite: string, results: readonly Result[]): string {
  const sum = (pick: (result: Result) => number): number => results.reduce((total, result) => total + pick(result), 0);
  const tests = sum(({ counts }) => counts?.tests ?? 0);
  const skipped = sum(({ counts }) => counts?.skipped ?? 0);
  const failed = sum(({ counts, fault }) => (fault === undefined ? 0 : Math.max(1, counts?.failed ?? 0)));
  const seconds = sum((result) => result.seconds).toFixed(0);
  return `${suite}: ${results.length} commands, ${tests} tests, ${failed} failed, ${skipped} skipped; ${seconds} s in all`;
}

function nameOf({ suite, name }: Result['task']): string {
  return suite === name ? suite : `${suite}/${name}`;
}

function again({ command, env }: Result['task']): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value} `);
  return `${settings.join('')}${command.join(' ')}`;
}
