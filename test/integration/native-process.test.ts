import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addonUnderTest, startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { gone, isAlive, startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor, within } from '../harness/wait-for.ts';

/** The descriptor of a connection, which Node shows to nobody but itself. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

/** The number behind `name=` on a process's standard output. */
async function told(from: { readonly stdout: string; readonly stderr: string }, name: string): Promise<number> {
  const found = await waitFor(() => new RegExp(`${name}=(\\d+)\\n`).exec(from.stdout)?.[1], {
    what: `${name}= on standard output; so far ${from.stdout}${from.stderr}`,
  });
  return Number(found);
}

describe('the credentials of a peer', { skip: withoutAddon }, () => {
  it('are those of the process that connected', async (t) => {
    const path = join(tempDir(t), 'a.sock');
    const server = createServer();
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const script = 'import socket,sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)';
    const client = startProcess(t, 'python3', ['-c', script, path]);
    const connection = await within(accepted, { what: 'the client to connect' });
    assert.deepEqual(addonUnderTest().peerCredentials(descriptorOf(connection)), {
      pid: client.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    connection.destroy();
    await client.exit();
  });

  it('exist for a connected unix socket only', (t) => {
    const addon = addonUnderTest();
    const tcp = addon.listenTcp('127.0.0.1', 0, 1);
    const listening = addon.listenUnix(join(tempDir(t), 'a.sock'), 1, 0o600);
    assert.throws(() => addon.peerCredentials(tcp), { code: 'ENOTCONN', syscall: 'getsockopt' });
    addon.closeDescriptor(tcp);
    assert.throws(() => addon.peerCredentials(tcp), { code: 'EBADF' });
    addon.closeDescriptor(listening);
  });
});

describe('a subreaper', { skip: withoutAddon }, () => {
  it('adopts an orphaned grandchild, and reaps it once it has ended and not before', async (t) => {
    const subreaper = startWithAddon(
      t,
      `import { spawn } from 'node:child_process';
      addon.becomeSubreaper();
      // dash starts the grandchild in the background and ends at once: an orphan.
      const child = spawn('sh', ['-c', 'sleep 600 & echo $!'], { stdio: ['ignore', 'pipe', 'inherit'] });
      let pid = 0;
      child.stdout.once('data', (text) => { pid = Number(text); });
      child.once('exit', () => {
        console.log('orphan=' + pid);
        console.log('early=' + Number(addon.reap(pid)));
        process.kill(pid, 'SIGKILL');
        const look = () => {
          if (addon.reap(pid)) console.log('again=' + Number(addon.reap(pid)));
          else setTimeout(look, 5);
        };
        look();
      });
      setInterval(() => undefined, 1000);`,
    );
    const orphan = await told(subreaper, 'orphan');
    assert.equal(await told(subreaper, 'early'), 0, 'it runs: nothing to reap');
    assert.equal(await told(subreaper, 'again'), 0, 'it is reaped once');
    assert.equal(existsSync(`/proc/${orphan}`), false, 'no zombie is left');
  });

  it('is the parent of an orphan from the moment its parent ends', async (t) => {
    const subreaper = startWithAddon(
      t,
      `import { spawn } from 'node:child_process';
      addon.becomeSubreaper();
      spawn('sh', ['-c', 'sleep 600 & echo orphan=$!'], { stdio: ['ignore', 'inherit', 'inherit'] });
      setInterval(() => undefined, 1000);`,
    );
    const orphan = await told(subreaper, 'orphan');
    await waitFor(() => parentOf(orphan) === subreaper.pid, { what: `${orphan} to be adopted` });
    process.kill(orphan, 'SIGKILL');
    await gone(orphan);
  });
});

describe('reaping', { skip: withoutAddon }, () => {
  it('takes no exit away from a child that Node started, and does not wait for a stranger', async (t) => {
    const addon = addonUnderTest();
    const running = startProcess(t, 'sleep', ['600']);
    const ending = startProcess(t, 'sh', ['-c', 'exit 3']);
    assert.equal(addon.reap(running.pid), false, 'it runs');
    assert.equal(addon.reap(process.pid), false, 'this process is no child of its own');
    assert.deepEqual(await ending.exit(), { code: 3, signal: null });
    running.kill('SIGTERM');
    assert.deepEqual(await running.exit(), { code: null, signal: 'SIGTERM' });
  });
});

describe('a parent-death signal', { skip: withoutAddon }, () => {
  const parent = `
    import { spawn } from 'node:child_process';
    const child = [process.argv[1], '--input-type=module', '--eval', process.argv[2]];
    spawn(child[0], child.slice(1), { stdio: 'inherit' });
    setInterval(() => undefined, 1000);`;

  const childWith = (signal: number): string => `
    const { native: { addon } } = await import('${new URL('../../native/index.js', import.meta.url).href}');
    addon.setParentDeathSignal(9);
    addon.setParentDeathSignal(${signal});
    process.on('SIGUSR2', () => console.log('heard=1'));
    setInterval(() => undefined, 1000);
    console.log('child=' + process.pid);`;

  it('ends a child whose parent is killed by kill -9', async (t) => {
    const killed = startWithAddon(t, parent, { args: [process.execPath, childWith(9)] });
    const child = await told(killed, 'child');
    assert.equal(isAlive(child), true);
    process.kill(killed.pid, 'SIGKILL');
    await gone(child);
  });

  it('is the signal that was asked for last', async (t) => {
    const killed = startWithAddon(t, parent, { args: [process.execPath, childWith(12)] });
    const child = await told(killed, 'child');
    process.kill(killed.pid, 'SIGKILL');
    assert.equal(await told(killed, 'heard'), 1);
    assert.equal(isAlive(child), true);
    process.kill(child, 'SIGKILL');
    await gone(child);
  });
});
