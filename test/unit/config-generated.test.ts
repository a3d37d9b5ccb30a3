// The generated files in the repository are those of the tables, and they describe every key.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { generatedFiles } from '../../emperor/config/generate.ts';
import { emperorFieldList, vassalFieldList } from '../../lib/spec/field-list.ts';
import { vassalFields } from '../../lib/spec/vassal-spec.ts';
import { packageRoot } from '../harness/paths.ts';

describe('a generated file', () => {
  for (const [path, text] of generatedFiles()) {
    it(`${path} is not stale`, () => {
      assert.equal(readFileSync(join(packageRoot, path), 'utf8'), text, `run: npm run generate`);
    });
  }
});

describe('the list of keys', () => {
  it('holds every key of an app, in the order of the table', () => {
    assert.deepEqual(
      vassalFieldList.map(({ key }) => key),
      Object.keys(vassalFields),
    );
  });

  for (const field of [...vassalFieldList, ...emperorFieldList]) {
    it(`says of ${field.key} its group, its type and what it means`, () => {
      assert.notEqual(field.group, '');
      assert.match(field.description, /\.$/);
      assert.ok(field.type !== 'map' || field.key === 'defaults');
    });
  }

  it('has examples that are YAML', () => {
    for (const { example } of [...vassalFieldList, ...emperorFieldList]) {
      if (example !== undefined) assert.notEqual(parse(example), undefined);
    }
  });
});
