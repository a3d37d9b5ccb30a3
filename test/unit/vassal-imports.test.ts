// Every module that a primary or a worker loads is part of the time that a deploy takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';

/** What a file imports, statically and (with `isLazyToo`) by import(); `require` of a pretty log is not looked at. */
function importsOf(file: string, isLazyToo: boolean): string[] {
  const text = readFileSync(file, 'utf8');
  const fixed = [...text.matchAll(/^(?:import|export)\b[^;]*?from ["']([^"']+)["']|^import ["']([^"']+)["']/gm)];
  const lazy = isLazyToo ? [...text.matchAll(/\bimport\(["']([^"']+)["']\)/g)] : [];
  return [...fixed, ...lazy].map(([, named, bare]) => named ?? bare ?? '');
}

function reached(entry: string, isLazyToo: boolean): { ours: Set<string>; others: Set<string> } {
  const ours = new Set<string>();
  const others = new Set<string>();
  const pending = [entry];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (ours.has(file)) continue;
    ours.add(file);
    for (const name of importsOf(file, isLazyToo)) {
      if (name.startsWith('.')) pending.push(resolve(dirname(file), name));
      else if (!name.startsWith('node:')) others.add(name);
    }
  }
  return { ours, others };
}

describe('a start', () => {
  for (const [what, entry] of [
    ['of a primary', entryPoints.vassal],
    ['of a Node worker', entryPoints.nodeWorker],
  ] as const) {
    it(`${what} loads no package`, () => {
      const { ours, others } = reached(entry, true);
      assert.ok(ours.size > 5, 'the imports were read');
      assert.deepEqual([...others], []);
    });
  }

  it('of a primary says hello before it loads what runs an app', () => {
    const names = [...reached(entryPoints.vassal, false).ours].join(' ');
    assert.match(names, /vassal\/vassal\.js/);
    assert.doesNotMatch(names, /vassal\/primary\.js|worker-pool\.js|native\/index\.js/);
  });
});
