// Texts that are no config file: each is refused at the exact place, in words, with one problem.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../../emperor/config/parse.ts';
import { decodeText } from '../../emperor/config/text.ts';

interface Case {
  readonly what: string;
  readonly text: string;
  readonly file?: string;
  /** `line:column`; null: a problem of the whole file. */
  readonly at: string | null;
  readonly message: RegExp;
  readonly hint?: RegExp;
}

const cases: readonly Case[] = [
  {
    what: 'a tab before a key',
    text: 'app: a\n\tprocesses: 1',
    at: '2:1',
    message: /spaces for indentation, got a tab/,
    hint: /replace them/,
  },
  { what: 'a tab before a nested key', text: 'env:\n\tA: 1', at: '2:1', message: /got a tab/ },
  {
    what: 'a key twice',
    text: 'app: a\nqueue: 1\napp: b',
    at: '3:1',
    message: /"app" stands here for the second time/,
  },
  {
    what: 'a nested key twice',
    text: 'env:\n  A: 1\n  A: 2',
    at: '3:3',
    message: /"A" stands here for the second time/,
  },
  { what: 'a numeric key twice', text: 'x-a: {1: a, 1: b}', at: '1:13', message: /"1" stands/ },
  {
    what: 'an unquoted wildcard',
    text: 'domains: *.shop.com',
    at: '1:10',
    message: /got \*\.shop\.com/,
    hint: /"\*\.shop\.com"/,
  },
  { what: 'a bare star', text: 'domains: *', at: '1:10', message: /got a bare \*/, hint: /"\*"/ },
  { what: 'an unclosed list', text: 'domains: [a, b', at: '1:15', message: /expected \] to close/ },
  { what: 'an unclosed map', text: 'env: {A: 1', at: '1:11', message: /expected \} to close/ },
  { what: 'an unclosed quote', text: 'app: "x', at: '1:8', message: /expected a closing "/ },
  { what: 'an unclosed single quote', text: "app: 'x", at: '1:8', message: /expected a closing '/ },
  {
    what: 'a line that is indented too far',
    text: 'app: a\n  queue: 1',
    at: '2:3',
    message: /indented as if it belonged/,
  },
  { what: 'a list with ragged entries', text: 'domains:\n  - a\n - b', at: '3:1', message: /unlike the entries above/ },
  {
    what: 'two values on one line',
    text: 'app: a: b',
    at: '1:6',
    message: /further key: value on the same line/,
    hint: /quote/,
  },
  { what: 'a line without a colon', text: 'app: a\nqueue', at: '2:1', message: /a colon and a value/ },
  { what: 'a reserved character', text: 'app: @x', at: '1:6', message: /got @/, hint: /quotes/ },
  { what: 'a bad escape', text: 'app: "a\\q"', at: '1:8', message: /got \\q/ },
  { what: 'a stray closing bracket', text: 'app: ]', at: '1:6', message: /got \]/ },
  { what: 'a second document', text: 'app: a\n---\napp: b', at: '2:1', message: /one document/ },
  { what: 'a tag', text: 'app: !env HOME', at: '1:6', message: /the tag !env means nothing/ },
  { what: 'a binary tag', text: 'app: !!binary aGk=', at: '1:15', message: /the tag !!binary/ },
  { what: 'a key that is a list', text: '? [a]\n: b', at: '1:3', message: /a key that is text/ },
  { what: 'an alias of itself', text: 'x-a: &a [*a]', at: '1:10', message: /\*a refers to the value it is part of/ },
  { what: 'an unknown alias', text: 'app: *entry', at: '1:6', message: /an anchor that does not exist/ },
  { what: 'a merge of something that is no map', text: '<<: 5\napp: a', at: null, message: /could not be parsed/ },
  { what: 'nothing', text: '', at: null, message: /is empty/ },
  { what: 'a comment only', text: '# hello\n', at: null, message: /is empty/ },
  { what: 'null', text: 'null', at: null, message: /is empty/ },
  { what: 'a list at the top', text: '- app: a', at: '1:1', message: /keys and values, got a list/ },
  {
    what: 'a text at the top',
    text: 'app:server.js',
    at: '1:1',
    message: /got a single value/,
    hint: /space after each colon/,
  },
  {
    what: 'an ini file',
    text: '[uwsgi]\n',
    file: '/a.ini',
    at: null,
    message: /an ini file holds the options of one app of uWSGI/,
    hint: /\.yaml/,
  },
  {
    what: 'JSON with a trailing comma',
    text: '{"app": "a",}',
    file: '/a.json',
    at: '1:13',
    message: /a key in double quotes, got \}/,
    hint: /remove the comma/,
  },
  {
    what: 'JSON with a trailing comma in a list',
    text: '{"a": [1,\n]}',
    file: '/a.json',
    at: '2:1',
    message: /expected a value, got \]/,
    hint: /remove the comma/,
  },
  {
    what: 'JSON without a comma',
    text: '{"a": 1\n "b": 2}',
    file: '/a.json',
    at: '2:2',
    message: /a comma or \}/,
    hint: /a comma before/,
  },
  { what: 'JSON without a colon', text: '{"a" 1}', file: '/a.json', at: '1:6', message: /expected a colon, got 1/ },
  {
    what: 'JSON with a comment',
    text: '{\n  // hi\n}',
    file: '/a.json',
    at: '2:3',
    message: /got \//,
    hint: /no comments/,
  },
  {
    what: 'JSON with a bare word',
    text: '{"app": server}',
    file: '/a.json',
    at: '1:9',
    message: /expected a value, got server/,
    hint: /double quotes/,
  },
  {
    what: 'JSON with single quotes',
    text: "{'app': 1}",
    file: '/a.json',
    at: '1:2',
    message: /a key in double quotes or \}/,
    hint: /double quotes/,
  },
  {
    what: 'JSON that ends early',
    text: '{"app": "a"',
    file: '/a.json',
    at: '1:12',
    message: /got the end of the file/,
  },
  {
    what: 'JSON with an open text',
    text: '{"app": "a\n}',
    file: '/a.json',
    at: '1:9',
    message: /closing double quote/,
  },
  { what: 'JSON with a bad escape', text: '{"app": "\\x"}', file: '/a.json', at: '1:10', message: /got \\ before x/ },
  {
    what: 'JSON with a raw tab in a text',
    text: '{"app": "a\tb"}',
    file: '/a.json',
    at: '1:11',
    message: /control character/,
  },
  { what: 'JSON with more behind', text: '{} {}', file: '/a.json', at: '1:4', message: /expected the end of the file/ },
  { what: 'JSON with a leading zero', text: '{"a": 01}', file: '/a.json', at: '1:7', message: /got 01/ },
  { what: 'JSON with a key twice', text: '{"a": 1, "a": 2}', file: '/a.json', at: '1:10', message: /second time/ },
  { what: 'an empty JSON file', text: ' \n', file: '/a.json', at: null, message: /is empty/ },
  { what: 'YAML in a JSON file', text: 'app: a', file: '/a.json', at: '1:1', message: /expected a value, got app/ },
];

