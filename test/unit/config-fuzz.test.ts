// Whatever a file contains, reading it ends, never throws, and says what is wrong in our own words.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readEmperorText } from '../../emperor/config/emperor-file.ts';
import { findJsonFault } from '../../emperor/config/json-syntax.ts';
import { parseConfig } from '../../emperor/config/parse.ts';
import { formatProblem, type Problem } from '../../emperor/config/problem.ts';
import { decodeText, lineOf } from '../../emperor/config/text.ts';
import { readVassalText } from '../../emperor/config/vassal-file.ts';
import { emperorFields } from '../../lib/spec/emperor-config.ts';
import { vassalFields } from '../../lib/spec/vassal-spec.ts';
import { tempDir } from '../harness/temp-dir.ts';

const key = fc.oneof(
  fc.constantFrom(...Object.keys(vassalFields), ...Object.keys(emperorFields)),
  fc.constantFrom('__proto__', 'constructor', 'toString', '<<', 'x-a', '', 'prototype'),
  fc.string({ maxLength: 12 }),
);

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('30s', '5m', '1G', 'server.js', '/up', '*', 'a.com', 'TERM', 'x\0y', '~', ':8080'),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: false }),
  ),
})).any;

/** Pieces of YAML put together at random: mostly wrong, sometimes not. */
const yamlish = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ': ',
        '\n',
        '\n  ',
        '- ',
        '? ',
        '&a ',
        '*a',
        '<<: ',
        '[',
        ']',
        '{',
        '}',
        ', ',
        '"',
        "'",
        '|\n',
        '>\n',
        '#',
        '\t',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '!!set ',
        '!x ',
        '\r\n',
        '\\',
        '\0',
        '\u{feff}',
      ),
      key,
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

function checkProblems(problems: readonly Problem[], text: string): void {
  assert.notEqual(problems.length, 0);
  for (const problem of problems) {
    assert.equal(problem.line === null, problem.column === null);
    const line = problem.line === null ? undefined : lineOf(text, problem.line);
    if (problem.line !== null) {
      assert.ok(line !== undefined, `no line ${problem.line}`);
      assert.ok(problem.column !== null && problem.column >= 1 && problem.column <= line.length + 2);
    }
    // The validator's own words would mean that a kind of value says nothing of what it expects.
    assert.doesNotMatch(
      problem.message,
      /^(?:[\w.-]+: )?(?:Invalid|Too (?:small|big)|Unrecognized)|undefined|\[object/,
    );
    assert.ok(problem.message.length < 600, problem.message);
    formatProblem(problem, line);
  }
}

describe('a random file', () => {
  it('is read as YAML without a throw', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'server.js'), '');
    await fc.assert(
      fc.asyncProperty(yamlish, async (text) => {
        const vassal = await readVassalText(text, { file: join(dir, 'shop.yaml'), name: 'shop', defaults: {} });
        if (!vassal.ok) checkProblems(vassal.problems, text);
        const emperor = await readEmperorText(text, join(dir, 'emperor.yaml'));
        if (emperor.state === 'invalid') checkProblems(emperor.problems, text);
      }),
      { numRuns: 300 },
    );
  });

  it('of random values is validated without a throw, as JSON', async (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'server.js'), '');
    const map = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: false });
    await fc.assert(
      fc.asyncProperty(map, fc.constantFrom(undefined, 2, '\t'), async (content, indent) => {
        const text = JSON.stringify(content, null, indent);
        const vassal = await readVassalText(text, { file: join(dir, 'shop.json'), name: 'shop', defaults: {} });
        if (!vassal.ok) checkProblems(vassal.problems, text);
        const emperor = await readEmperorText(text, join(dir, 'emperor.json'));
        if (emperor.state === 'invalid') checkProblems(emperor.problems, text);
      }),
      { numRuns: 300 },
    );
  });

  it('of random bytes is decoded or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeText(Buffer.from(bytes), '/a.yaml');
        if (decoded.ok) parseConfig(decoded.text, '/a.yaml');
        else assert.notEqual(decoded.problem.message, '');
      }),
      { numRuns: 500 },
    );
  });
});

describe('JSON', () => {
  it('is refused exactly where JSON.parse refuses it', () => {
    const jsonish = fc.oneof(
      fc.json(),
      fc
        .array(
          fc.oneof(
            fc.constantFrom(
              '{',
              '}',
              '[',
              ']',
              ',',
              ':',
              '"a"',
              '1',
              '-0.5e3',
              'true',
              'null',
              ' ',
              '\n',
              '"\\u00e9"',
              "'",
              '01',
              '"',
              '\t',
            ),
            fc.string({ maxLength: 2 }),
          ),
          { maxLength: 12 },
        )
        .map((pieces) => pieces.join('')),
      // One character of good JSON, changed.
      fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 1 })).map(([text, at, other]) => {
        const offset = at % (text.length + 1);
        return text.slice(0, offset) + other + text.slice(offset + 1);
      }),
    );
    fc.assert(
      fc.property(jsonish, (text) => {
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }
        const fault = findJsonFault(text);
        assert.equal(fault === undefined, isValid, JSON.stringify({ text, fault }));
        if (fault !== undefined) assert.ok(fault.offset >= 0 && fault.offset <= text.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('that is valid has the values that JSON.parse gives', () => {
    const map = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), {
      noNullPrototype: false,
    });
    fc.assert(
      fc.property(map, fc.constantFrom(undefined, 1, '\t'), (content, indent) => {
        const text = JSON.stringify(content, null, indent);
        const result = parseConfig(text, '/a.json');
        assert.ok(result.ok, JSON.stringify(result));
        assert.deepEqual({ ...result.parsed.value }, JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });
});
