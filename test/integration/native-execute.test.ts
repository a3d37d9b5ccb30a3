// Becoming another program under the same pid, and hearing at once of the end of a process that is not ours.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor, within } from '../harness/wait-for.ts';

describe('becoming another program', { skip: withoutAddon }, () => {
  it('keeps the pid, takes the arguments and the environment that were given, and nothing of its own', async (t) => {
    const becoming = startWithAddon(
      t,
      `addon.execute('/bin/sh', ['sh', '-c', 'echo pid=$$ one=$1 who=$WHO path=$PATH.', 'sh', 'a b'], ['WHO=me'], []);`,
    );
    assert.deepEqual(await becoming.exit(), { code: 0, signal: null }, becoming.stderr);
    // dash has a PATH of its own where the environment has none.
    assert.match(becoming.stdout, new RegExp(`^pid=${becoming.pid} one=a b who=me path=`));
    assert.ok(!becoming.stdout.includes(process.env['PATH'] ?? '?'), becoming.stdout);
  });

  it('passes the named descriptors on and closes every other, also those that were inherited', async (t) => {
    const inherited = openSync(join(tempDir(t), 'inherited'), 'w');
    t.after(() => {
      closeSync(inherited);
    });
    const becoming = startWithAddon(
      t,
      `const kept = addon.listenTcp('127.0.0.1', 0, 16);
      addon.listenTcp('127.0.0.1', 0, 16);
      console.log('kept=' + kept + ' port=' + addon.localPort(kept));
      const list = 'for fd in /proc/$$/fd/*; do echo has=\${fd##*/}; done; echo listed; exec sleep 600';
      addon.execute('/bin/sh', ['sh', '-c', list], [], [kept]);`,
      { descriptors: [inherited, inherited] },
    );
    await becoming.printed('listed');
    const [, kept = '', port = ''] = /kept=(\d+) port=(\d+)/.exec(becoming.stdout) ?? [];
    const has = [...becoming.stdout.matchAll(/has=(\d+)/g)].map(([, fd]) => fd);
    // 3 is the directory while the shell lists it.
    assert.deepEqual(new Set(has), new Set(['0', '1', '2', '3', kept]), becoming.stdout);
    // It still listens: the kernel takes the connection though nobody accepts it.
    const client = connect(Number(port), '127.0.0.1');
    await within(new Promise((resolve) => client.once('connect', resolve)), { what: 'the kept port to take a client' });
    client.destroy();
  });

  it('starts with no signal ignored or blocked', async (t) => {
    const becoming = startWithAddon(
      t,
      `process.on('SIGTERM', () => undefined);
      process.on('SIGHUP', () => undefined);
      addon.execute('/bin/sleep', ['sleep', '600'], [], []);`,
    );
    const status = (): string => readFileSync(`/proc/${becoming.pid}/status`, 'utf8');
    await waitFor(() => /^Name:\s+sleep$/m.test(status()), { what: 'the process to be sleep' });
    // Bits of TERM, HUP and PIPE, which Node ignores.
    for (const set of ['SigIgn', 'SigBlk', 'SigCgt']) {
      const bits = BigInt(`0x${new RegExp(`^${set}:\\s+([0-9a-f]+)$`, 'm').exec(status())?.[1] ?? ''}`);
      for (const signal of [1n, 13n, 15n]) assert.equal(bits & (1n << (signal - 1n)), 0n, `${set} ${signal}`);
    }
    becoming.kill('SIGTERM');
    assert.deepEqual(await becoming.exit(), { code: null, signal: 'SIGTERM' });
  });

  it('a program that is not there is an error, and the process goes on with its handlers and descriptors', async (t) => {
    const staying = startWithAddon(
      t,
      `process.on('SIGTERM', () => { console.log('heard'); process.exit(7); });
      const kept = addon.listenTcp('127.0.0.1', 0, 1);
      try { addon.execute('/nowhere/program', ['program'], [], [kept]); } catch (error) {
        console.log(error.code + ' ' + error.syscall + ' ' + addon.localPort(kept) + ' stays');
      }
      try { addon.execute('/bin/true', ['true'], [], [kept, 9999]); } catch (error) {
        console.log(error.code + ' ' + error.syscall + ' again');
      }
      const { spawn } = await import('node:child_process');
      spawn('sh', ['-c', 'ls /proc/$$/fd | grep -c "^' + kept + '$"; echo looked'], { stdio: 'inherit' });
      setInterval(() => undefined, 1000);`,
    );
    await staying.printed('looked');
    assert.match(staying.stdout, /^ENOENT execve \d+ stays\nEBADF fcntl again\n0\nlooked\n$/, 'no descriptor leaks');
    staying.kill('SIGTERM');
    assert.deepEqual(await staying.exit(), { code: 7, signal: null });
    assert.match(staying.stdout, /heard\n$/);
  });

  it('what came through it is inherited by children until that is ended', async (t) => {
    const becoming = startWithAddon(
      t,
      `const { spawnSync } = await import('node:child_process');
      // With a gap below it: Node ends inheritance itself, up to the first gap.
      const low = addon.listenTcp('127.0.0.1', 0, 16);
      const has = (fd) => spawnSync('sh', ['-c', 'test -e /proc/$$/fd/' + fd]).status === 0;
      if (process.env.KEPT === undefined) {
        const many = Array.from({ length: 40 }, () => addon.listenTcp('127.0.0.1', 0, 16));
        const kept = many.at(-1);
        const again = ['--input-type=module', '--eval', process.execArgv.at(-1)];
        // The addon may be one that a sanitizer watches (npm run test:sanitize), which has to be there before it.
        const env = Object.entries(process.env).filter(([name]) => /^(?:PATH|LD_PRELOAD|[AU].*SAN_OPTIONS)$/.test(name));
        const pairs = env.map(([name, value]) => name + '=' + value);
        addon.execute(process.execPath, ['node', ...again], ['KEPT=' + kept, ...pairs], [kept]);
      }
      const kept = Number(process.env.KEPT);
      console.log('before=' + Number(has(kept)));
      addon.setCloseOnExec(kept);
      console.log('after=' + Number(has(kept)) + ' low=' + Number(has(low)));
      console.log(addon.localPort(kept) > 0 ? 'open' : 'closed');`,
    );
    assert.deepEqual(await becoming.exit(), { code: 0, signal: null }, becoming.stderr);
    assert.match(becoming.stdout, /^before=[01]\nafter=0 low=0\nopen\n$/);
  });

  it('refuses what no program could be given', () => {
    const untyped = addonUnderTest() as unknown as { execute(...args: readonly unknown[]): unknown };
    const wrong: readonly (readonly unknown[])[] = [
      ['', [], [], []],
      ['/bin/true', 'true', [], []],
      ['/bin/true', [1], [], []],
      ['/bin/true', ['a\0b'], [], []],
      ['/bin/true', [], [null], []],
      ['/bin/true', [], [], 3],
      ['/bin/true', [], [], [2]],
    ];
    for (const args of wrong) assert.throws(() => untyped.execute(...args), { code: /^ERR_/ }, JSON.stringify(args));
  });
});

