// Temporary directories whose names are short (socket paths are limited to 107 bytes) and that go with the test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './scope.ts';

export function tempDir(t: Scope): string {
  const dir = mkdtempSync(join(tmpdir(), 'emp-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  return dir;
}
