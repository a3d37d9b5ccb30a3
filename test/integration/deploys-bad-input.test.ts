// What people, editors and clocks do to a directory: nothing that runs is lost by it, and nothing is left behind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startEmperor, type EmperorOptions, type EmperorProcess } from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import { gone, isAlive } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Answers with its EDIT; `/never` begins an answer that never ends. */
const server = `
module.exports = (request, response) => {
  if (request.url === '/never') { response.write('begun'); return; }
  response.end(process.env.EDIT);
};
`;

const shop = (edit: string, keys = ''): string => `app: ./server.cjs\nsettle: 0\nenv: {EDIT: "${edit}"}\n${keys}`;

async function serve(t: Scope, options: EmperorOptions = {}, keys = ''): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, {
    ...options,
    vassals: { 'server.cjs': server, 'shop.yaml': shop('first', keys) },
  });
  await emperor.appIs('shop', 'running');
  return emperor;
}

async function asked(emperor: EmperorProcess): Promise<string> {
  const { status, body } = await emperor.ask({ host: 'shop.localhost' });
  return status === 200 ? body : `failed: ${status}`;
}

/** Asks one after the other until told to stop; every answer is kept. */
class Visitor {
  readonly answers: string[] = [];
  readonly #asking: Promise<void>;
  #isAsking = true;

  constructor(t: Scope, emperor: EmperorProcess) {
    this.#asking = this.#ask(emperor);
    // Whoever asked on behind a failed test would keep the whole file from its end.
    t.after(async () => this.leave());
  }

  async leave(): Promise<readonly string[]> {
    this.#isAsking = false;
    await this.#asking;
    return this.answers;
  }

  async #ask(emperor: EmperorProcess): Promise<void> {
    while (this.#isAsking) {
      this.answers.push(await asked(emperor).catch((error: unknown) => `failed: ${String(error)}`));
    }
  }
}

describe('an app that is edited over and over', () => {
  it('50 times in a second ends with the last edit, loses no request, and leaves one generation', async (t) => {
    const emperor = await serve(t);
    const visitor = new Visitor(t, emperor);
    const base = Date.now();
    for (let edit = 1; edit <= 50; edit += 1) {
      // The edits are spread over one second: their rhythm is the input, not something that is waited for.
      await waitFor(() => Date.now() >= base + edit * 20, { what: 'the time of the next edit' });
      emperor.write('shop.yaml', shop(`edit ${edit}`));
    }
    await waitFor(() => visitor.answers.at(-1) === 'edit 50', { what: 'the last edit', timeoutMs: 30_000 });
    await waitFor(async () => (await emperor.appIs('shop', 'running')).instances.length === 1, {
      what: 'one generation to be left',
      timeoutMs: 30_000,
    });
    const answers = await visitor.leave();
    assert.deepEqual(
      answers.filter((answer) => answer.startsWith('failed')),
      [],
    );
    const order = answers.map((answer) => Number(/\d+/.exec(answer)?.[0] ?? 0));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      'no answer is older than the one before',
    );
  });
});

describe('a config file that turns into something else', () => {
  const turns: readonly [what: string, turn: (file: string) => void, undo: (file: string) => void][] = [
    [
      'a directory',
      (file) => {
        mkdirSync(file);
      },
      (file) => {
        rmdirSync(file);
      },
    ],
    [
      'a dangling symlink',
      (file) => {
        symlinkSync('nowhere', file);
      },
      (file) => {
        rmSync(file);
      },
    ],
    [
      'a FIFO',
      (file) => {
        execFileSync('mkfifo', [file]);
      },
      (file) => {
        rmSync(file);
      },
    ],
  ];
  for (const [what, turn, undo] of turns) {
    it(`such as ${what} leaves its app serving, is told as a problem, and is forgiven`, async (t) => {
      const emperor = await serve(t);
      const file = join(emperor.directory, 'shop.yaml');
      const aside = join(tempDir(t), 'aside');
      turn(aside);
      // One step, as `mv` would: there is no moment without the file. A directory cannot be renamed over a file.
      if (what === 'a directory') rmSync(file);
      renameSync(aside, file);
      await waitFor(async () => (await emperor.status()).emperor.problems.length > 0, { what: 'the problem' });
      const [problem] = (await emperor.status()).emperor.problems;
      assert.equal(problem?.file, file);
      assert.equal(await asked(emperor), 'first');
      undo(file);
      emperor.write('shop.yaml', shop('second'));
      await waitFor(async () => (await asked(emperor)) === 'second', { what: 'the mended file to be served' });
      assert.deepEqual((await emperor.status()).emperor.problems, []);
    });
  }
});