describe('a text that is no config', () => {
  for (const { what, text, file = '/a.yaml', at, message, hint } of cases) {
    it(`${what} is refused ${at === null ? 'as a whole' : `at ${at}`}`, () => {
      const result = parseConfig(text, file);
      assert.equal(result.ok, false);
      assert.equal(result.problems.length, 1);
      const [problem] = result.problems;
      assert.ok(problem);
      assert.equal(problem.line === null ? null : `${problem.line}:${problem.column ?? ''}`, at);
      assert.match(problem.message, message);
      assert.equal(problem.file, file);
      if (hint !== undefined) assert.match(problem.hint ?? '', hint);
    });
  }
});

describe('a hostile text', () => {
  const bomb = (join: (name: string) => string): string =>
    ['x0: &a0 {k: 1, l: 2}', ...Array.from({ length: 40 }, (_, i) => `x${i + 1}: &a${i + 1} ${join(`*a${i}`)}`)].join(
      '\n',
    );
  const texts: Readonly<Record<string, string>> = {
    'a bomb of aliases': bomb((name) => `[${name}, ${name}, ${name}]`),
    'a bomb of merges': bomb((name) => `{<<: [${name}, ${name}]}`),
    'thousands of aliases': `x: &a 1\ny: [${'*a,'.repeat(5000)}]`,
    'deep lists': `app: ${'['.repeat(20_000)}`,
    'deep maps': Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    'a list 65 deep': `x-a: ${'['.repeat(66)}${']'.repeat(66)}`,
    'deep JSON-like dashes': '- '.repeat(20_000),
  };
  for (const [what, text] of Object.entries(texts)) {
    it(`${what} is refused with one problem`, () => {
      const result = parseConfig(text, '/a.yaml');
      assert.equal(result.ok, false);
      assert.equal(result.problems.length, 1);
    });
  }

  it('deep JSON is refused', () => {
    const text = `{"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    assert.equal(parseConfig(text, '/a.json').ok, false);
  });

  it('100,000 keys are compared in linear time', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `x-${i}: 1`).join('\n');
    assert.equal(parseConfig(text, '/a.yaml').ok, true);
  });
});

describe('a well-formed text', () => {
  it('knows where keys and values stand, also behind a BOM, with CRLF, in lists and in merged maps', () => {
    const decoded = decodeText(
      Buffer.from('\u{feff}x-base: &base\r\n  queue: 5\r\n<<: *base\r\ndomains: [a,\r\n  b]\r\nenv:\r\n'),
      '/a.yaml',
    );
    assert.ok(decoded.ok);
    const result = parseConfig(decoded.text, '/a.yaml');
    assert.ok(result.ok);
    const { parsed } = result;
    assert.deepEqual({ ...parsed.value }, { 'x-base': { queue: 5 }, queue: 5, domains: ['a', 'b'], env: null });
    assert.deepEqual(parsed.keyAt(['x-base']), { line: 1, column: 1 });
    assert.deepEqual(parsed.keyAt(['queue']), { line: 2, column: 3 });
    assert.deepEqual(parsed.valueAt(['queue']), { line: 2, column: 10 });
    assert.deepEqual(parsed.valueAt(['domains', 1]), { line: 5, column: 3 });
    assert.deepEqual(parsed.valueAt(['domains', 7]), { line: 4, column: 10 });
    assert.deepEqual(parsed.valueAt(['env']), { line: 6, column: 1 });
    assert.deepEqual(parsed.valueAt(['missing']), { line: 1, column: 1 });
  });

  it('may have keys that are numbers, null or __proto__', () => {
    const result = parseConfig('1: a\nnull: b\n__proto__: c\ntrue: d', '/a.yaml');
    assert.ok(result.ok);
    assert.deepEqual(Object.keys(result.parsed.value).sort(), ['', '1', '__proto__', 'true']);
    assert.deepEqual(result.parsed.keyAt(['__proto__']), { line: 3, column: 1 });
  });

  it('JSON may be indented with tabs', () => {
    const result = parseConfig('{\n\t"env": {\n\t\t"A": [1]\n\t}\n}', '/a.json');
    assert.ok(result.ok);
    assert.deepEqual(result.parsed.valueAt(['env', 'A', 0]), { line: 3, column: 9 });
  });
});

describe('bytes that are no text', () => {
  const cases: readonly [what: string, bytes: Buffer, at: string | null, message: RegExp][] = [
    ['a NUL', Buffer.from('app: a\nb: \0'), '2:4', /control character \(byte 0x00\): the file looks binary/],
    ['an escape character', Buffer.from('app: \u001b[2J'), '1:6', /0x1b/],
    ['Latin-1', Buffer.from('app: caf\xe9.js', 'latin1'), '1:9', /UTF-8/],
    ['UTF-16', Buffer.from('\u{feff}app: a', 'utf16le'), null, /UTF-16/],
    ['an ELF header', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), '1:1', /0x7f/],
  ];
  for (const [what, bytes, at, message] of cases) {
    it(`${what} is refused`, () => {
      const decoded = decodeText(bytes, '/a.yaml');
      assert.ok(!decoded.ok);
      const { line, column } = decoded.problem;
      assert.equal(line === null ? null : `${line}:${column ?? ''}`, at);
      assert.match(decoded.problem.message, message);
    });
  }
});
