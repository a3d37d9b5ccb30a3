import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, rmdirSync, statSync, symlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { join } from 'node:path';
import { logFile } from '../../lib/run-dir.ts';
import { ask } from '../harness/http-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { residentBytes } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

describe("a worker's output", () => {
  it('comes line by line with time, app, generation, worker and stream; long lines are cut, odd bytes survive', async (t) => {
    const vassal = await startVassal(t, { fixture: 'writes-a-lot', keys: { env: { LINES: '20', WIDTH: '10' } } });
    await vassal.ready();
    vassal.stop();
    await vassal.process.exit();
    const lines = vassal.log();
    const out = lines.filter(({ stream }) => stream === 'out').map(({ line }) => line);
    assert.deepEqual(out.slice(0, 2), ['0 yyyyyyyyyy', '1 yyyyyyyyyy']);
    assert.deepEqual(out.slice(20), ['b\uFFFD\uFFFD', 'no newline at the end']);
    const err = lines.filter(({ stream, worker }) => stream === 'err' && worker === 1).map(({ line }) => line);
    assert.deepEqual(
      err.map(({ length }) => length),
      [65536, 65536, 150_000 - 2 * 65536],
    );
    const [first] = lines;
    assert.deepEqual({ app: first?.app, generation: first?.generation }, { app: 'test', generation: 1 });
    assert.ok(Math.abs(Date.parse(first?.time ?? '') - Date.now()) < 60_000);
  });

  it('comes also from a program that opens /dev/stdout and /dev/stderr by name', { skip: withoutAddon }, async (t) => {
    const command = 'echo one > /dev/stdout; echo two > /dev/stderr; exit 1';
    const vassal = await startVassal(t, { fixture: 'hello', keys: { command } });
    await vassal.until('the failure', ({ phase }) => phase === 'failed');
    await vassal.process.exit();
    const written = vassal.log().filter(({ worker }) => worker === 1);
    assert.deepEqual(written.map(({ stream, line }) => [stream, line]).sort(), [
      ['err', 'two'],
      ['out', 'one'],
    ]);
  });

  it('is complete also where the worker dies right after writing', async (t) => {
    const command = 'seq 1 20000; printf "the end" >&2; kill -9 $$';
    const vassal = await startVassal(t, { fixture: 'hello', keys: { command } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.equal(failure?.message, 'worker 1 was killed by SIGKILL before it was ready');
    await vassal.process.exit();
    const lines = vassal.log().map(({ line }) => line);
    assert.equal(lines.filter((line) => /^\d+$/.test(line)).length, 20_000);
    assert.ok(lines.includes('20000') && lines.includes('the end'));
  });

  it('that floods is slowed down: memory stays flat, and the log is kept to two files of 10 MB', async (t) => {
    const env = { LINES: '60000' };
    const vassal = await startVassal(t, { fixture: 'writes-a-lot', keys: { env, 'ready-timeout': '5m' } });
    let most = 0;
    await vassal.until(
      'all to be written',
      ({ phase }) => {
        most = Math.max(most, residentBytes(vassal.process.pid));
        return phase === 'ready';
      },
      60_000,
    );
    const current = logFile(vassal.dir);
    await waitFor(() => readIfThere(current).includes('"59999 y'), {
      what: 'the last line',
      timeoutMs: 60_000,
    });
    assert.ok(most < 200 * 1024 * 1024, `primary took ${most} bytes`);
    assert.ok(statSync(current).size <= 10 * 1024 * 1024);
    const old = readFileSync(`${current}.1`, 'utf8');
    // What does not fit opens the next file: lines waiting for the disk, up to 1 MB and one more read of each stream.
    assert.ok(old.length <= 10 * 1024 * 1024, `${old.length} bytes`);
    assert.ok(old.length > 8 * 1024 * 1024, `${old.length} bytes`);
    assert.ok(old.endsWith('\n'));
  });

  it('that cannot be written is dropped and said so, and is written again when that is possible', async (t) => {
    const base = tempDir(t);
    const dir = join(base, '1');
    mkdirSync(dir);
    // A directory where the file should be: no write works until it is gone.
    mkdirSync(logFile(dir));
    const vassal = await startVassal(t, { fixture: 'writes-a-lot', keys: { env: { LINES: '5' } }, dir });
    const { logProblem } = await vassal.until(
      'the problem',
      (state) => state.logProblem !== null && state.phase === 'ready',
    );
    assert.match(logProblem ?? '', /log cannot be written \(EISDIR.*\); lines lost: \d+$/);
    rmdirSync(logFile(dir));
    await ask(vassal.endpoint(), { path: '/line' });
    await vassal.until('the problem to be over', (state) => state.logProblem === null);
    await vassal.logged('one more line');
    await vassal.logged(/\d+ lines were lost while the log could not be written/);
  });

  it('costs nothing but its lines where the disk is full', async (t) => {
    const dir = join(tempDir(t), '1');
    mkdirSync(dir);
    // Opens like any file, and every write to it is ENOSPC.
    symlinkSync('/dev/full', logFile(dir));
    const vassal = await startVassal(t, { fixture: 'writes-a-lot', dir });
    const { logProblem, workers } = await vassal.until(
      'the problem',
      (state) => state.logProblem !== null && state.phase === 'ready',
    );
    assert.match(logProblem ?? '', /cannot be written \(ENOSPC.*\); lines lost: \d+$/);
    assert.equal((await ask(vassal.endpoint())).body, 'wrote');
    assert.equal(workers[0]?.restarts, 0);
    rmSync(logFile(dir));
    // Nothing more is written by the app: the problem is found to be over all the same.
    await vassal.until('the problem to be over', (state) => state.logProblem === null);
    await vassal.logged(/\d+ lines were lost/);
  });
});

/** Between renaming the full file and opening the next there is none for a moment. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
