// The load programs of our own, for what wrk cannot do: open loops, WebSockets and large bodies. They are C++, so that
// the load costs less than what it loads, and are compiled for each run of the benchmark.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../harness/paths.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { NotInstalled } from '../missing.ts';

export type NativeProgram = 'open-loop' | 'transfer-load' | 'upload-sink' | 'web-socket-echo' | 'web-socket-load';

/** Returns the program's path. Throws NotInstalled where there is no compiler. */
export function compile(scope: Scope, name: NativeProgram): string {
  const program = join(tempDir(scope), name);
  const source = join(packageRoot, 'test/bench/native', `${name}.cc`);
  const flags = ['-std=c++17', '-O2', '-Wall', '-Wextra', '-o', program, source];
  const { status, error, stderr } = spawnSync('c++', flags, { encoding: 'utf8' });
  if (error !== undefined) throw new NotInstalled(`there is no C++ compiler to build ${name} (package g++)`);
  if (status !== 0) throw new Error(`${name} does not compile: ${stderr.slice(0, 500)}`);
  return program;
}
