// Backends that somebody else runs: here servers of the test itself.
import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { readdirSync, rmSync } from 'node:fs';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { workerExit } from '../../lib/exit-codes.ts';
import type { Registration, VassalHello, VassalState, WorkerState } from '../../lib/vassal-messages.ts';
import { freePorts } from '../harness/free-ports.ts';
import { descendantsOf } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal, type VassalProcess, type VassalSetup } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A backend that can go away and come back in the same place. */
class TestBackend {
  readonly path: string;
  readonly requests: string[] = [];
  #server: Server | undefined;

  constructor(t: Scope, path = join(tempDir(t), 'backend.sock')) {
    this.path = path;
    t.after(() => this.close());
  }

  get address(): string {
    return `unix:${this.path}`;
  }

  async open(listener: RequestListener = (_request, response) => response.end()): Promise<void> {
    const server = createServer((request, response) => {
      this.requests.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''}`);
      listener(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(this.path, resolve);
    });
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
    rmSync(this.path, { force: true });
  }
}

async function startUpstream(
  t: Scope,
  upstream: unknown,
  more: { keys?: Readonly<Record<string, unknown>>; registrations?: VassalSetup['registrations'] } = {},
): Promise<VassalProcess> {
  const { keys = {}, registrations = [] } = more;
  return startVassal(t, { fixture: 'hello', keys: { upstream, ...keys }, registrations });
}

const registration = (address: string, weight = 1): Registration => ({ address, weight, ttlMs: 60_000 });
const register = (vassal: VassalProcess, ...registrations: readonly Registration[]): void => {
  vassal.connection.send({ type: 'registrations', registrations });
};
const find = ({ workers }: VassalState, address: string): WorkerState | undefined =>
  workers.find((worker) => worker.address === address);
const idsOf = ({ workers }: VassalState): unknown => workers.map(({ id, address }) => [id, address]);

describe('an upstream', () => {
  it('is ready when its backends were reached; no process is started and no socket bound', async (t) => {
    const [one, two] = [new TestBackend(t), new TestBackend(t)];
    await Promise.all([one.open(), two.open()]);
    const vassal = await startUpstream(t, [one.address, { address: two.address, weight: 3 }]);
    const state = await vassal.ready();
    assert.equal(state.readyBy, 'connect');
    const common = {
      ...{ pid: null, state: 'ready', handoff: null, protocol: 'http', capacity: null },
      ...{ restarts: 0, lastExit: null },
    };
    assert.deepEqual(state.workers, [
      { id: 1, address: one.address, weight: 1, ...common },
      { id: 2, address: two.address, weight: 3, ...common },
    ]);
    assert.deepEqual(descendantsOf(vassal.process.pid), []);
    assert.deepEqual(
      readdirSync(vassal.dir).filter((name) => name.endsWith('.sock')),
      [],
    );
    assert.deepEqual(one.requests, []);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
  });

  it('by host and port is reached by name, and keeps the name in its address', async (t) => {
    const server = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => {
      server.listen(0, 'localhost', resolve);
    });
    t.after(() => server.close());
    const bound = server.address();
    const port = typeof bound === 'object' ? (bound?.port ?? 0) : 0;
    const { workers } = await (await startUpstream(t, `http://localhost:${port}`)).ready();
    assert.deepEqual([workers[0]?.address, workers[0]?.state], [`localhost:${port}`, 'ready']);
  });

  it('is ready with those that are good once all were checked; the others say what is wrong', async (t) => {
    const good = new TestBackend(t);
    await good.open();
    const gone = `127.0.0.1:${(await freePorts(1)).join()}`;
    const vassal = await startUpstream(t, [
      gone,
      good.address,
      'unix:/nowhere/b.sock',
      'http://no-such-host.invalid:1',
    ]);
    const { workers } = await vassal.ready();
    assert.deepEqual(
      workers.map(({ state }) => state),
      ['backoff', 'ready', 'backoff', 'backoff'],
    );
    const [refused, , absent, unknown] = workers.map(({ lastExit }) => lastExit ?? '');
    assert.equal(refused, 'the connection was refused');
    assert.equal(absent, 'there is no such socket');
    assert.match(unknown ?? '', /its host name is not known|EAI_AGAIN/);
  });

  it('that nobody serves fails after ready-timeout, naming each backend and why', async (t) => {
    const gone = `127.0.0.1:${(await freePorts(1)).join()}`;
    const keys = { 'ready-timeout': '400ms' };
    const vassal = await startUpstream(t, [gone, 'unix:/nowhere/b.sock'], { keys });
    const { failure, workers } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.deepEqual(workers, []);
    assert.equal(failure?.kind, 'crashed');
    assert.equal(
      failure.message,
      `no backend took requests (${gone}: the connection was refused; unix:/nowhere/b.sock: there is no such socket) within 400 ms (ready-timeout)`,
    );
    assert.deepEqual(await vassal.process.exit(), { code: workerExit.bootError, signal: null });
  });

  it('becomes ready as soon as the first backend appears', async (t) => {
    const backend = new TestBackend(t);
    const vassal = await startUpstream(t, backend.address);
    await vassal.until('the failure', (state) => find(state, backend.address)?.state === 'backoff');
    assert.equal(vassal.state?.phase, 'starting');
    await backend.open();
    const { workers } = await vassal.ready();
    assert.deepEqual([workers[0]?.state, workers[0]?.restarts], ['ready', 0]);
  });

