import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import type { VassalHello } from '../../lib/vassal-messages.ts';
import { ask, RawConnection } from '../harness/http-client.ts';
import { descendantsOf, gone, isAlive } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const ended = { code: 0, signal: null };

describe('stopping a vassal', () => {
  for (const how of ['stop', 'SIGTERM', 'SIGINT'] as const) {
    it(`by ${how} ends every worker, removes the sockets and exits with 0`, async (t) => {
      const vassal = await startVassal(t, { fixture: 'hello', keys: { processes: 2 } });
      await vassal.ready();
      const pids = [vassal.pid(1), vassal.pid(2)];
      if (how === 'stop') vassal.stop();
      else vassal.process.kill(how);
      assert.deepEqual(await vassal.process.exit(), ended);
      assert.deepEqual(pids.filter(isAlive), []);
      assert.equal(existsSync(appSocket(vassal.dir)), false);
      assert.equal(vassal.state?.phase, 'stopping');
      assert.deepEqual(vassal.state.workers, []);
    });
  }

  it('before it was told what to run exits with 0', async (t) => {
    const vassal = await startVassal(t, { fixture: 'slow', keys: { app: './server.js' } });
    vassal.process.kill('SIGTERM');
    assert.deepEqual(await vassal.process.exit(), ended);
  });

  it('lets a request that runs be answered in full', async (t) => {
    const vassal = await startVassal(t, { fixture: 'slow' });
    await vassal.ready();
    for (const endpoint of [vassal.endpoint(), appSocket(vassal.dir)]) {
      const connection = new RawConnection(endpoint);
      t.after(() => {
        connection.destroy();
      });
      connection.write('GET /?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n');
      await connection.until('the first half', (received) => received.includes('begun,'));
      if (endpoint === appSocket(vassal.dir)) vassal.stop();
      await connection.until('the second half', (received) => received.includes('done'));
    }
    assert.deepEqual(await vassal.process.exit(), ended);
  });

  it('does not wait for connections that are idle', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello', keys: { 'stop-timeout': '1h' } });
    await vassal.ready();
    const connection = new RawConnection(vassal.endpoint());
    connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.until('an answer', (received) => received.includes('\r\n\r\n'));
    vassal.stop();
    await connection.ended();
    assert.deepEqual(await vassal.process.exit(), ended);
  });

  it('kills a worker that ignores the stop signal after stop-timeout', async (t) => {
    const vassal = await startVassal(t, { fixture: 'ignores-term', keys: { 'stop-timeout': '300ms' } });
    await vassal.ready();
    const pid = vassal.pid();
    vassal.stop();
    await vassal.logged('TERM ignored');
    assert.deepEqual(await vassal.process.exit(), ended);
    assert.equal(isAlive(pid), false);
    assert.match(vassal.process.stderr, /did not end within stop-timeout/);
  });

  it('sends the configured stop signal, be it KILL', async (t) => {
    const keys = { 'stop-signal': 'KILL', 'stop-timeout': '1h' };
    const vassal = await startVassal(t, { fixture: 'ignores-term', keys });
    await vassal.ready();
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), ended);
    assert.doesNotMatch(JSON.stringify(vassal.log()), /TERM ignored/);
  });

  it('respects the app that handles the signal itself, down to its close callback', async (t) => {
    const vassal = await startVassal(t, { fixture: 'own-sigterm' });
    await vassal.ready();
    const connection = new RawConnection(vassal.endpoint());
    connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.until('the first half', (received) => received.includes('begun,'));
    vassal.stop();
    await connection.until('the second half', (received) => received.includes('done'));
    await vassal.logged('own handler is done');
    assert.deepEqual(await vassal.process.exit(), ended);
    connection.destroy();
    assert.match(vassal.process.stderr, /"exit":"exit code 7"/);
  });

  it('ends what workers left behind: children that ignore the signal, and daemons without a parent', async (t) => {
    const vassal = await startVassal(t, { fixture: 'forks-children', keys: { 'stop-timeout': '500ms' } });
    await vassal.ready();
    await waitFor(() => descendantsOf(vassal.process.pid).length >= 6, { what: 'all the children' });
    const pids = descendantsOf(vassal.process.pid);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), ended);
    assert.deepEqual(pids.filter(isAlive), []);
  });
});

