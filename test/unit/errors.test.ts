import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import { errorCodes } from '../../lib/errors.ts';
import { packageRoot } from '../harness/paths.ts';

describe('what users look up', () => {
  it('docs/errors.md explains every error code and no other', () => {
    const documented = [
      ...readFileSync(join(packageRoot, 'docs/errors.md'), 'utf8').matchAll(/^\| `(EMP_[A-Z_]+)`/gm),
    ].map((match) => match[1]);
    assert.deepEqual(documented, [...errorCodes]);
  });

  it('every program that is spawned by path exists where the build puts it', () => {
    for (const [name, path] of Object.entries(entryPoints)) assert.ok(existsSync(path), `${name}: ${path}`);
  });
});
