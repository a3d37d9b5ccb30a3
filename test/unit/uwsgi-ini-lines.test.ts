// How uWSGI's ini text is cut into lines, and what is refused at its place.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readIniLines } from '../../emperor/config/uwsgi/ini-lines.ts';

/** `section key=value` of each line. */
function cut(text: string): readonly string[] {
  return readIniLines(text).lines.map(({ section, key, value }) => `${section} ${key}=${value}`);
}

function faults(text: string): readonly string[] {
  return readIniLines(text).faults.map(({ at, message }) => `${at.line}:${at.column} ${message}`);
}

describe('an ini text', () => {
  it('is cut at the first equals sign, and blanks around keys and values go', () => {
    assert.deepEqual(cut('[uwsgi]\nenv=A=b=c\n \t env \t = X = y \t\r\n'), ['uwsgi env=A=b=c', 'uwsgi env=X = y']);
  });

  it('keeps quotes, semicolons and hashes behind a value', () => {
    assert.deepEqual(cut('[uwsgi]\na = "x y"\nb = x ; y\nc = x # y'), [
      'uwsgi a="x y"',
      'uwsgi b=x ; y',
      'uwsgi c=x # y',
    ]);
  });

  it('has bare keys, and keys without a value', () => {
    assert.deepEqual(cut('[uwsgi]\nmaster\nendif =\n'), ['uwsgi master=', 'uwsgi endif=']);
  });

  it('has comments that begin with a semicolon or a hash, and empty lines', () => {
    assert.deepEqual(cut('; a\n# b\n\n[uwsgi]\n  ; c = 1\n\t# d = 1\na = 1'), ['uwsgi a=1']);
  });

  it('has sections of any name, and one that comes twice goes on', () => {
    const text = '[uwsgi]\na = 1\n[uwsgi:two]\na = 2\n[uwsgi]\nb = 3';
    assert.deepEqual(cut(text), ['uwsgi a=1', 'uwsgi:two a=2', 'uwsgi b=3']);
    assert.deepEqual([...readIniLines(text).sections.keys()], ['uwsgi', 'uwsgi:two']);
  });

  it('knows where each key and value stands', () => {
    const [bare, line, empty] = readIniLines('[uwsgi]\n  master\n\tchdir =  /srv\nx =').lines;
    assert.deepEqual(
      [bare?.at, bare?.valueAt],
      [
        { line: 2, column: 3 },
        { line: 2, column: 3 },
      ],
    );
    assert.deepEqual(
      [line?.at, line?.valueAt],
      [
        { line: 3, column: 2 },
        { line: 3, column: 11 },
      ],
    );
    assert.deepEqual(empty?.at, { line: 4, column: 1 });
  });
});

describe('a line that is refused', () => {
  const cases: readonly [what: string, text: string, fault: RegExp][] = [
    ['a header without its end', '[uwsgi\na = 1', /^1:1 expected a section such as \[uwsgi\].*got \[uwsgi$/],
    ['a header with a comment', '[uwsgi] ; x', /^1:1 expected a section .* alone on its line/],
    ['an empty header', '[]', /^1:1 expected a section/],
    ['an option before any section', 'master = true', /^1:1 expected a section before the first option/],
    ['a value without an option', '[uwsgi]\n  = 3', /^2:3 expected an option before =/],
    ['what Jinja left', '[uwsgi]\nchdir = /srv/{{ project }}', /^2:1 .*got \{\{ project \}\}, which a template/],
    ['a block of Jinja', '[uwsgi]\n{% if x %}\na = 1', /^2:1 .*got \{% if x %\}/],
    ['what ERB left', '[uwsgi]\nuid = <%= user %>', /^2:1 .*got <%= user %>/],
  ];
  for (const [what, text, fault] of cases) {
    it(`is ${what}`, () => {
      assert.match(faults(text)[0] ?? 'no fault', fault);
    });
  }

  it('is none that only looks like a template', () => {
    assert.deepEqual(faults('[uwsgi]\nlog-format = {"a": {"b": "%(addr)"}}\n; {{ comment }}'), []);
  });
});
