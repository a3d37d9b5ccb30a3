// The directory as it really is: what a snapshot holds, what is broken, what is no file, what cannot be read.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { asUnprivileged, ConfigDirectory } from '../harness/config-directory.ts';

describe('a snapshot of a directory', () => {
  it('holds every config file by name and ignores all others', async (t) => {
    const vassals = new ConfigDirectory(t);
    for (const name of [
      'shop.yaml',
      'a.b.yml',
      'x.json',
      '.hidden.yaml',
      'shop.yaml~',
      '#shop.yaml#',
      '4913',
      'notes.txt',
    ]) {
      vassals.write(name, name === 'x.json' ? '{"app": "server"}' : 'app: server');
    }
    assert.deepEqual(await vassals.states(), { 'a.b': 'valid', shop: 'valid', x: 'valid' });
    assert.deepEqual(vassals.problems(), []);
    assert.deepEqual(vassals.spec('a.b').domains, ['a.b']);
    assert.equal(vassals.last?.rescanAfterMs, null);
  });

  it('of an empty directory is empty and has no problem', async (t) => {
    const vassals = new ConfigDirectory(t);
    assert.deepEqual(await vassals.states(), {});
    assert.equal(vassals.last?.directoryProblem, null);
  });

  it('reads again only what changed, and all where the defaults change', async (t) => {
    const vassals = new ConfigDirectory(t);
    for (const name of ['a.yaml', 'b.yaml']) vassals.write(name);
    // ctime cannot be set back, and a file that was written a moment before it is read is not trusted.
    vassals.nowMs = Date.now() + 1000;
    const first = await vassals.scan();
    vassals.write('b.yaml', 'app: server\nqueue: 1');
    vassals.nowMs += 1000;
    const second = await vassals.scan();
    assert.equal(second.memory.readings.get('a.yaml'), first.memory.readings.get('a.yaml'));
    assert.notEqual(second.memory.readings.get('b.yaml'), first.memory.readings.get('b.yaml'));
    assert.equal(vassals.spec('b').queue, 1);
    await vassals.scan({ defaults: { processes: 7 } });
    assert.equal(vassals.spec('a').processes, 7);
  });

  it('notices a change that keeps size and mtime', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('a.yaml', 'app: server\nqueue: 1', 60);
    await vassals.scan();
    vassals.write('a.yaml', 'app: server\nqueue: 2', 60);
    await vassals.scan();
    assert.equal(vassals.spec('a').queue, 2);
  });

  it('tells a touch from a change: another mtime, the same contents and the same digest', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('a.yaml', 'app: server', 60);
    await vassals.scan();
    const before = vassals.file('a');
    vassals.age('a.yaml', 30);
    await vassals.scan();
    const touched = vassals.file('a');
    assert.ok(before.state === 'valid' && touched.state === 'valid');
    assert.notEqual(touched.stamp.mtimeMs, before.stamp.mtimeMs);
    assert.equal(touched.stamp.contentDigest, before.stamp.contentDigest);
    assert.equal(touched.digest, before.digest);
    vassals.write('a.yaml', '# a comment\napp: server');
    await vassals.scan();
    const commented = vassals.file('a');
    assert.ok(commented.state === 'valid');
    assert.notEqual(commented.stamp.contentDigest, before.stamp.contentDigest);
    assert.equal(commented.digest, before.digest);
  });

  it('of 1,000 files is taken, and taken again without reading them', async (t) => {
    const vassals = new ConfigDirectory(t);
    for (let index = 0; index < 1000; index += 1) vassals.write(`app-${index}.yaml`);
    vassals.nowMs = Date.now() + 1000;
    const first = await vassals.scan();
    assert.equal(first.files.size, 1000);
    assert.deepEqual(vassals.problems(), []);
    const second = await vassals.scan();
    for (const [name, reading] of second.memory.readings) assert.equal(reading, first.memory.readings.get(name));
  });

  it('does not need to end in file descriptors', async (t) => {
    const vassals = new ConfigDirectory(t);
    for (let index = 0; index < 50; index += 1)
      vassals.write(`app-${index}.yaml`, index % 2 === 0 ? 'app: server' : '\0');
    const open = (): number => readdirSync('/proc/self/fd').length;
    await vassals.scan();
    const before = open();
    for (let turn = 0; turn < 5; turn += 1) await vassals.scan({ previous: undefined });
    assert.equal(open(), before);
  });
});

describe('a broken file', () => {
  it('is invalid with its place, and keeps its last good spec', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 3');
    await vassals.scan();
    vassals.write('shop.yaml', 'app: server\nqueue: many');
    assert.deepEqual(await vassals.states(), { shop: 'invalid' });
    assert.deepEqual(vassals.problems(), [
      'shop.yaml:2:8 queue: expected a whole number from 0 to 1000000, got "many"',
    ]);
    assert.equal(vassals.file('shop').lastGood?.spec.queue, 3);
    await vassals.scan();
    assert.equal(vassals.file('shop').lastGood?.spec.queue, 3);
  });

  it('is valid once what it names is there, though the file itself did not change', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: late.js', 60);
    assert.deepEqual(await vassals.states(), { shop: 'invalid' });
    vassals.write('late.js', '');
    assert.deepEqual(await vassals.states(), { shop: 'valid' });
  });

  it('of 5 MB is refused by its size', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('big.yaml', '');
    truncateSync(vassals.path('big.yaml'), 5 * 1024 * 1024);
    assert.deepEqual(await vassals.states(), { big: 'invalid' });
    assert.deepEqual(vassals.problems(), ['big.yaml the file is too large: 5.0 MB, and at most 256 KB are read']);
  });

  it('of 256 KB is read, and of one byte more is not', async (t) => {
    const vassals = new ConfigDirectory(t);
    const text = 'app: server\n#';
    vassals.write('fits.yaml', text.padEnd(256 * 1024, '#'));
    vassals.write('more.yaml', text.padEnd(256 * 1024 + 1, '#'));
    assert.deepEqual(await vassals.states(), { fits: 'valid', more: 'invalid' });
  });

  it('of binary rubbish is refused in plain words', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('bin.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]));
    await vassals.scan();
    assert.deepEqual(vassals.problems(), [
      'bin.yaml:1:1 expected text, got a control character (byte 0x7f): the file looks binary',
    ]);
  });

  it('of a name that cannot be served is a problem', async (t) => {
    const vassals = new ConfigDirectory(t);
    const long = `${'n'.repeat(100)}.yaml`;
    for (const name of ['my shop.yaml', 'bücher.yaml', 'a..b.yaml', long]) vassals.write(name);
    const states = await vassals.states();
    assert.deepEqual(new Set(Object.values(states)), new Set(['invalid']));
    assert.equal(vassals.problems().length, 4);
    assert.ok(vassals.problems().some((problem) => problem.includes('bytes too long')));
  });
});

