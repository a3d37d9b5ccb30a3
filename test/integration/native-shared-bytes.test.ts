import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { tempDir } from '../harness/temp-dir.ts';

describe('shared bytes', { skip: withoutAddon }, () => {
  it('are seen by another process that maps them, and outlive it', async (t) => {
    const addon = addonUnderTest();
    const { fd, bytes } = addon.createSharedBytes(5000);
    assert.deepEqual([bytes.length, bytes[0], bytes[4999]], [5000, 0, 0]);
    bytes[7] = 70;
    const child = startWithAddon(
      t,
      `const bytes = addon.mapSharedBytes(3, 5000);
      console.log('sees', bytes[7]);
      bytes[4999] = 99;
      console.log('written');
      setInterval(() => undefined, 1000);`,
      { descriptors: [fd] },
    );
    addon.closeDescriptor(fd);
    await child.printed('written');
    assert.match(child.stdout, /sees 70/);
    child.kill('SIGKILL');
    await child.exit();
    assert.equal(bytes[4999], 99);
  });

  it('can be cut short by nobody', (t) => {
    const addon = addonUnderTest();
    const { fd } = addon.createSharedBytes(100);
    t.after(() => {
      addon.closeDescriptor(fd);
    });
    assert.throws(() => openSync(`/proc/self/fd/${fd}`, 'w'), { code: 'EPERM' });
    assert.throws(() => addon.mapSharedBytes(fd, 101), { code: 'EINVAL', syscall: 'mmap' });
    assert.equal(addon.mapSharedBytes(fd, 1).length, 1);
  });

  it('are not made of a file that somebody could cut short', (t) => {
    const addon = addonUnderTest();
    const file = join(tempDir(t), 'file');
    writeFileSync(file, 'x'.repeat(100));
    const fd = openSync(file, 'r+');
    assert.throws(() => addon.mapSharedBytes(fd, 100), { code: 'EINVAL', syscall: 'fcntl' });
    closeSync(fd);
    assert.throws(() => addon.mapSharedBytes(fd, 100), { code: 'EBADF', syscall: 'fcntl' });
  });

  it('give their memory back when nobody holds them any more', async (t) => {
    const child = startWithAddon(
      t,
      `import { readFileSync } from 'node:fs';
      const maps = () => readFileSync('/proc/self/maps', 'utf8').split('emperor-shared-bytes').length - 1;
      (() => { for (let count = 0; count < 20; count++) {
        const { fd } = addon.createSharedBytes(4096);
        addon.closeDescriptor(fd);
      } })();
      const look = () => { globalThis.gc(); if (maps() === 0) console.log('all gone'); else setTimeout(look, 20); };
      look();`,
      { env: { NODE_OPTIONS: '--expose-gc' } },
    );
    await child.printed('all gone');
    assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  });
});
