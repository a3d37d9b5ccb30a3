// `npm run test:sanitize`: the tests that go through the addon, with an addon that tells each read and write outside of
// what it owns, and each step into undefined behaviour. `-- --all` runs every integration test so, and
// `-- router-tunnels.test.js …` those named. A single report fails the run, and is its last output.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { proveThatFaultsAreReported } from './proof.ts';
import { findRuntime, makeSanitizedPackage, sanitizedRoot } from './sanitized-package.ts';
import { Reports } from './reports.ts';

/** What calls the addon, part by part, and some of what goes through all of it. */
const usual =
  /^(?:native|reactor|transport|handoff|router)-|^(?:emperor-(?:listeners|passed-listeners|survival)|third-party-socket-io|vassal-node)\./;
/**
 * Measures the memory of processes, which a sanitizer multiplies; compiles the addon, which was just done; gives programs
 * a few seconds to start, which is too little here.
 */
const senseless = /^(?:router-streaming|native-loader|system-bad-input|emperor-upgrade)\./;

/** Whoever waits for a process that a sanitizer ended may wait for ever. */
const deadline = `--test-timeout=${10 * 60_000}`;

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
process.exitCode = run();

function run(): number {
  const runtime = findRuntime();
  if (runtime === undefined) {
    console.log(
      'skipped: the addon cannot be sanitized without g++ and its libasan.so (`g++ -print-file-name=libasan.so`)',
    );
    return process.env['CI'] === 'true' ? 1 : 0;
  }
  makeSanitizedPackage(runtime);
  proveThatFaultsAreReported(runtime);
  const reports = new Reports();
  try {
    const status = runTests(reports.environment(runtime));
    const found = reports.read();
    for (const report of found) console.log(report);
    console.log(found.length === 0 ? 'no sanitizer reported anything' : `${found.length} processes were reported`);
    return found.length === 0 ? status : 1;
  } finally {
    reports.remove();
  }
}

function runTests(environment: Readonly<Record<string, string>>): number {
  const tests = join(sanitizedRoot, 'dist/test');
  const named = positionals.map((name) => findTest(tests, name));
  const files = named.length > 0 ? named : chosenTests(tests);
  const args = [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=1',
    deadline,
    join(tests, 'sanitize/processes.test.js'),
  ];
  const { status } = spawnSync(process.execPath, [...args, ...files], {
    cwd: sanitizedRoot,
    stdio: 'inherit',
    // The second is what test/harness/transport.ts reads; importing that here would load the addon that is not sanitized.
    env: { ...process.env, ...environment, EMPEROR_NO_NATIVE: undefined, EMPEROR_TEST_TRANSPORT: undefined },
  });
  return status ?? 1;
}

function chosenTests(tests: string): readonly string[] {
  const isTest = (name: string): boolean =>
    name.endsWith('.test.js') && !senseless.test(name) && (values.all === true || usual.test(name));
  return ['unit', 'integration'].flatMap((folder) =>
    readdirSync(join(tests, folder))
      .filter((name) => isTest(name) && (folder === 'integration' || name.startsWith('native-')))
      .map((name) => join(tests, folder, name)),
  );
}

function findTest(tests: string, name: string): string {
  const path = ['unit', 'integration', 'chaos'].map((folder) => join(tests, folder, name)).find(existsSync);
  if (path === undefined) throw new Error(`there is no test ${name}`);
  return path;
}
