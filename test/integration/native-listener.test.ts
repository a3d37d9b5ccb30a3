import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePorts } from '../harness/free-ports.ts';
import { ask } from '../harness/http-client.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount, startProcess } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { within } from '../harness/wait-for.ts';

const serve = `
  import { createServer } from 'node:http';
  createServer((request, response) => response.end(String(process.pid))).listen({ fd: 3 }, () => console.log('serving'));
`;

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** The error of Node's own server for the same address. */
async function errorOfNode(options: { host: string; port: number } | { path: string }): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    createServer().once('error', resolve).listen(options);
  });
}

/** Resolves with undefined when connected, else with the error's code. */
async function connectError(options: { host: string; port: number } | { path: string }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(options);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
}

function errorOf(call: () => unknown): NodeJS.ErrnoException {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail('it throws');
}

describe('a socket that listens before anybody accepts', { skip: withoutAddon }, () => {
  it('keeps a request waiting for the worker that is started after it, and for the one after that', async (t) => {
    const addon = addonUnderTest();
    const fd = addon.listenTcp('127.0.0.1', 0, 16);
    t.after(() => {
      addon.closeDescriptor(fd);
    });
    const port = addon.localPort(fd);

    const first = ask(port);
    assert.equal(await connectError({ host: '127.0.0.1', port }), undefined);
    const worker = startProcess(t, process.execPath, ['--input-type=module', '--eval', serve], { descriptors: [fd] });
    assert.equal((await first).body, String(worker.pid));

    worker.kill('SIGKILL');
    await worker.exit();
    const second = ask(port);
    const next = startProcess(t, process.execPath, ['--input-type=module', '--eval', serve], { descriptors: [fd] });
    assert.equal((await second).body, String(next.pid));
  });

  it('does so on a unix socket too', async (t) => {
    const addon = addonUnderTest();
    const path = join(tempDir(t), 'app.sock');
    const fd = addon.listenUnix(path, 16, 0o600);
    t.after(() => {
      addon.closeDescriptor(fd);
    });
    const answer = ask(path);
    const worker = startProcess(t, process.execPath, ['--input-type=module', '--eval', serve], { descriptors: [fd] });
    assert.equal((await answer).body, String(worker.pid));
  });

  it('does not wait for a connection until it is made blocking, for a program that expects that', async (t) => {
    const addon = addonUnderTest();
    const path = join(tempDir(t), 'app.sock');
    const fd = addon.listenUnix(path, 16, 0o600);
    t.after(() => {
      addon.closeDescriptor(fd);
    });
    // socket.accept would poll by itself; os-level accept shows what the descriptor does.
    const accept = 'import socket,_socket; fd, _ = _socket.socket(fileno=3)._accept(); print("accepted")';
    const impatient = startProcess(t, 'python3', ['-c', accept], { descriptors: [fd] });
    assert.equal((await impatient.exit()).code, 1);
    assert.match(impatient.stderr, /BlockingIOError/);

    addon.setBlocking(fd);
    const patient = startProcess(t, 'python3', ['-c', `print("waiting", flush=True); ${accept}`], {
      descriptors: [fd],
    });
    await patient.printed('waiting');
    assert.equal(await connectError({ path }), undefined);
    assert.deepEqual(await patient.exit(), { code: 0, signal: null }, patient.stderr);
    assert.match(patient.stdout, /accepted/);
  });

  it('reports a taken port in the very words of Node', async () => {
    const addon = addonUnderTest();
    for (const host of hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
      const fd = addon.listenTcp(host, 0, 1);
      const port = addon.localPort(fd);
      const ours = errorOf(() => addon.listenTcp(host, port, 1));
      const theirs = await errorOfNode({ host, port });
      addon.closeDescriptor(fd);
      assert.equal(ours.message, theirs.message);
      assert.deepEqual({ ...ours }, { ...theirs });
    }
  });

  it('reports an address that is not of this machine', () => {
    const error = errorOf(() => addonUnderTest().listenTcp('192.0.2.1', 0, 1));
    assert.equal(error.code, 'EADDRNOTAVAIL');
    assert.equal(error.syscall, 'listen');
  });

  it('takes IPv4 and IPv6 on ::, and nothing but its own address elsewhere', { skip: !hasIpv6 }, async () => {
    const addon = addonUnderTest();
    const every = addon.listenTcp('::', 0, 4);
    const port = addon.localPort(every);
    assert.equal(await connectError({ host: '127.0.0.1', port }), undefined);
    assert.equal(await connectError({ host: '::1', port }), undefined);
    addon.closeDescriptor(every);

    // One that nobody else can have on IPv4 in the meantime.
    const [other = 0] = await freePorts(1);
    const loopback = addon.listenTcp('::1', other, 4);
    assert.equal(await connectError({ host: '::1', port: other }), undefined);
    assert.equal(await connectError({ host: '127.0.0.1', port: other }), 'ECONNREFUSED');
    addon.closeDescriptor(loopback);
  });

  it('can have its port again at once, though old connections linger', async () => {
    const addon = addonUnderTest();
    const fd = addon.listenTcp('127.0.0.1', 0, 4);
    const port = addon.localPort(fd);
    const server = createServer((socket) => {
      // The side that closes first is the one whose address lingers in TIME_WAIT.
      socket.end();
    }).listen({ fd });
    await new Promise<void>((resolve) => {
      connect(port, '127.0.0.1').resume().once('close', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    addon.closeDescriptor(addon.listenTcp('127.0.0.1', port, 4));
  });

  it('gives a socket file exactly its mode, whatever the umask', (t) => {
    const addon = addonUnderTest();
    const directory = tempDir(t);
    const previous = process.umask(0o077);
    t.after(() => {
      process.umask(previous);
    });
    for (const [umask, mode] of [
      [0o077, 0o666],
      [0o000, 0o600],
      [0o777, 0o770],
      [0o022, 0o000],
    ] as const) {
      process.umask(umask);
      const path = join(directory, `${mode}.sock`);
      addon.closeDescriptor(addon.listenUnix(path, 1, mode));
      assert.equal(lstatSync(path).mode & 0o7777, mode);
      assert.ok(lstatSync(path).isSocket());
    }
  });

  it('never replaces a file that is there', async (t) => {
    const addon = addonUnderTest();
    const directory = tempDir(t);
    const file = join(directory, 'precious');
    writeFileSync(file, 'text');
    const overFile = errorOf(() => addon.listenUnix(file, 1, 0o600));
    assert.equal(readFileSync(file, 'utf8'), 'text');
    const theirs = await errorOfNode({ path: file });
    assert.equal(overFile.message, theirs.message);
    assert.deepEqual({ code: overFile.code, errno: overFile.errno }, { code: 'EADDRINUSE', errno: theirs.errno });

    const path = join(directory, 'live.sock');
    const live = addon.listenUnix(path, 4, 0o600);
    assert.throws(() => addon.listenUnix(path, 4, 0o600), { code: 'EADDRINUSE', syscall: 'listen', address: path });
    assert.equal(await connectError({ path }), undefined);
    addon.closeDescriptor(live);
    assert.equal(existsSync(path), true);
  });

  it('does not leak into a program that is started beside it', (t) => {
    const addon = addonUnderTest();
    const path = join(tempDir(t), 'a.sock');
    const fds = [addon.listenTcp('127.0.0.1', 0, 1), addon.listenUnix(path, 1, 0o600), ...addon.socketPair()];
    const links = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
    for (const fd of fds) {
      const socket = readlinkSync(`/proc/self/fd/${fd}`);
      assert.match(socket, /^socket:/);
      assert.ok(!links.includes(socket), `descriptor ${fd} is not inherited`);
      addon.closeDescriptor(fd);
    }
  });

  it('has a port only if it is TCP', (t) => {
    const addon = addonUnderTest();
    const fd = addon.listenUnix(join(tempDir(t), 'a.sock'), 1, 0o600);
    assert.throws(() => addon.localPort(fd), { code: 'EAFNOSUPPORT', syscall: 'getsockname' });
    addon.closeDescriptor(fd);
    assert.throws(() => addon.localPort(fd), { code: 'EBADF', errno: -9, syscall: 'getsockname' });
    assert.throws(
      () => {
        addon.closeDescriptor(fd);
      },
      { code: 'EBADF', syscall: 'close', message: 'close EBADF: bad file descriptor' },
    );
  });

  it('costs no descriptor and no file when it fails', async (t) => {
    const addon = addonUnderTest();
    const directory = tempDir(t);
    const taken = addon.listenTcp('127.0.0.1', 0, 1);
    const port = addon.localPort(taken);
    const before = descriptorCount(process.pid);
    for (let round = 0; round < 50; round++) {
      assert.throws(() => addon.listenTcp('127.0.0.1', port, 1), { code: 'EADDRINUSE' });
      assert.throws(() => addon.listenUnix(join(directory, 'missing', 'a.sock'), 1, 0o600), { code: 'ENOENT' });
      addon.closeDescriptor(addon.listenTcp('127.0.0.1', 0, 1));
    }
    assert.equal(descriptorCount(process.pid), before);
    addon.closeDescriptor(taken);
    await within(connectError({ host: '127.0.0.1', port }), { what: 'the closed port to refuse' });
    assert.equal(existsSync(join(directory, 'missing')), false);
  });
});
