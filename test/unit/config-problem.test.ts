// How a problem looks in a terminal.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareProblems, fileProblem, formatProblem, problemAt } from '../../emperor/config/problem.ts';

const at = (line: number, column: number): ReturnType<typeof problemAt> =>
  problemAt('/v/shop.yaml', { line, column }, { message: 'expected this', hint: 'write that' });

describe('a problem in a terminal', () => {
  it('shows the place, the line with a caret, and the hint', () => {
    assert.equal(
      formatProblem(at(2, 12), 'processes: many'),
      '/v/shop.yaml:2:12: expected this\n    processes: many\n               ^\n  hint: write that',
    );
  });

  it('keeps tabs in the padding, so that the caret stands right whatever their width', () => {
    assert.equal(formatProblem(at(1, 3), '\t\tx').split('\n')[2], '    \t\t^');
  });

  it('cuts a very long line around the place', () => {
    const [, line = '', caret = ''] = formatProblem(at(1, 5001), `${'a'.repeat(5000)}X${'b'.repeat(5000)}`).split('\n');
    assert.ok(line.length < 120);
    assert.equal(line[caret.indexOf('^')], 'X');
  });

  it('puts the caret behind the line where that is shorter than the column', () => {
    assert.equal(formatProblem(at(1, 99), 'ab').split('\n')[2], '      ^');
  });

  it('of a whole file has no place', () => {
    assert.equal(formatProblem(fileProblem('/v/a.yaml', 'it is empty')), '/v/a.yaml: it is empty');
  });

  it('cannot drive the terminal', () => {
    const problem = fileProblem('/v/\u001b[2J.yaml', 'got "\u009b31m\u202e\n"');
    assert.doesNotMatch(formatProblem(problem), /[\u001b\u009b\u202e\n]/);
  });

  it('sorts by file and place, the problems of the file itself first', () => {
    const whole = fileProblem('/v/shop.yaml', 'whole');
    const other = fileProblem('/v/a.yaml', 'other');
    const sorted = [at(10, 1), at(2, 9), at(2, 1), whole, other].sort(compareProblems);
    assert.deepEqual(
      sorted.map(({ line, column }) => [line, column]),
      [
        [null, null],
        [null, null],
        [2, 1],
        [2, 9],
        [10, 1],
      ],
    );
    assert.equal(sorted[0], other);
  });
});
