// The addon in tests, and processes that use it. Without it its tests are skipped with the reason on a laptop, and
// fail under CI=true.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { native, type NativeAddon } from '../../native/index.ts';
import { startProcess, type StartOptions, type TestProcess } from './processes.ts';

/** For `{ skip }`: why the addon's tests cannot run here. */
export const withoutAddon: string | false = process.env['CI'] === 'true' ? false : (native.missing ?? false);

export function addonUnderTest(): NativeAddon {
  assert.ok(native.addon, `the addon is there: ${native.missing ?? ''}`);
  return native.addon;
}

interface AddonOptions extends StartOptions {
  /** Reach the script as process.argv from 1 on. */
  readonly args?: readonly string[];
  /** The process's limit of open files (RLIMIT_NOFILE). */
  readonly openFiles?: number;
}

/** Starts a Node whose script (an ES module) has `addon` at hand; descriptors are passed from 3 on. */
export function startWithAddon(t: TestContext, script: string, options: AddonOptions = {}): TestProcess {
  const contract = new URL('../../native/index.js', import.meta.url).href;
  const program = `const { native: { addon } } = await import('${contract}');\n${script}`;
  const args = ['--input-type=module', '--eval', program, ...(options.args ?? [])];
  if (options.openFiles === undefined) return startProcess(t, process.execPath, args, options);
  const limited = `ulimit -n ${options.openFiles}; exec "$0" "$@"`;
  return startProcess(t, 'sh', ['-c', limited, process.execPath, ...args], options);
}