describe('a clock that jumps', () => {
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
  const isMissing = !existsSync(library) && process.env['CI'] !== 'true';
  const skip = isMissing ? `${library} is missing (Debian package faketime)` : false;

  it('a day forth and back deploys nothing, cuts nothing, and edits go on being served', { skip }, async (t) => {
    assert.ok(existsSync(library), `${library} is missing (Debian package faketime)`);
    const clock = join(tempDir(t), 'clock');
    writeFileSync(clock, '+0\n');
    const emperor = await serve(t, {
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        // As on a real machine, where setting the clock leaves the monotonic one alone.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      },
    });
    const visitor = new Visitor(t, emperor);
    const [before] = (await emperor.appIs('shop', 'running')).instances;
    for (const [offset, edit] of [
      ['+1d', 'a day later'],
      ['-1d', 'a day earlier'],
      ['+0', 'now'],
    ] as const) {
      writeFileSync(clock, `${offset}\n`);
      const asks = visitor.answers.length;
      await waitFor(() => visitor.answers.length >= asks + 20, { what: 'requests after the jump' });
      if (offset === '+1d') {
        // Who answers has its Date for up to a second.
        await waitFor(
          async () => {
            const { headers } = await emperor.ask({ host: 'shop.localhost' });
            return Date.parse(headers.date ?? '') > Date.now() + 23 * 3_600_000;
          },
          { what: 'the clock to have jumped' },
        );
        const [after] = (await emperor.appIs('shop', 'running')).instances;
        assert.deepEqual([after?.generation, after?.pid], [before?.generation, before?.pid]);
      }
      emperor.write('shop.yaml', shop(edit));
      await waitFor(() => visitor.answers.at(-1) === edit, { what: edit, timeoutMs: 20_000 });
    }
    assert.deepEqual(
      (await visitor.leave()).filter((answer) => answer.startsWith('failed')),
      [],
    );
  });
});

describe('a request that never ends', () => {
  it('keeps its old generation no longer than drain-timeout, and then nothing of that is left', async (t) => {
    const keys = 'drain-timeout: 1s\nstop-timeout: 1s\n';
    const emperor = await serve(t, {}, keys);
    const [old] = (await emperor.appIs('shop', 'running')).instances;
    const client = new RawConnection(emperor.port);
    t.after(() => {
      client.destroy();
    });
    client.write('GET /never HTTP/1.1\r\nHost: shop.localhost\r\n\r\n');
    await client.until('the beginning of its answer', (received) => received.includes('begun'));
    emperor.write('shop.yaml', shop('second', keys));
    await waitFor(async () => (await asked(emperor)) === 'second', { what: 'the new generation' });
    assert.equal(client.isEnded, false, 'the swap cuts nothing');
    await client.ended(20_000);
    for (const pid of [old?.pid ?? 0, ...(old?.workers.map((worker) => worker.pid) ?? [])]) await gone(pid);
    assert.equal(await asked(emperor), 'second');
  });
});

describe('a whole directory that is deleted', () => {
  it('keeps its apps serving, and the same processes serve when it is back', async (t) => {
    const emperor = await serve(t);
    const [before] = (await emperor.appIs('shop', 'running')).instances;
    renameSync(emperor.directory, `${emperor.directory}.aside`);
    await waitFor(async () => (await emperor.status()).emperor.problems.length > 0, { what: 'the problem' });
    assert.equal(await asked(emperor), 'first');
    renameSync(`${emperor.directory}.aside`, emperor.directory);
    await waitFor(async () => (await emperor.status()).emperor.problems.length === 0, { what: 'the directory' });
    const [after] = (await emperor.appIs('shop', 'running')).instances;
    assert.equal(after?.pid, before?.pid);
    assert.ok(isAlive(after?.pid ?? 0));
  });
});
