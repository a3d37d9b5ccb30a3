// `node dist/test/bench/edge-cost.js [--shapes a,b] [--rounds N] [--profile] [BUILD…]`: what the router's own work costs per
// exchange, without sockets, and per idle connection. Several builds (directories as `tsc --outDir` leaves them) take
// turns, so that what else the machine does meets all of them.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cost, IdleCost } from './edge-cost/measure.ts';
import { byFile, type Share } from './edge-cost/profile-shares.ts';
import { shapes } from './edge-cost/shapes.ts';
import { median } from './statistics.ts';

const { values, positionals } = parseArgs({
  options: {
    shapes: { type: 'string', default: Object.keys(shapes).join(',') },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'boolean', default: false },
    functions: { type: 'string', default: '40' },
  },
  allowPositionals: true,
});
const builds = (positionals.length > 0 ? positionals : [join(import.meta.dirname, '../..')]).map((path) =>
  resolve(path),
);
const names = values.shapes.split(',').filter((name) => name !== '');

console.log(`Node ${process.version}`);
if (values.profile) for (const name of names) printProfile(name);
else printCosts(Number(values.rounds));

function printProfile(name: string): void {
  for (const build of builds) {
    const shares = measured(build, 'profile', name) as Share[];
    console.log(`\n== ${name}, ${build}: ns per request by file, then by function`);
    for (const share of byFile(shares).slice(0, 30)) printShare(share);
    console.log();
    for (const share of shares.slice(0, Number(values.functions))) printShare(share);
  }
}

function printShare({ name, file, ns }: Share): void {
  console.log(`${ns.toFixed(0).padStart(6)}  ${name.padEnd(28)} ${file}`);
}

function printCosts(rounds: number): void {
  for (const name of names) {
    const costs = takeTurns(rounds, (build) => measured(build, 'cost', name) as Cost);
    for (const [build, ofBuild] of costs) {
      const cpu = ofBuild.map(({ cpuNs }) => cpuNs);
      const heap = median(ofBuild.map(({ heapBytes }) => heapBytes));
      const best = Math.min(...ofBuild.map(({ bestNs }) => bestNs))
        .toFixed(0)
        .padStart(6);
      console.log(
        `${name.padEnd(14)} ${median(cpu).toFixed(0).padStart(6)} ns (best ${best}), ${heap.toFixed(0).padStart(6)} bytes allocated   ${build}`,
      );
    }
  }
  const idle = takeTurns(Math.min(rounds, 3), (build) => measured(build, 'idle', 'get') as IdleCost);
  for (const [build, ofBuild] of idle) {
    const heap = median(ofBuild.map(({ heapBytes }) => heapBytes));
    const stream = median(ofBuild.map(({ streamBytes }) => streamBytes));
    console.log(
      `idle           ${heap.toFixed(0).padStart(6)} bytes per connection, ${stream.toFixed(0)} of them the stream's   ${build}`,
    );
  }
}

function takeTurns<Result>(rounds: number, measure: (build: string) => Result): Map<string, Result[]> {
  const results = new Map<string, Result[]>(builds.map((build) => [build, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [build, ofBuild] of results) ofBuild.push(measure(build));
  }
  return results;
}

/** What the measuring program of that build answered. */
function measured(build: string, question: string, name: string): unknown {
  const program = join(build, 'test/bench/edge-cost/measure.js');
  const flags = ['--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16'];
  return JSON.parse(
    execFileSync(process.execPath, [...flags, program, question, name], { encoding: 'utf8' }),
  ) as unknown;
}
