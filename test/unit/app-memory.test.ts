// What is remembered of an app comes back as it was; whatever else stands in the file counts as nothing, or as less.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  decodeMemory,
  isSameMemory,
  readMemory,
  writeMemory,
  type AppMemory,
  type GoodGeneration,
} from '../../emperor/app-memory.ts';
import { digestSpec } from '../../emperor/config/digest.ts';
import { memoryFile } from '../../lib/run-dir.ts';
import { completeSpec } from '../../lib/spec/complete-spec.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { tempDir } from '../harness/temp-dir.ts';

function spec(extra: Partial<VassalSpec> = {}): VassalSpec {
  const complete = completeSpec({ app: '/srv/server.js', domains: ['a.com'], chdir: '/srv', ...extra });
  assert.ok(complete !== undefined);
  return complete;
}

function without(complete: VassalSpec, keys: readonly (keyof VassalSpec)[]): object {
  return Object.fromEntries(Object.entries(complete).filter(([key]) => !keys.some((one) => one === key)));
}

const good = (generation: number): GoodGeneration => ({ generation, digest: `d${generation}`, spec: spec() });

const memory: AppMemory = {
  lastGeneration: 9,
  isStopped: true,
  isPaused: true,
  processes: 3,
  refused: { digest: 'bad', reason: 'it crashed', byOperator: false },
  canary: { generation: 9, step: 1 },
  history: [good(4), good(7)],
};

function damaged(t: TestContext, text: string): string {
  const runDir = tempDir(t);
  mkdirSync(dirname(memoryFile(runDir, 'shop')), { recursive: true });
  writeFileSync(memoryFile(runDir, 'shop'), text);
  return runDir;
}

describe('the memory of an app', () => {
  it('comes back from disk as it was, private, and leaves nothing beside it', (t) => {
    const runDir = tempDir(t);
    assert.equal(readMemory(runDir, 'shop'), undefined);
    assert.equal(writeMemory(runDir, 'shop', { ...memory, history: [] }), undefined);
    assert.equal(writeMemory(runDir, 'shop', memory), undefined);
    assert.deepEqual(readMemory(runDir, 'shop'), memory);
    assert.equal(statSync(memoryFile(runDir, 'shop')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dirname(memoryFile(runDir, 'shop'))), ['memory.json']);
  });

  it('is written over the leftover of an interrupted attempt', (t) => {
    const runDir = damaged(t, '{}');
    writeFileSync(`${memoryFile(runDir, 'shop')}.next`, 'half', { mode: 0o644 });
    assert.equal(writeMemory(runDir, 'shop', memory), undefined);
    assert.deepEqual(readMemory(runDir, 'shop'), memory);
    assert.equal(statSync(memoryFile(runDir, 'shop')).mode & 0o777, 0o600);
  });

  it('holds the five newest good generations, oldest first', () => {
    const history = [8, 3, 5, 1, 2, 7, 6].map(good);
    const decoded = decodeMemory(JSON.stringify({ ...memory, history }));
    assert.ok(typeof decoded === 'object');
    assert.deepEqual(
      decoded.history.map(({ generation }) => generation),
      [3, 5, 6, 7, 8],
    );
  });

  for (const [what, text] of [
    ['nothing at all', ''],
    ['half of it', JSON.stringify(memory).slice(0, 100)],
    ['a list', '[]'],
    ['an empty map', '{}'],
    ['a negative generation', JSON.stringify({ ...memory, lastGeneration: -1 })],
    ['a mark that is text', JSON.stringify({ ...memory, isStopped: 'yes' })],
    ['no workers', JSON.stringify({ ...memory, processes: 0 })],
    ['a refusal without reason', JSON.stringify({ ...memory, refused: { digest: 'a', byOperator: true } })],
    ['a canary without a step', JSON.stringify({ ...memory, canary: { generation: 9 } })],
    ['a history that is a map', JSON.stringify({ ...memory, history: {} })],
  ] as const) {
    it(`that is ${what} is told to be damaged`, (t) => {
      assert.equal(typeof readMemory(damaged(t, text), 'shop'), 'string');
    });
  }

  it('of an emperor that did not remember canaries is not damaged', () => {
    const before = JSON.stringify({ ...memory, canary: undefined });
    assert.deepEqual(decodeMemory(before), { ...memory, canary: null });
  });

  it('loses of a damaged history only what is damaged', () => {
    const history = [good(1), { ...good(2), spec: { app: 1 } }, { ...good(3), generation: 'three' }, null, good(4)];
    const decoded = decodeMemory(JSON.stringify({ ...memory, history }));
    assert.deepEqual(decoded, { ...memory, history: [good(1), good(4)] });
  });

  it('never throws, whatever stands in the file', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const decoded = decodeMemory(text);
        assert.ok(typeof decoded === 'string' || Array.isArray(decoded.history));
      }),
    );
  });
});

describe('writing the memory', () => {
  it('into a directory that cannot be made says why, and throws nothing', (t) => {
    const runDir = tempDir(t);
    writeFileSync(`${runDir}/vassals`, '');
    assert.match(String(writeMemory(runDir, 'shop', memory)), /ENOTDIR|EEXIST/);
    assert.equal(typeof readMemory(runDir, 'shop'), 'string');
  });

  it('in vain leaves the memory before it, and no half file', (t) => {
    const runDir = tempDir(t);
    assert.equal(writeMemory(runDir, 'shop', memory), undefined);
    // A directory in its way can be replaced neither by removing it as a file nor by a rename.
    mkdirSync(`${memoryFile(runDir, 'shop')}.next`);
    assert.equal(typeof writeMemory(runDir, 'shop', { ...memory, isPaused: false }), 'string');
    assert.deepEqual(readMemory(runDir, 'shop'), memory);
  });

  it('is needless where nothing changed', () => {
    const copy = { ...memory, history: memory.history.map((one) => ({ ...one, spec: spec() })) };
    assert.ok(isSameMemory(memory, copy));
    for (const other of [
      { lastGeneration: 10 },
      { isStopped: false },
      { isPaused: false },
      { processes: null },
      { refused: null },
      { refused: { digest: 'bad', reason: 'it crashed', byOperator: true } },
      { canary: null },
      { canary: { generation: 9, step: 2 } },
      { history: [good(7)] },
    ]) {
      assert.ok(!isSameMemory(memory, { ...memory, ...other }), JSON.stringify(other));
    }
  });
});

describe('a spec of another build', () => {
  it('gets the keys it lacks, and is none where its values are of another kind', () => {
    const old = without(spec({ processes: 4 }), ['settle', 'rollout']);
    assert.deepEqual(completeSpec(old), spec({ processes: 4 }));
    assert.equal(completeSpec({ ...spec(), 'ready-timeout': '30s' }), undefined);
    assert.equal(completeSpec({ ...spec(), domains: [1] }), undefined);
    assert.equal(completeSpec(null), undefined);
  });

  it('has the same digest, so that an upgrade deploys nothing', () => {
    const old = without(spec({ processes: 4 }), ['settle']);
    assert.equal(digestSpec(old as VassalSpec), digestSpec(spec({ processes: 4 })));
    assert.notEqual(digestSpec(spec({ processes: 4 })), digestSpec(spec({ processes: 5 })));
    assert.notEqual(digestSpec(spec({ settle: 0 })), digestSpec(spec()));
  });
});
