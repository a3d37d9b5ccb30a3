// What there is to run, and by what rules: which suites compute and which wait, which files need the machine for
// themselves, and which are run once over each transport.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../harness/paths.ts';
import { transportVariable } from '../harness/transport.ts';
import type { Task } from './task.ts';

/** In the order in which their tasks are started. */
export const suiteNames = ['lint', 'unit', 'conformance', 'fuzz', 'integration', 'chaos'] as const;

export type SuiteName = (typeof suiteNames)[number];

export type Transport = 'portable' | 'reactor';

type Rules = Pick<Task, 'isBusy' | 'isAlone'>;

const computing: Rules = { isBusy: true, isAlone: false };
const waiting: Rules = { isBusy: false, isAlone: false };
const alone: Rules = { isBusy: false, isAlone: true };

const fuzzSeconds = '60';

/**
 * Files that hold for the router on any transport are run over each of them by name, so that "auto" cannot make it the
 * same one twice. router-transport is about the choice itself.
 */
const isOverEach = (file: string): boolean => file.startsWith('router-') && file !== 'router-transport';

export function isSuiteName(text: string): text is SuiteName {
  return suiteNames.some((name) => name === text);
}

export function tasksOf(suite: SuiteName, transports: readonly Transport[]): readonly Task[] {
  const overEach = (task: Task): readonly Task[] =>
    isOverEach(task.name) ? transports.map((each) => over(each, task)) : [task];
  switch (suite) {
    case 'lint':
      return [command(suite, ['npm', 'run', '--silent', 'lint'])];
    case 'fuzz':
      return [command(suite, node('dist/test/fuzz/main.js', '--seconds', fuzzSeconds))];
    case 'unit':
      return [...testFiles(suite, 'unit', computing), ...testFiles(suite, 'property', computing)];
    case 'conformance':
      return testFiles(suite, suite, computing).flatMap(overEach);
    case 'integration':
      return testFiles(suite, suite, waiting).flatMap(overEach);
    case 'chaos':
      return testFiles(suite, suite, alone);
  }
}

function node(...args: readonly string[]): Task['command'] {
  return [process.execPath, '--enable-source-maps', ...args];
}

function command(suite: SuiteName, words: Task['command']): Task {
  return { suite, name: suite, command: words, env: {}, isTestFile: false, ...computing };
}

function testFiles(suite: SuiteName, folder: string, rules: Rules): readonly Task[] {
  const suffix = '.test.js';
  const files = readdirSync(join(packageRoot, 'dist/test', folder)).filter((file) => file.endsWith(suffix));
  return files.sort().map((file) => {
    const name = file.slice(0, -suffix.length);
    return {
      suite,
      name,
      command: node('--test-reporter=spec', join('dist/test', folder, file)),
      env: {},
      isTestFile: true,
      ...rules,
    };
  });
}

function over(transport: Transport, task: Task): Task {
  return { ...task, name: `${task.name} over the ${transport} transport`, env: { [transportVariable]: transport } };
}
