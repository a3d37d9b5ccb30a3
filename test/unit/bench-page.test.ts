// The generated parts of docs/performance.md: a run replaces what it measured and leaves everything else alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { markdownTable } from '../bench/markdown-table.ts';
import { mergeRows, partOf, replacePart } from '../bench/speed/page.ts';
import { packageRoot } from '../harness/paths.ts';

const page =
  'By hand.\n<!-- bench:post -->\nold\n<!-- /bench:post -->\nBy hand, too.\n<!-- bench:idle -->\n<!-- /bench:idle -->\n';

describe('the generated parts of a page', () => {
  it('are replaced one by one; what is written by hand stays', () => {
    assert.equal(replacePart(page, 'post', ['new', 'lines']), page.replace('old', 'new\nlines'));
    assert.equal(partOf(replacePart(page, 'idle', ['first']), 'idle').join(), 'first');
    assert.deepEqual(partOf(page, 'idle'), []);
  });

  it('must be there: nothing is added to a page by itself', () => {
    assert.throws(() => replacePart(page, 'browser', []), /no part between <!-- bench:browser -->/);
  });

  it('keep the rows of an overview that this run did not measure', () => {
    const old = markdownTable([
      ['load', 'what', 'met'],
      ['post, chunked', 'CPU', 'no'],
      ['idle', 'memory', 'yes'],
      ['no more', 'CPU', 'yes'],
    ]);
    const fresh = [
      ['post, chunked', 'CPU', 'yes'],
      ['keep-alive', 'CPU', 'no'],
    ];
    assert.deepEqual(mergeRows(old, fresh, ['keep-alive', 'post', 'idle']), [
      ['keep-alive', 'CPU', 'no'],
      ['post, chunked', 'CPU', 'yes'],
      ['idle', 'memory', 'yes'],
    ]);
  });

  it('stand in the real pages, one for each scenario', () => {
    const performance = readFileSync(join(packageRoot, 'docs/performance.md'), 'utf8');
    const parts = [...performance.matchAll(/<!-- bench:([a-z-]+) -->/g)].map(([, name = '']) => name);
    assert.ok(parts.includes('overview') && parts.includes('keep-alive'), parts.join());
    for (const name of parts) assert.equal(typeof replacePart(performance, name, []), 'string');
    assert.equal(typeof partOf(readFileSync(join(packageRoot, 'README.md'), 'utf8'), 'overview'), 'object');
  });
});