describe('watching a process', { skip: withoutAddon }, () => {
  it('tells once of the end of a process that is no child', async (t) => {
    const stranger = startProcess(t, 'sh', ['-c', 'sleep 600 & echo $!; wait']);
    await stranger.printed('\n');
    const pid = Number(stranger.stdout);
    let told = 0;
    addonUnderTest().watchProcess(pid, () => {
      told += 1;
    });
    process.kill(pid, 'SIGKILL');
    await waitFor(() => told > 0, { what: 'the end to be told' });
    await stranger.exit();
    assert.equal(told, 1);
  });

  it('leaves the exit of a child to Node', async (t) => {
    const child = startProcess(t, 'sleep', ['600']);
    let isTold = false;
    addonUnderTest().watchProcess(child.pid, () => {
      isTold = true;
    });
    child.kill('SIGTERM');
    assert.deepEqual(await child.exit(), { code: null, signal: 'SIGTERM' });
    await waitFor(() => isTold, { what: 'the end to be told' });
  });

  it('tells nothing after close, and closing twice or within the callback is fine', async (t) => {
    const child = startProcess(t, 'sleep', ['600']);
    const addon = addonUnderTest();
    const closed = addon.watchProcess(child.pid, () => {
      assert.fail('it was closed');
    });
    closed.close();
    closed.close();
    let isTold = false;
    const open = addon.watchProcess(child.pid, () => {
      open.close();
      isTold = true;
    });
    child.kill('SIGKILL');
    await waitFor(() => isTold, { what: 'the end to be told' });
    open.close();
    await child.exit();
  });

  it('does not keep the program running, and a process that is gone cannot be watched', async (t) => {
    const watching = startWithAddon(t, `addon.watchProcess(process.ppid, () => undefined);`);
    assert.deepEqual(await watching.exit(), { code: 0, signal: null });
    assert.throws(() => addonUnderTest().watchProcess(watching.pid, () => undefined), {
      code: 'ESRCH',
      syscall: 'pidfd_open',
    });
  });
});
