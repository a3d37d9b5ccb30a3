import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import { ask } from '../harness/http-client.ts';
import { descendantsOf, isAlive, startProcess } from '../harness/processes.ts';
import { startVassal } from '../harness/vassal-process.ts';

const python = ['python3', 'server.py'];

describe('a command', () => {
  it('that serves on PORT is ready when its port accepts, each worker on a port of its own', async (t) => {
    const vassal = await startVassal(t, { fixture: 'python-port', keys: { command: python, processes: 2 } });
    const { readyBy, workers } = await vassal.ready();
    assert.equal(readyBy, 'listen');
    assert.match(workers[0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
    assert.notEqual(workers[0]?.address, workers[1]?.address);
    for (const worker of [1, 2]) {
      const port = vassal.endpoint(worker);
      const { body } = await ask(port);
      assert.equal(body, `python on ${port} pid ${vassal.pid(worker)} worker ${worker}`);
    }
  });

  it('that takes LISTEN_FDS is ready when it answers there; LISTEN_PID is its own pid', async (t) => {
    const vassal = await startVassal(t, { fixture: 'python-listen-fds', keys: { command: python } });
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'listen');
    assert.equal(vassal.endpoint(), vassal.socket());
    assert.equal((await ask(vassal.endpoint())).body, `worker socket, pid ${vassal.pid()}`);
    assert.equal((await ask(appSocket(vassal.dir))).body, `app socket, pid ${vassal.pid()}`);
  });

  it('written as one line of text runs without a shell in between', async (t) => {
    const vassal = await startVassal(t, { fixture: 'python-listen-fds', keys: { command: 'python3 server.py' } });
    await vassal.ready();
    assert.deepEqual(descendantsOf(vassal.process.pid), [vassal.pid()]);
  });

  it('written as a shell script is stopped as a whole', async (t) => {
    const command = 'echo starting; python3 server.py && echo never';
    const vassal = await startVassal(t, { fixture: 'python-port', keys: { command, 'stop-timeout': '1h' } });
    await vassal.ready();
    const pids = descendantsOf(vassal.process.pid);
    assert.equal(pids.length, 2);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('that says READY=1 is ready then, whatever else it says', async (t) => {
    const vassal = await startVassal(t, { fixture: 'notify-ready', keys: { command: python } });
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'notify');
    assert.equal((await ask(vassal.endpoint())).body, 'notified');
  });

  it('whose child says READY=1 is ready; a stranger saying it for it is not heard', async (t) => {
    const command = 'sleep 0.5; python3 -c "$SAY"; sleep 600';
    const say = `import os,socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])`;
    const vassal = await startVassal(t, { fixture: 'hello', keys: { command, env: { SAY: say } } });
    await vassal.until('the worker', ({ workers }) => workers[0]?.pid !== null && workers[0]?.pid !== undefined);
    const env = { NOTIFY_SOCKET: `${vassal.dir}/notify.sock` };
    const stranger = startProcess(t, 'python3', ['-c', `${say}; input()`], { env });
    await stranger.exited;
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'notify');
    assert.match(vassal.process.stderr, /READY=1 of a process that is none of ours is ignored/);
  });

  it('that found its port taken is started on another one', async (t) => {
    const command = `if [ -e "$FLAG" ]; then exec python3 server.py; fi; touch "$FLAG"; echo "[Errno 98] Address already in use"; exit 1`;
    const { tempDir } = await import('../harness/temp-dir.ts');
    const env = { FLAG: `${tempDir(t)}/flag` };
    const vassal = await startVassal(t, { fixture: 'python-port', keys: { command, env } });
    const { workers } = await vassal.ready();
    assert.equal(workers[0]?.restarts, 1);
    assert.equal((await ask(vassal.endpoint())).status, 200);
  });

  it('that insists on a port that is taken fails in the end', async (t) => {
    const command = 'echo "Error: listen EADDRINUSE: address already in use :::80" >&2; exit 1';
    const vassal = await startVassal(t, { fixture: 'hello', keys: { command } });
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.equal(failure?.message, 'worker 1 ended with exit code 1 before it was ready');
    assert.equal(failure.log.length, 4);
  });

  it('that serves nowhere is not ready, and the log names its port', async (t) => {
    const keys = { command: 'sleep 600', 'ready-timeout': '300ms' };
    const vassal = await startVassal(t, { fixture: 'hello', keys });
    await vassal.logged(
      /not ready after 300 ms: nothing accepts connections on its PORT \d+, nobody answers on the socket/,
    );
  });
});

describe('a health-check', () => {
  it('must answer 2xx or 3xx before a worker is ready', async (t) => {
    const keys = { 'health-check': '/up' };
    const vassal = await startVassal(t, { fixture: 'answers-503-first', keys });
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'health-check');
    assert.equal((await ask(vassal.endpoint())).body, 'looked 3 times');
  });

  it('of a command is tried on its port and on its socket', async (t) => {
    const keys = { 'health-check': '/', command: python };
    const onPort = await startVassal(t, { fixture: 'python-port', keys });
    const onSocket = await startVassal(t, { fixture: 'python-listen-fds', keys });
    assert.equal((await onPort.ready()).readyBy, 'health-check');
    assert.equal(typeof onPort.endpoint(), 'number');
    assert.equal((await onSocket.ready()).readyBy, 'health-check');
    assert.equal(onSocket.endpoint(), onSocket.socket());
  });

  it('that never succeeds keeps the worker from being ready, and the log says what it answered', async (t) => {
    // Told once, at its time: by then the app must have been loaded, also on a loaded machine.
    const keys = { 'health-check': { path: '/throws', timeout: '1s' }, app: './server.mjs', 'ready-timeout': '4s' };
    const vassal = await startVassal(t, { fixture: 'fetch-handler', keys });
    await vassal.logged(/its health-check GET \/throws has not been answered .* \(last attempt: it answered 500\)/);
    assert.equal(vassal.state?.phase, 'starting');
  });
});
