import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tempDir } from '../harness/temp-dir.ts';
import { findInPath, isRunnable } from '../../vassal/executable.ts';

describe('a program', () => {
  it('is a file that may be run: no directory of that name, and no text', (t) => {
    const dir = tempDir(t);
    for (const name of ['first', 'second', 'third']) mkdirSync(join(dir, name));
    mkdirSync(join(dir, 'first/python3'));
    writeFileSync(join(dir, 'second/python3'), '', { mode: 0o644 });
    writeFileSync(join(dir, 'third/python3'), '', { mode: 0o755 });
    assert.equal(findInPath('python3', dir, 'nowhere:first:second:third'), join(dir, 'third/python3'));
    assert.equal(findInPath('python3', dir, `${dir}/first:second`), undefined);
    assert.equal(isRunnable(join(dir, 'first/python3')), false);
  });
});