describe('a worker that dies', () => {
  it('is replaced at once under its own id, on its own socket, and requests wait for that', async (t) => {
    const vassal = await startVassal(t, { fixture: 'crashes-after-n', keys: { env: { N: '1' } } });
    await vassal.ready();
    const first = (await ask(vassal.endpoint())).body;
    await assert.rejects(ask(vassal.endpoint()), /hang up|ECONNRESET/);
    // The socket was never closed: this one waits in its queue for the next process.
    const second = (await ask(vassal.endpoint())).body;
    assert.notEqual(second, first);
    const { workers, phase } = await vassal.until('the respawn', (state) => state.workers[0]?.state === 'ready');
    assert.equal(phase, 'ready');
    assert.deepEqual(
      workers.map(({ id, pid, restarts, lastExit }) => ({ id, pid, restarts, lastExit })),
      [{ id: 1, pid: Number(second), restarts: 1, lastExit: 'exit code 1' }],
    );
    await vassal.logged('Error: crash on purpose');
    await vassal.logged('worker 1 ended with exit code 1');
  });

  it('again and again waits longer each time, and the others go on', async (t) => {
    const vassal = await startVassal(t, { fixture: 'crashes-after-n', keys: { processes: 2, env: { N: '0' } } });
    await vassal.ready();
    const spared = vassal.pid(2);
    await assert.rejects(ask(vassal.socket(1)));
    await vassal.until(
      'the first respawn',
      ({ workers }) => workers[0]?.restarts === 1 && workers[0].state === 'ready',
    );
    await assert.rejects(ask(vassal.socket(1)));
    await vassal.until('backoff', ({ workers }) => workers[0]?.state === 'backoff' && workers[0].pid === null);
    await vassal.until('the second respawn', ({ workers }) => workers[0]?.restarts === 2);
    assert.equal(vassal.pid(2), spared);
    const delays = [...vassal.process.stderr.matchAll(/"exit":"exit code 1","delayMs":(\d+)/g)].map(
      Number.call,
      Number,
    );
    assert.equal(delays.length, 2);
  });

  it('by KILL leaves no child of its own behind, and is replaced', async (t) => {
    const vassal = await startVassal(t, { fixture: 'forks-children' });
    await vassal.ready();
    await waitFor(() => descendantsOf(vassal.process.pid).length >= 6, { what: 'all the children' });
    const before = descendantsOf(vassal.process.pid);
    await assert.rejects(ask(vassal.endpoint(), { path: '/die' }));
    for (const pid of before) await gone(pid);
    await vassal.until('the respawn', ({ workers }) => workers[0]?.state === 'ready' && workers[0].restarts === 1);
  });

  it('and hangs when it is started again is ended after ready-timeout and tried once more', async (t) => {
    const keys = { 'ready-timeout': '1s', env: { COUNT_FILE: join(tempDir(t), 'count') } };
    const vassal = await startVassal(t, { fixture: 'hangs-when-restarted', keys });
    await vassal.ready();
    await assert.rejects(ask(vassal.endpoint(), { path: '/die' }));
    await vassal.until('the third start', ({ workers }) => workers[0]?.state === 'ready' && workers[0].restarts === 2);
    assert.equal((await ask(vassal.endpoint())).body, 'start 3');
    await vassal.logged('not ready within ready-timeout: the app ');
  });

  it('while it is being respawned does not keep the vassal from stopping', async (t) => {
    const vassal = await startVassal(t, { fixture: 'crashes-after-n', keys: { env: { N: '0' } } });
    await vassal.ready();
    await assert.rejects(ask(vassal.socket(1)));
    await vassal.until(
      'the first respawn',
      ({ workers }) => workers[0]?.restarts === 1 && workers[0].state === 'ready',
    );
    await assert.rejects(ask(vassal.socket(1)));
    await vassal.until('backoff', ({ workers }) => workers[0]?.state === 'backoff');
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), ended);
  });
});

describe('a vassal whose emperor is gone', () => {
  it('goes on, dials again and tells what it runs', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello' });
    const before = await vassal.ready();
    vassal.connection.destroy();
    assert.equal((await ask(vassal.endpoint())).status, 200);
    const again = await vassal.control.child(1);
    const hello = again.messages[0] as unknown as VassalHello;
    assert.equal(hello.role, 'vassal');
    assert.equal(hello.pid, vassal.process.pid);
    assert.deepEqual(hello.running?.state, before);
    assert.equal(hello.running.digest, 'digest');
    assert.equal(hello.running.spec.app, './server.js');
    again.send({ type: 'stop' });
    assert.deepEqual(await vassal.process.exit(), ended);
  });

  it('is told to start again and does nothing twice', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello' });
    await vassal.ready();
    const pid = vassal.pid();
    vassal.connection.destroy();
    const again = await vassal.control.child(1);
    const { running } = again.messages[0] as unknown as VassalHello;
    const start = { spec: running?.spec, digest: 'digest', dir: vassal.dir, processes: 1, registrations: [] };
    again.send({ type: 'start', ...start });
    again.send({ type: 'nonsense' });
    assert.equal((JSON.parse((await ask(vassal.endpoint())).body) as { pid: number }).pid, pid);
    assert.equal(descendantsOf(vassal.process.pid).length, 1);
  });

  it('and that dies itself takes its workers along, blocked ones and commands too', async (t) => {
    const node = await startVassal(t, { fixture: 'blocks-for-ever', keys: { processes: 2 } });
    const command = await startVassal(t, { fixture: 'python-port', keys: { command: ['python3', 'server.py'] } });
    await node.ready();
    await command.ready();
    await ask(node.endpoint(1));
    for (const vassal of [node, command]) {
      const pids = vassal.state?.workers.map(({ pid }) => pid ?? 0) ?? [];
      vassal.process.kill('SIGKILL');
      for (const pid of pids) await gone(pid);
    }
  });
});
