// Proves, before anything is concluded from silence, that what is broken is reported: with a library that is broken on
// purpose, compiled and loaded as the addon is.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compilerFlags, linkerFlags, sanitizedRoot } from './sanitized-package.ts';
import { Reports } from './reports.ts';

const faults = {
  'use-after-free': 'heap-use-after-free',
  overflow: 'heap-buffer-overflow',
  undefined: 'signed integer overflow',
};

/** Throws where a fault passes unnoticed. */
export function proveThatFaultsAreReported(runtime: string): void {
  const library = join(sanitizedRoot, 'build/broken.so');
  const source = join(sanitizedRoot, 'test/sanitize/broken.cc');
  execFileSync('g++', ['-shared', '-fPIC', ...compilerFlags, source, '-o', library, ...linkerFlags]);
  for (const [fault, words] of Object.entries(faults)) {
    const report = reportOf(library, fault, runtime);
    if (!report.includes(words)) throw new Error(`${fault} is not reported; what is: ${report}`);
  }
}

function reportOf(library: string, fault: string, runtime: string): string {
  const reports = new Reports();
  try {
    // It is no module of Node's, and is run all the same before Node finds out.
    spawnSync(process.execPath, ['--eval', 'process.dlopen({ exports: {} }, process.argv[1])', library], {
      env: { ...process.env, ...reports.environment(runtime), BROKEN_BY: fault },
    });
    return reports.read().join('\n');
  } finally {
    reports.remove();
  }
}