  it('without a configured backend is ready at once and follows what registers', async (t) => {
    const [one, two] = [new TestBackend(t), new TestBackend(t)];
    await Promise.all([one.open(), two.open()]);
    const vassal = await startUpstream(t, [], { registrations: [registration(one.address, 2)] });
    await vassal.ready();
    await vassal.until('the first', (state) => find(state, one.address)?.state === 'ready');
    assert.equal(vassal.state?.workers[0]?.weight, 2);
    register(vassal, registration(one.address, 5), registration(two.address));
    await vassal.until(
      'both',
      ({ workers }) => workers.length === 2 && workers.every(({ state }) => state === 'ready'),
    );
    assert.equal(vassal.state.workers[0].weight, 5);
    register(vassal, registration(two.address));
    const second = await vassal.until('the first to vanish', (state) => find(state, one.address) === undefined);
    assert.deepEqual(idsOf(second), [[2, two.address]]);
    // A third never has the number of the first, and the first has its own again.
    register(vassal, registration('unix:/nowhere/c.sock'), registration(one.address), registration(two.address));
    const all = await vassal.until('three', ({ workers }) => workers.length === 3);
    assert.deepEqual(idsOf(all), [
      [1, one.address],
      [2, two.address],
      [3, 'unix:/nowhere/c.sock'],
    ]);
    register(vassal);
    const none = await vassal.until('none', ({ workers }) => workers.length === 0);
    assert.equal(none.phase, 'ready');
  });

  it('keeps the weight of the file for an address that also registers, and keeps it when that is withdrawn', async (t) => {
    const backend = new TestBackend(t);
    await backend.open();
    const other = registration('unix:/nowhere/o.sock');
    const vassal = await startUpstream(t, { address: backend.address, weight: 4 });
    await vassal.ready();
    register(vassal, registration(backend.address, 9), other);
    const { workers } = await vassal.until('the other', ({ workers: { length } }) => length === 2);
    assert.equal(workers[0]?.weight, 4);
    register(vassal);
    const left = await vassal.until('the file alone', ({ workers: { length } }) => length === 1);
    assert.deepEqual(idsOf(left), [[1, backend.address]]);
    assert.equal(left.workers[0]?.state, 'ready');
  });

  it('tells an emperor that comes back what is registered', async (t) => {
    const vassal = await startUpstream(t, []);
    await vassal.ready();
    const registered = [registration('unix:/nowhere/a.sock', 3)];
    register(vassal, ...registered);
    await vassal.until('it', ({ workers }) => workers.length === 1);
    vassal.connection.destroy();
    const hello = (await vassal.control.child(1)).messages[0] as unknown as VassalHello;
    assert.deepEqual(hello.running?.registrations, registered);
  });
});

describe('a health-check of an upstream', () => {
  const check = { 'health-check': { path: '/up', interval: '100ms', timeout: '2s' }, domains: ['shop.example'] };

  it('must be answered 2xx or 3xx; it asks with the host of the app', async (t) => {
    const backend = new TestBackend(t);
    await backend.open((_request, response) => response.writeHead(302).end());
    const vassal = await startUpstream(t, backend.address, { keys: check });
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'health-check');
    assert.equal(backend.requests[0], 'GET /up shop.example');
  });

  it('takes a backend out after two wrong answers, and back after one right one', async (t) => {
    const backend = new TestBackend(t);
    let answers: readonly number[] = [];
    await backend.open((_request, response) => {
      const [status = 200, ...rest] = answers;
      answers = rest;
      response.writeHead(status).end();
    });
    const vassal = await startUpstream(t, backend.address, { keys: check });
    await vassal.ready();
    answers = [500];
    await waitFor(() => answers.length === 0, { what: 'one wrong answer' });
    const seen = backend.requests.length;
    await waitFor(() => backend.requests.length > seen + 1, { what: 'two more checks' });
    assert.doesNotMatch(vassal.process.stderr, /backend ready -> backoff/);
    answers = [500, 503];
    await vassal.until('its return', ({ workers }) => workers[0]?.restarts === 1 && workers[0].state === 'ready');
    assert.equal(vassal.state?.workers[0]?.lastExit, 'it answered 503');
    assert.match(vassal.process.stderr, /backend ready -> backoff/);
    assert.equal(vassal.state.phase, 'ready');
  });

  it('takes a backend out at once that refuses connections', async (t) => {
    const backend = new TestBackend(t);
    await backend.open();
    const vassal = await startUpstream(t, backend.address, { keys: check });
    await vassal.ready();
    await backend.close();
    const out = await vassal.until('backoff', ({ workers }) => workers[0]?.state === 'backoff');
    assert.equal(out.workers[0]?.lastExit, 'there is no such socket');
    await backend.open();
    await vassal.until('its return', ({ workers }) => workers[0]?.state === 'ready' && workers[0].restarts === 1);
  });

  it('that is not answered in time is a wrong answer, and its connection is not left open', async (t) => {
    const path = join(tempDir(t), 'silent.sock');
    let open = 0;
    let taken = 0;
    const silent = createTcpServer((socket) => {
      open += 1;
      taken += 1;
      socket.on('error', () => undefined).on('close', () => (open -= 1));
      socket.resume();
    });
    await new Promise<void>((resolve) => {
      silent.listen(path, resolve);
    });
    t.after(() => silent.close());
    const keys = { 'health-check': { path: '/up', interval: '100ms', timeout: '200ms' } };
    const vassal = await startUpstream(t, `unix:${path}`, { keys });
    const { workers } = await vassal.until('backoff', (state) => state.workers[0]?.state === 'backoff');
    assert.equal(workers[0]?.lastExit, 'no answer within 200 ms');
    assert.ok(taken >= 2);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    await waitFor(() => open === 0, { what: 'the connections to be closed' });
    // The test's own server is still there: it was nobody's to stop.
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve();
      });
    });
  });
});
