import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { AppLog, maxLogBytes, tailLength } from '../../vassal/app-log.ts';
import { LineSplitter, maxLineLength } from '../../vassal/line-splitter.ts';
import { tempDir } from '../harness/temp-dir.ts';

const split = (...chunks: (string | Buffer)[]): string[] => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
};

describe('output', () => {
  it('is split at line ends, wherever the chunks end', () => {
    const text = 'one\r\n\ntwö € 😀\nthree';
    const expected = ['one', '', 'twö € 😀', 'three'];
    const bytes = Buffer.from(text);
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(split(bytes.subarray(0, at), bytes.subarray(at)), expected, `cut at ${at}`);
    }
  });

  it('without an end is cut at the longest line, and never through a character', () => {
    assert.deepEqual(
      split('x'.repeat(maxLineLength * 2 + 5)).map(({ length }) => length),
      [maxLineLength, maxLineLength, 5],
    );
    const lines = split(`x${'😀'.repeat(maxLineLength / 2)}\n`);
    assert.equal(lines.join(''), `x${'😀'.repeat(maxLineLength / 2)}`);
    assert.ok(lines.every((line) => Buffer.from(line).toString() === line));
    assert.deepEqual(split('x'.repeat(maxLineLength), '\n'), ['x'.repeat(maxLineLength)]);
  });

  it('that is no UTF-8 becomes replacement characters, to the last byte', () => {
    assert.deepEqual(split(Buffer.from([0x61, 0xff, 0x0a, 0xe2, 0x82])), ['a\uFFFD', '\uFFFD']);
  });
});

describe('the log of an app', () => {
  const open = (t: TestContext, path = join(tempDir(t), 'log')): { log: AppLog; path: string } => {
    const log = new AppLog({ path, app: 'a', generation: 3, clock: systemClock, onProblem: () => undefined });
    return { log, path };
  };

  it('goes on in the file that is there and is renamed when it would be too big', async (t) => {
    const { log, path } = open(t);
    const old = `${'x'.repeat(maxLogBytes - 100)}\n`;
    writeFileSync(path, old);
    log.write(1, 'out', 'y'.repeat(200));
    await log.close();
    assert.equal(readFileSync(`${path}.1`, 'utf8'), old);
    assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { line: string }).line, 'y'.repeat(200));
  });

  it('keeps the last lines in memory, in order, also where none can be written', async (t) => {
    const { log } = open(t, '/nowhere/at/all/log');
    for (let line = 0; line < 200; line++) log.write(null, 'err', String(line));
    assert.deepEqual(
      log.tail,
      Array.from({ length: tailLength }, (_, index) => String(150 + index)),
    );
    await log.close();
    assert.match(log.problem ?? '', /cannot be written \(ENOENT.*\); lines lost: 200$/);
  });

  it('asks writers to pause when too much waits, and tells them when it is written', async (t) => {
    const { log, path } = open(t);
    assert.equal(log.isFull, false);
    for (let line = 0; line < 20; line++) log.write(1, 'out', 'z'.repeat(64 * 1024));
    assert.equal(log.isFull, true);
    await new Promise<void>((resolve) => {
      log.onceDrained(resolve);
    });
    assert.equal(log.isFull, false);
    await log.close();
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 21);
  });
});
