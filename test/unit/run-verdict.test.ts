// What a test run makes of the end of a file: nothing that did not come to its end passes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAll } from '../run/schedule.ts';
import type { Result, Task } from '../run/task.ts';
import { countsOf, testFaultOf, type Ending } from '../run/verdict.ts';

const good: Ending = { code: 0, signal: null, isOverdue: false, isSilent: true };
const summary = (tests: number, failed = 0, cancelled = 0): string =>
  `✔ one (1ms)\nℹ tests 7 of something\nℹ tests ${tests}\nℹ suites 1\nℹ pass ${tests}\nℹ fail ${failed}\nℹ cancelled ${cancelled}\nℹ skipped 0\n`;

describe('a test file', () => {
  const cases: readonly [what: string, ending: Ending, output: string, fault: RegExp | undefined][] = [
    ['that ends well with its summary passes', good, summary(3), undefined],
    ['with a failed test fails', { ...good, code: 1 }, summary(3, 2), /^2 failed$/],
    ['with a cancelled test fails', { ...good, code: 1 }, summary(3, 0, 1), /^1 failed$/],
    ['that ends with a code after its summary fails', { ...good, code: 7 }, summary(3), /code 7/],
    ['that leaves in the middle fails, though with code 0', good, '✔ one (1ms)\n', /before its summary/],
    ['without a test fails', good, summary(0), /no test/],
    ['that is killed fails', { ...good, code: null, signal: 'SIGSEGV' }, '', /SIGSEGV before its summary/],
    ['that takes too long fails', { ...good, code: null, signal: 'SIGTERM', isOverdue: true }, '', /too long/],
    ['that leaves a process behind with its outputs fails', { ...good, isSilent: false }, summary(3), /left a process/],
  ];
  for (const [what, ending, output, fault] of cases) {
    it(what, () => {
      const found = testFaultOf(ending, countsOf(output));
      if (fault === undefined) assert.equal(found, undefined);
      else assert.match(String(found), fault);
    });
  }
});

describe('a test run', () => {
  const task = (name: string, rules: Partial<Task> = {}): Task => ({
    suite: 's',
    name,
    command: ['true'],
    env: {},
    isTestFile: false,
    isBusy: false,
    isAlone: false,
    ...rules,
  });

  it('runs one busy file beside the waiting ones, and nothing beside those that are to be alone', async () => {
    const names = ['w1', 'w2', 'w3', 'w4'];
    const tasks = [
      task('alone1', { isAlone: true }),
      task('b1', { isBusy: true }),
      task('b2', { isBusy: true }),
      ...names.map((name) => task(name)),
      task('alone2', { isAlone: true, isBusy: true }),
    ];
    const running = new Set<Task>();
    const results = await runAll(tasks, {
      waiting: 2,
      run: async (one): Promise<Result> => {
        running.add(one);
        const others = [...running].filter((other) => other !== one);
        if (one.isAlone) assert.deepEqual(others, []);
        assert.ok([...running].filter(({ isBusy }) => isBusy).length <= 1);
        assert.ok([...running].filter(({ isBusy }) => !isBusy).length <= 2);
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(one);
        return { task: one, seconds: 0, output: '', counts: undefined, fault: undefined };
      },
      onResult: () => undefined,
    });
    assert.deepEqual(results.map(({ task }) => task.name).sort(), tasks.map(({ name }) => name).sort());
    assert.deepEqual(
      results.slice(-2).map(({ task }) => task.name),
      ['alone1', 'alone2'],
    );
  });
});
