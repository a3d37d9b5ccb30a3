// The output that the access log is written to, over real files and pipes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { BatchedOutput, type BatchedOutputOptions } from '../../router/edge/batched-output.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Never within a test: what is not told to be written waits. */
const never = 2 ** 31 - 1;

function outputTo(fd: number, options: Partial<BatchedOutputOptions> = {}): BatchedOutput {
  return new BatchedOutput({ fd, blockBytes: 4096, mostBytes: 1024 * 1024, flushEveryMs: never, ...options });
}

function open(t: TestContext, path: string, flags: number): number {
  const fd = openSync(path, flags);
  t.after(() => {
    closeSync(fd);
  });
  return fd;
}

/** A file to write to, and what is in it. */
function file(t: TestContext): { fd: number; text: () => string } {
  const path = join(tempDir(t), 'log');
  const fd = open(t, path, constants.O_WRONLY | constants.O_CREAT);
  return { fd, text: () => readFileSync(path, 'utf8') };
}

/** A pipe that holds 64 KB, written to and read without blocking. */
class Pipe {
  readonly path: string;
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    this.path = join(tempDir(t), 'pipe');
    execFileSync('mkfifo', [this.path]);
  }

  reader(): number {
    return openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** There must be a reader already. */
  writer(): number {
    return open(this.#t, this.path, constants.O_WRONLY | constants.O_NONBLOCK);
  }
}

/** What a reader can have now. */
function take(reader: number): string {
  const bytes = Buffer.alloc(128 * 1024);
  try {
    return bytes.toString('latin1', 0, readSync(reader, bytes));
  } catch {
    return '';
  }
}

function lines(from: number, to: number, length = 20): string {
  return Array.from({ length: to - from }, (_, i) => lineOf(from + i, length)).join('');
}

function lineOf(number: number, length: number): string {
  return `${String(number).padEnd(length - 1, '.')}\n`;
}

function append(output: BatchedOutput, text: string): void {
  for (const line of text.split(/(?<=\n)/)) output.append(line);
}

describe('a batched output', () => {
  it('writes every line in order, however many blocks they fill', async (t) => {
    const { fd, text } = file(t);
    const output = outputTo(fd);
    append(output, lines(0, 5000));
    assert.equal(await output.close(5000), true);
    assert.equal(text(), lines(0, 5000));
    assert.equal(output.dropped, 0);
  });

  it('loses nothing that comes while it writes, nor what waits when it is closed', async (t) => {
    const { fd, text } = file(t);
    const output = outputTo(fd);
    let count = 0;
    await waitFor(
      () => {
        append(output, lines(count, count + 300));
        count += 300;
        return count >= 6000;
      },
      { what: 'all lines to be put in' },
    );
    assert.equal(await output.close(5000), true);
    assert.equal(text(), lines(0, count));
  });

  it('takes a line that is longer than a block, and one of characters that take several bytes', async (t) => {
    const { fd, text } = file(t);
    const output = outputTo(fd);
    const expected = ['a\n', `${'x'.repeat(20_000)}\n`, 'b\n', `${'\u00e9\u20ac'.repeat(3000)}\n`, 'c\n'];
    for (const line of expected) output.append(line);
    assert.equal(await output.close(5000), true);
    assert.equal(text(), expected.join(''));
  });

  it('writes a block as soon as it is full, and what is less when its time has come', async (t) => {
    const { fd, text } = file(t);
    const full = outputTo(fd);
    append(full, lines(0, 210));
    await waitFor(() => text().length >= 4000, { what: 'the first block' });
    assert.equal(text(), lines(0, 4096 / 20));
    const timed = outputTo(fd, { flushEveryMs: 20 });
    timed.append('last\n');
    await waitFor(() => text().endsWith('last\n'), { what: 'the last line' });
    await timed.close(5000);
    await full.close(5000);
  });

  it('writes the rest where the reader took a part, and tries again while the pipe is full', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    const output = outputTo(pipe.writer(), { blockBytes: 50_000 });
    const expected = lines(0, 20_000);
    append(output, expected);
    let read = '';
    const closed = output.close(20_000);
    await waitFor(
      () => {
        read += take(reader).slice();
        return read.length >= expected.length;
      },
      { what: () => `${expected.length} bytes; got ${read.length}`, timeoutMs: 20_000 },
    );
    assert.equal(await closed, true);
    assert.equal(read, expected);
    closeSync(reader);
  });

  it('drops and counts what its memory has no room for, and writes what it kept', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    const output = outputTo(pipe.writer(), { mostBytes: 200_000 });
    const many = 40_000;
    append(output, lines(0, many));
    assert.ok(output.dropped > 0);
    let read = '';
    const kept = (many - output.dropped) * 20;
    assert.ok(kept <= 200_000 && kept >= 180_000, `${kept} bytes`);
    const closed = output.close(20_000);
    await waitFor(
      () => {
        read += take(reader);
        return read.length >= kept;
      },
      { what: () => `${kept} bytes; got ${read.length}`, timeoutMs: 20_000 },
    );
    assert.equal(await closed, true);
    assert.equal(read, lines(0, many - output.dropped));
    closeSync(reader);
  });

  it('keeps lines while nobody reads, and writes them when somebody does again', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    const output = outputTo(pipe.writer(), { flushEveryMs: 20 });
    output.append('before\n');
    await waitFor(() => take(reader) === 'before\n', { what: 'the first line' });
    closeSync(reader);
    append(output, lines(0, 3000));
    const again = pipe.reader();
    let read = '';
    await waitFor(
      () => {
        read += take(again);
        return read.length >= 60_000;
      },
      { what: () => `what waited; got ${read.length} bytes` },
    );
    assert.equal(read, lines(0, 3000));
    assert.equal(output.dropped, 0);
    await output.close(5000);
    closeSync(again);
  });

  it('is closed at once where the disk is full, and counts what is lost', async (t) => {
    const output = outputTo(open(t, '/dev/full', constants.O_WRONLY));
    append(output, lines(0, 1000));
    assert.equal(await output.close(20_000), true);
    assert.equal(output.dropped, 1000);
    output.append('late\n');
    assert.equal(output.dropped, 1001);
  });

  it('is closed in time where a pipe stays full', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    const output = outputTo(pipe.writer());
    append(output, lines(0, 10_000));
    assert.equal(await output.close(50), true);
    // What was written of them is in the pipe.
    const written = take(reader).length / 20;
    assert.ok(written > 0 && output.dropped >= 10_000 - written && output.dropped < 10_000);
    closeSync(reader);
  });

  it('says so where a write has not come back in time', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    // Without O_NONBLOCK.
    const output = outputTo(open(t, pipe.path, constants.O_WRONLY));
    append(output, lines(0, 10_000));
    assert.equal(await output.close(50), false);
    const read = take(reader);
    assert.ok(read.length > 0 && lines(0, 10_000).startsWith(read));
    // The write that was stuck comes back, by a fault; nobody is told any more.
    closeSync(reader);
  });

  it('writes what waits at once where the process is about to end', async (t) => {
    const { fd, text } = file(t);
    const output = outputTo(fd);
    append(output, lines(0, 100));
    output.writeNow();
    assert.equal(text(), lines(0, 100));
    await output.close(5000);
    assert.equal(text(), lines(0, 100));
  });

  it('waits for nobody where the process is about to end', async (t) => {
    const pipe = new Pipe(t);
    const reader = pipe.reader();
    const output = outputTo(pipe.writer());
    append(output, lines(0, 203));
    // No write has begun: the next line would begin one.
    output.writeNow();
    assert.equal(take(reader), lines(0, 203));
    closeSync(reader);
    const full = new Pipe(t);
    const slowReader = full.reader();
    const more = outputTo(full.writer(), { blockBytes: 100_000 });
    append(more, lines(0, 4999));
    more.writeNow();
    const read = take(slowReader);
    assert.ok(read.length > 4096 && lines(0, 4999).startsWith(read));
    closeSync(slowReader);
    await more.close(5000);
    await output.close(5000);
  });
});