describe('something that is no file but is called x.yaml', () => {
  it('is a problem and never a hang: a directory, a FIFO, a socket, a dangling link, a loop, a device', async (t) => {
    const vassals = new ConfigDirectory(t);
    mkdirSync(vassals.path('dir.yaml'));
    execFileSync('mkfifo', [vassals.path('fifo.yaml')]);
    const server = createServer();
    t.after(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => server.listen(vassals.path('socket.yaml'), resolve));
    symlinkSync('gone', vassals.path('dangling.yaml'));
    symlinkSync('loop.yaml', vassals.path('loop.yaml'));
    symlinkSync('/dev/zero', vassals.path('zero.yaml'));
    vassals.write('good.yaml');
    await vassals.scan();
    assert.deepEqual(vassals.problems(), [
      'dangling.yaml the link points to gone, which does not exist',
      'dir.yaml expected a regular file, got a directory',
      'fifo.yaml expected a regular file, got a FIFO',
      'loop.yaml the link leads back to itself',
      'socket.yaml expected a regular file, got a socket',
      'zero.yaml expected a regular file, got a device',
    ]);
    assert.equal(vassals.file('good').state, 'valid');
  });
});

describe('what cannot be read', () => {
  it('leaves everything as it was: the directory vanishes, is a file, and returns', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml');
    vassals.write('bad.yaml', 'app:');
    const first = await vassals.scan();
    renameSync(vassals.dir, `${vassals.dir}2`);
    const missing = await vassals.scan();
    assert.match(missing.directoryProblem?.message ?? '', /does not exist/);
    assert.deepEqual([...missing.files], [...first.files]);
    assert.equal(missing.problems.length, 2);
    assert.equal(missing.problems[0], missing.directoryProblem);
    writeFileSync(vassals.dir, '');
    const file = await vassals.scan();
    assert.match(file.directoryProblem?.message ?? '', /expected a directory, got a file/);
    assert.equal(file.problems.length, 2);
    assert.equal(file.files.size, 2);
    rmSync(vassals.dir);
    renameSync(`${vassals.dir}2`, vassals.dir);
    const back = await vassals.scan();
    assert.equal(back.directoryProblem, null);
    assert.deepEqual([...back.files.keys()], ['bad', 'shop']);
    assert.equal(back.problems.length, 1);
  });

  it('a directory that is missing from the start has no files, and a problem', async (t) => {
    const vassals = new ConfigDirectory(t);
    const snapshot = await vassals.scan({ directory: join(vassals.base, 'gone') });
    assert.match(snapshot.directoryProblem?.message ?? '', /does not exist/);
    assert.equal(snapshot.files.size, 0);
  });

  it('a file without permission is unreadable, and is read once it may be', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml', 'app: server\nqueue: 4');
    await vassals.scan();
    chmodSync(vassals.path('shop.yaml'), 0);
    await asUnprivileged(vassals.base, async () => {
      assert.deepEqual(await vassals.states(), { shop: 'unreadable' });
    });
    assert.equal(vassals.file('shop').lastGood?.spec.queue, 4);
    assert.deepEqual(vassals.problems(), ['shop.yaml the file cannot be read: permission denied']);
    chmodSync(vassals.path('shop.yaml'), 0o644);
    assert.deepEqual(await vassals.states(), { shop: 'valid' });
  });

  it('a file on a faulty disk is unreadable', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml');
    await vassals.scan();
    // Reading a process's memory at address 0 fails with EIO, as a faulty disk does.
    rmSync(vassals.path('shop.yaml'));
    symlinkSync('/proc/self/mem', vassals.path('shop.yaml'));
    assert.deepEqual(await vassals.states(), { shop: 'unreadable' });
    assert.match(vassals.problems()[0] ?? '', /cannot be read: EIO/);
    assert.equal(vassals.file('shop').lastGood?.spec.queue, 128);
  });

  it('a directory without permission keeps all', async (t) => {
    const vassals = new ConfigDirectory(t);
    vassals.write('shop.yaml');
    await vassals.scan();
    chmodSync(vassals.dir, 0);
    try {
      await asUnprivileged(vassals.base, async () => {
        const snapshot = await vassals.scan();
        assert.match(snapshot.directoryProblem?.message ?? '', /permission denied/);
        assert.deepEqual([...snapshot.files.keys()], ['shop']);
      });
    } finally {
      chmodSync(vassals.dir, 0o755);
    }
  });
});
