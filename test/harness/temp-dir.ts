// Temporary directories whose names are short (socket paths are limited to 107 bytes) and that go with the test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../../lib/errors.ts';
import type { Scope } from './scope.ts';

const mostAttempts = 20;

export function tempDir(t: Scope): string {
  const dir = mkdtempSync(join(tmpdir(), 'emp-'));
  t.after(() => {
    remove(dir);
  });
  return dir;
}

/** Hooks run in the order in which they were set, so a process that is ended by a later one may still write here. */
function remove(dir: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' || attempt === mostAttempts) throw error;
    }
  }
}
