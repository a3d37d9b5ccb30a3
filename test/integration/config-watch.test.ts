// The alarm bell: it rings for every way a directory can change, survives the directory, and leaves nothing behind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FSWatcher } from 'chokidar';
import { watchDirectory, type DirectoryWatch, type WatchOptions } from '../../emperor/config/watch.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Bell {
  readonly watch: DirectoryWatch;
  readonly warnings: string[];
  rings: number;
}

function listen(t: TestContext, directory: string, options: Partial<WatchOptions> = {}): Bell {
  const bell: { rings: number; warnings: string[]; watch?: DirectoryWatch } = { rings: 0, warnings: [] };
  const watch = watchDirectory({
    directory,
    checkEveryMs: 20,
    onAlarm: () => {
      bell.rings += 1;
    },
    onWarning: (message) => bell.warnings.push(message),
    ...options,
  });
  t.after(() => watch.close());
  return Object.assign(bell, { watch });
}

/** Does something, and waits until the bell rings for it. */
async function expectRing(bell: Bell, what: string, change: () => void): Promise<void> {
  const before = bell.rings;
  change();
  await waitFor(() => bell.rings > before, { what: `the alarm after ${what}` });
}

/** Waits until chokidar is ready, by ringing it: what it rings for itself at its start must not pass for an alarm. */
async function settle(bell: Bell, dir: string): Promise<void> {
  await waitFor(() => bell.watch.isWatching, { what: 'the watch' });
  let turn = 0;
  let quiet = 0;
  let last = -1;
  await waitFor(
    () => {
      if (bell.rings === last) quiet += 1;
      else quiet = 0;
      last = bell.rings;
      turn += 1;
      if (bell.rings < 3) writeFileSync(join(dir, 'settle.yaml'), String(turn));
      return quiet >= 20;
    },
    { what: 'a quiet bell' },
  );
}

describe('the alarm', () => {
  it('rings for a file that is made, changed, renamed over, linked anew and removed', async (t) => {
    const dir = tempDir(t);
    const bell = listen(t, dir);
    await settle(bell, dir);
    const file = join(dir, 'a.yaml');
    await expectRing(bell, 'a new file', () => {
      writeFileSync(file, 'a');
    });
    await settle(bell, dir);
    await expectRing(bell, 'a change', () => {
      writeFileSync(file, 'b');
    });
    await settle(bell, dir);
    await expectRing(bell, 'a rename over it', () => {
      writeFileSync(join(dir, '.a.tmp'), 'c');
      renameSync(join(dir, '.a.tmp'), file);
    });
    await settle(bell, dir);
    await expectRing(bell, 'a link', () => {
      symlinkSync('a.yaml', join(dir, 'b.yaml'));
    });
    await settle(bell, dir);
    await expectRing(bell, 'a removal', () => {
      unlinkSync(file);
    });
  });

  it('rings when the directory appears, vanishes and returns, and then for its files', async (t) => {
    const base = tempDir(t);
    const dir = join(base, 'v');
    const bell = listen(t, dir);
    assert.equal(bell.watch.isWatching, false);
    await expectRing(bell, 'the directory appeared', () => {
      mkdirSync(dir);
    });
    await settle(bell, dir);
    await expectRing(bell, 'the directory vanished', () => {
      rmSync(dir, { recursive: true });
    });
    await waitFor(() => !bell.watch.isWatching, { what: 'the end of the watch' });
    await expectRing(bell, 'the directory returned', () => {
      mkdirSync(dir);
    });
    await settle(bell, dir);
    await expectRing(bell, 'a file in the new directory', () => {
      writeFileSync(join(dir, 'a.yaml'), '');
    });
  });

  it('follows the path when another directory is put in its place', async (t) => {
    const base = tempDir(t);
    const dir = join(base, 'v');
    mkdirSync(dir);
    mkdirSync(join(base, 'next'));
    const bell = listen(t, dir);
    await settle(bell, dir);
    await expectRing(bell, 'the swap', () => {
      renameSync(dir, join(base, 'old'));
      renameSync(join(base, 'next'), dir);
    });
    await settle(bell, dir);
    await expectRing(bell, 'a file in the other directory', () => {
      writeFileSync(join(dir, 'a.yaml'), '');
    });
    assert.deepEqual(bell.warnings, []);
  });

  it('is not silenced by entries that cannot be watched: loops, dangling links, FIFOs, devices', async (t) => {
    const dir = tempDir(t);
    symlinkSync('loop.yaml', join(dir, 'loop.yaml'));
    symlinkSync('gone', join(dir, 'dangling.yaml'));
    symlinkSync('/dev/zero', join(dir, 'zero.yaml'));
    execFileSync('mkfifo', [join(dir, 'fifo.yaml')]);
    const bell = listen(t, dir);
    await settle(bell, dir);
    await expectRing(bell, 'a new file', () => {
      writeFileSync(join(dir, 'a.yaml'), '');
    });
    assert.equal(bell.watch.isWatching, true);
    assert.deepEqual(bell.warnings, []);
  });

  it('rings by the clock, after one warning, where the kernel has no watches left', async (t) => {
    const dir = tempDir(t);
    const opened: FakeWatcher[] = [];
    const bell = listen(t, dir, {
      open: () => {
        const watcher = new FakeWatcher();
        opened.push(watcher);
        return watcher as unknown as FSWatcher;
      },
    });
    await waitFor(() => opened.length === 1, { what: 'the watch' });
    const error = Object.assign(new Error('no space left on device, watch'), { code: 'ENOSPC' });
    opened[0]?.emit('error', error);
    opened[0]?.emit('error', error);
    await waitFor(() => opened[0]?.isClosed === true, { what: 'the end of the watch' });
    const before = bell.rings;
    await waitFor(() => bell.rings > before + 2, { what: 'three alarms by the clock' });
    assert.equal(bell.warnings.length, 1);
    assert.match(bell.warnings[0] ?? '', /max_user_watches/);
    assert.equal(opened.length, 1);
    assert.equal(bell.watch.isWatching, false);
  });

  it('rings by the clock where the watch cannot even be opened', async (t) => {
    const bell = listen(t, tempDir(t), {
      open: () => {
        throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      },
    });
    await waitFor(() => bell.warnings.length === 1 && bell.rings > 2, { what: 'alarms by the clock' });
  });

  it('is silent after close, which may be called twice and leaves no watch open', async (t) => {
    const dir = tempDir(t);
    const watches = (): number => readdirSync('/proc/self/fd').length;
    const before = watches();
    for (let turn = 0; turn < 3; turn += 1) {
      const bell = listen(t, dir);
      await settle(bell, dir);
      await bell.watch.close();
      await bell.watch.close();
      const { rings } = bell;
      writeFileSync(join(dir, 'late.yaml'), String(turn));
      const other = listen(t, dir);
      await settle(other, dir);
      await other.watch.close();
      assert.equal(bell.rings, rings);
      assert.equal(bell.watch.isWatching, false);
    }
    // libuv keeps one inotify descriptor for the loop, whatever is watched.
    assert.ok(watches() <= before + 1, `${watches()} descriptors, ${before} before`);
  });

  it('can be closed at once', async (t) => {
    const bell = listen(t, tempDir(t));
    await bell.watch.close();
    assert.equal(bell.watch.isWatching, false);
  });
});

class FakeWatcher extends EventEmitter {
  isClosed = false;

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
