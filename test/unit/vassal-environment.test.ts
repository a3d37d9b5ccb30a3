import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readEnvironment } from '../../vassal/environment.ts';
import { parseEnvFile } from '../../vassal/env-file.ts';
import { commandLine, isSimpleCommand } from '../../vassal/runtimes/command/command-line.ts';
import { readWorkerMessage } from '../../vassal/worker-messages.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { specOf } from '../harness/vassal-process.ts';

describe('an env-file', () => {
  const cases: readonly (readonly [string, string, Record<string, string>])[] = [
    ['plain values', 'A=1\nB = two words \n', { A: '1', B: 'two words' }],
    ['export', 'export A=1', { A: '1' }],
    ['comments and empty lines', '# x\n\n  # y\nA=1 # z\nB=a#b\nC=#nothing\n', { A: '1', B: 'a#b', C: '' }],
    ['an empty value', 'A=\nB=2', { A: '', B: '2' }],
    ['double quotes', 'A="x\\ny \\"z\\" \\\\ \\$ \\q" # c', { A: 'x\ny "z" \\ $ \\q' }],
    ['single quotes', "A='x\\n # y'", { A: 'x\\n # y' }],
    ['backticks', 'A=`it\'s "so"`', { A: 'it\'s "so"' }],
    ['values over several lines', 'A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
    ['Windows ends of line and a BOM', '\uFEFFA=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['an equals sign in the value', 'URL=postgres://u:p@h/db?a=b', { URL: 'postgres://u:p@h/db?a=b' }],
    ['the last of two', 'A=1\nA=2', { A: '2' }],
    ['nothing at all', '', {}],
  ];
  for (const [what, text, variables] of cases) {
    it(`may hold ${what}`, () => {
      assert.deepEqual(parseEnvFile(text), { variables });
    });
  }

  const wrong: readonly (readonly [string, string])[] = [
    ['A=1\nB\n', 'line 2: expected NAME=value, got "B"'],
    ['A="x\ny"\n\n1A=3', 'line 4: expected NAME=value, got "1A=3"'],
    ['A=1\nB="x\n', 'line 2: the " is never closed'],
    ["A='x' y", "line 1: unexpected text after the closing '"],
    ['A=a\0b', 'line 1: the value of A holds a NUL character'],
  ];
  for (const [text, problem] of wrong) {
    it(`is refused with its line: ${problem}`, () => {
      assert.deepEqual(parseEnvFile(text), { problem });
    });
  }
});

describe("a worker's environment", () => {
  it("is ours less what is private, then the files in order, then the spec's own", (t) => {
    const dir = tempDir(t);
    writeFileSync(join(dir, 'a.env'), 'A=a\nB=a\nC=a');
    writeFileSync(join(dir, 'b.env'), 'B=b\nC=b');
    const spec = specOf({ 'env-file': ['a.env', 'b.env'], env: { C: 'spec' } }, dir);
    const own = {
      PATH: '/bin',
      A: 'own',
      EMPEROR_LOG: 'x',
      NODE_CHANNEL_FD: '3',
      LISTEN_PID: '1',
      NOTIFY_SOCKET: '/x',
    };
    assert.deepEqual(readEnvironment(spec, own), { variables: { PATH: '/bin', A: 'a', B: 'b', C: 'spec' } });
  });

  it('names an env-file that cannot be read', (t) => {
    const dir = tempDir(t);
    const spec = specOf({ 'env-file': '.' }, dir);
    const result = readEnvironment(spec, {});
    assert.ok('problem' in result);
    assert.match(result.problem, /^env-file .* cannot be read: EISDIR/);
  });
});

describe('a command', () => {
  it('that is one program gets the shell out of its way', () => {
    for (const text of ['python3 server.py', './run --port $PORT', 'node "a b.js" >log 2>/dev/null', '  /bin/x  ']) {
      assert.equal(isSimpleCommand(text), true, text);
    }
  });

  it('that is more than one, or none, keeps the shell', () => {
    const texts = [
      'a && b',
      'a; b',
      'a | b',
      'a &',
      '(a)',
      '{ a; }',
      'cd x',
      'A=1 b',
      'if true',
      'exec a',
      '. ./x',
      '$RUN',
    ];
    for (const text of [...texts, 'a\nb', 'a `b`', 'a $(b)', '! a', '', '"my program" x']) {
      assert.equal(isSimpleCommand(text), false, text);
    }
  });

  it('as a list reaches the program word for word', () => {
    const { args, program, keepsShell } = commandLine(['prog', 'a b', '$X', '']);
    assert.deepEqual(args.slice(-4), ['prog', 'a b', '$X', '']);
    assert.deepEqual([program, keepsShell], ['prog', false]);
  });
});

describe('a message of a worker', () => {
  it('is ours, the word ready, or none of our business', () => {
    assert.equal(readWorkerMessage('ready'), 'ready');
    assert.equal(readWorkerMessage({ type: 'ready', more: 1 }), 'ready');
    assert.deepEqual(readWorkerMessage({ emperor: 'loaded', serves: true }), { emperor: 'loaded', serves: true });
    for (const message of [undefined, null, 1, 'hello', {}, { type: 'x' }, { emperor: 'nonsense' }, []]) {
      assert.equal(readWorkerMessage(message), undefined);
    }
  });
});
