// Whatever stands in a file of uWSGI: reading it ends, throws nothing, and each problem and note has a place in it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { explainLines } from '../../emperor/config/uwsgi/explain.ts';
import { optionTable } from '../../emperor/config/uwsgi/option-table.ts';
import { readVassal, type Surroundings } from '../harness/uwsgi-sources.ts';

const words = [
  'a',
  'b',
  'c',
  'shop',
  '1',
  '2',
  '%(a)',
  '%(b)',
  '%(a + 1)',
  '%(_)',
  '%n',
  '%y',
  '%',
  '$(HOME)',
  '$(X)',
  '@(f)',
  '=',
  ':',
];
const text = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((parts) => parts.join('')) },
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const key = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('a', 'b', 'c', 'env', 'command', 'processes', 'chdir', 'x-domains', 'subscribe-to'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('for', 'endfor', 'if-env', 'if-opt', 'if-file', 'endif', 'for-times', 'set-ph'),
  },
  { weight: 2, arbitrary: fc.constantFrom('include', 'ini', 'inherit', 'yaml') },
  fc.constantFrom(...optionTable.keys()),
  fc.string({ maxLength: 8 }),
);
const target = fc.constantFrom('f', 'g.ini', ':two', 'g.ini:two', 'shop.ini', 'f.yaml', 'gone.ini');
const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(key, text).map(([name, value]) => `${name} = ${value}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('include', 'ini', 'inherit'), target).map((parts) => parts.join(' = ')),
  },
  fc.constantFrom('[uwsgi]', '[two]', '; x', '', 'master', '[odd'),
  fc.string({ maxLength: 30 }),
);
const file = fc.array(line, { maxLength: 25 }).map((lines) => ['[uwsgi]', ...lines].join('\n'));

const surroundings = fc.record({ one: file, two: file }).map(({ one, two }): Surroundings => ({
  files: { '/vassals/f': one, '/vassals/g.ini': two, '/vassals/f.yaml': 'uwsgi: {a: 1, env: [A=1]}' },
  env: { HOME: '/root' },
}));

describe('a file of uWSGI, whatever it holds', () => {
  it('is read to its end, and what is said of it has a place in it', async () => {
    await fc.assert(
      fc.asyncProperty(file, surroundings, async (content, around) => {
        const read = await readVassal(content, around);
        const lines = content.split('\n');
        for (const { line: at, column, message } of [...read.problems, ...read.notes]) {
          assert.ok(message.length > 0);
          if (at === null || column === null) continue;
          const shown = lines[at - 1];
          assert.ok(shown !== undefined && column >= 1 && column <= shown.length + 1, `${at}:${column} ${message}`);
        }
        const explained = explainLines(read);
        assert.ok(explained.every(({ what }) => what !== ''));
      }),
      { numRuns: 500 },
    );
  });

  it('says the same each time it is read', async () => {
    await fc.assert(
      fc.asyncProperty(file, surroundings, async (content, around) => {
        const [one, other] = [await readVassal(content, around), await readVassal(content, around)];
        assert.deepEqual(other.parsed.value, one.parsed.value);
        assert.deepEqual(other.problems, one.problems);
      }),
      { numRuns: 100 },
    );
  });

  it('means the same with other blanks, comments and line ends', async () => {
    const plain = fc.array(
      fc.tuple(fc.constantFrom('env', 'chdir', 'processes'), fc.stringMatching(/^[A-Z]=[a-z0-9/]{1,8}$/)),
    );
    await fc.assert(
      fc.asyncProperty(plain, async (entries) => {
        const tidy = ['[uwsgi]', 'command = x', ...entries.map(([name, value]) => `${name} = ${value}`)];
        const odd = tidy.flatMap((one) => [`  ; ${one}`, ` \t${one.replace(' = ', '=')} \t`, '']);
        const [one, other] = [await readVassal(tidy.join('\n')), await readVassal(odd.join('\r\n'))];
        assert.deepEqual(other.parsed.value, one.parsed.value);
      }),
      { numRuns: 100 },
    );
  });
});
