// Workers that fail again and again get no requests until they prove themselves, through the real router process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ask, RawConnection } from '../harness/http-client.ts';
import { ok, RecordingWorker, type RecordedRequest } from '../harness/recording-worker.ts';
import { route, routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { startProcess } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';

const lose = ({ connection }: RecordedRequest): undefined => {
  connection.socket.destroy();
  return undefined;
};
const ejections = (router: RouterProcess): number => router.logged('ejected a worker that fails').length;
const returns = (router: RouterProcess): number => router.logged('an ejected worker answers again').length;
/** A TCP port whose listen queue is full and stays so: the kernel drops what else would connect. */
async function startSilentListener(t: TestContext): Promise<{ port: number }> {
  const script =
    "const s = require('node:net').createServer(); s.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(s.address().port + ';'));";
  const listener = startProcess(t, process.execPath, ['-e', script]);
  await listener.printed(';');
  listener.kill('SIGSTOP');
  await waitFor(() => stateOf(listener.pid) === 'T', { what: 'the listener to stop' });
  const port = Number.parseInt(listener.stdout, 10);
  const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'connect')));
  return { port };
}

const stateOf = (pid: number): string | undefined => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

const statusOf = async (router: RouterProcess, method = 'GET'): Promise<number> =>
  (await ask(router.port, { host: 'a.test', method })).status;

describe('a worker that fails again and again', () => {
  it('is given no request after the third in a row that it loses, until a connection of the router shows that it is back', async (t) => {
    const path = socketPath(t);
    const failing = await RecordingWorker.start(t, lose, path);
    failing.answer = (request) => {
      // Gone with the third, so that no probe reaches it.
      if (failing.requests.length === 3) void failing.stop();
      lose(request);
      return undefined;
    };
    const sound = await RecordingWorker.start(t);
    const targets = [path, sound.path].map((at, i) => ({
      key: `app/1/${i + 1}`,
      address: `unix:${at}`,
      weight: 1,
      handoff: null,
    }));
    const router = await startRouter(t, { apps: [route({ targets })] });
    for (let i = 0; i < 20; i++) assert.equal(await statusOf(router), 200);
    assert.equal(failing.requests.length, 3);
    assert.equal(ejections(router), 1);
    const recovered = await RecordingWorker.start(t, undefined, path);
    await waitFor(async () => (await statusOf(router)) === 200 && recovered.requests.length > 0, {
      what: 'a request at the worker that is back',
    });
    assert.equal(recovered.connections[0]?.received, '', 'the first connection was no request');
    await waitFor(() => returns(router) === 1, { what: 'the log to tell that it is back' });
    assert.equal(ejections(router), 1, 'told once');
  });

  it('lets all requests wait where it is the only one; when it is there again one tries it, then all are served', async (t) => {
    const path = socketPath(t);
    const router = await startRouter(t, { apps: [routeTo(path)] });
    const answers = Array.from({ length: 5 }, () => statusOf(router, 'POST'));
    await waitFor(() => ejections(router) === 1, { what: 'the ejection in the log' });
    const worker = await RecordingWorker.start(t, () => undefined, path);
    const trial = await worker.request();
    await router.stats('the others to wait', ({ apps }) => apps[0]?.queued === 4 && apps[0].workers[0]?.inFlight === 1);
    assert.equal(worker.requests.length, 1);
    worker.answer = () => ok();
    trial.connection.send(ok());
    assert.deepEqual(await Promise.all(answers), [200, 200, 200, 200, 200]);
    assert.equal(worker.requests.length, 5);
  });

  it('is tried by the next request where the client of the one that tries it gives up', async (t) => {
    const path = socketPath(t);
    const router = await startRouter(t, { apps: [routeTo(path)] });
    const clients = [1, 2].map((n) => {
      const client = new RawConnection(router.port);
      client.write(`GET /${n} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      return client;
    });
    await waitFor(() => ejections(router) === 1, { what: 'the ejection in the log' });
    const worker = await RecordingWorker.start(t, () => undefined, path);
    const [, number = ''] = /^GET \/(\d)/.exec((await worker.request()).requestLine) ?? [];
    worker.answer = () => ok();
    clients[Number(number) - 1]?.destroy();
    const other = clients[2 - Number(number)];
    await other?.until('the answer', (text) => text.endsWith('OK'));
    other?.destroy();
  });

  it('is not ejected because it dies with many requests at once', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const answers = Array.from({ length: 8 }, () => statusOf(router));
    await worker.request(7);
    worker.answer = () => ok();
    for (const { socket } of [...worker.connections]) socket.destroy();
    assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
    assert.equal(worker.requests.length, 16);
    assert.equal(ejections(router), 0);
  });

  it('is not ejected because idle connections end under requests', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const first = Array.from({ length: 4 }, () => statusOf(router));
    await worker.request(3);
    for (const { connection } of worker.requests) connection.send(ok());
    await Promise.all(first);
    worker.answer = (request) => {
      if (request.index === 0) return ok();
      lose(request);
      return undefined;
    };
    for (let i = 0; i < 4; i++) await statusOf(router, 'POST');
    assert.equal(ejections(router), 0);
    assert.equal(await statusOf(router), 200);
  });
});

describe('a request that its worker loses', () => {
  it('is sent again also where it ran for longer than it may wait', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { queueTimeoutMs: 100 })] });
    const answer = statusOf(router);
    const first = await worker.request();
    // Requests of the same app that time out one after the other show that the time has passed.
    await router.publish(route({ queueTimeoutMs: 100, hold: true }));
    assert.equal(await statusOf(router), 503);
    await router.publish(routeTo(worker.path, { queueTimeoutMs: 10_000 }));
    worker.answer = () => ok();
    lose(first);
    assert.equal(await answer, 200);
  });

  it('is sent again once, also where both workers lose it', async (t) => {
    const workers = await Promise.all([1, 2].map(() => RecordingWorker.start(t, lose)));
    const targets = workers.map(({ path }, i) => ({
      key: `app/1/${i + 1}`,
      address: `unix:${path}`,
      weight: 1,
      handoff: null,
    }));
    const router = await startRouter(t, { apps: [route({ targets })] });
    assert.equal(await statusOf(router), 502);
    assert.deepEqual(
      workers.map(({ requests }) => requests.length),
      [1, 1],
      'the second time by the other worker',
    );
  });

  it('is executed once where it is a POST that was on its way, and answered 502', async (t) => {
    const workers = await Promise.all([1, 2].map(() => RecordingWorker.start(t, lose)));
    const targets = workers.map(({ path }, i) => ({
      key: `app/1/${i + 1}`,
      address: `unix:${path}`,
      weight: 1,
      handoff: null,
    }));
    const router = await startRouter(t, { apps: [route({ targets })] });
    const answer = await ask(router.port, { host: 'a.test', method: 'POST', body: 'once' });
    assert.deepEqual([answer.status, answer.headers['x-emperor-error']], [502, 'worker-closed']);
    assert.equal(
      workers.reduce((sum, { requests }) => sum + requests.length, 0),
      1,
    );
  });

  it('is answered 502 at once when the budget for repetitions is used up', async (t) => {
    const tried = new Set<unknown>();
    // Every request is lost the first time and answered the second.
    const worker = await RecordingWorker.start(t, (request) => {
      const id = request.fields.get('x-request-id')?.[0];
      if (tried.has(id)) return ok('', 'Connection: close\r\n');
      tried.add(id);
      lose(request);
      return undefined;
    });
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const statuses: number[] = [];
    while (statuses.at(-1) !== 502 && statuses.length < 40) statuses.push(await statusOf(router));
    const repeated = statuses.length - 1;
    assert.ok(repeated >= 10 && repeated <= 13, `a handful, and a fifth of the requests: ${repeated}`);
    assert.equal(worker.requests.length, 2 * repeated + 1);
  });
});

describe('a backend that takes no connection and refuses none', () => {
  it('does not keep its requests: after some seconds the others serve them', { timeout: 60_000 }, async (t) => {
    const { port } = await startSilentListener(t);
    const sound = await RecordingWorker.start(t);
    const addresses = [`127.0.0.1:${port}`, `unix:${sound.path}`];
    const targets = addresses.map((address, i) => ({ key: `app/1/${i + 1}`, address, weight: 1, handoff: null }));
    const router = await startRouter(t, { apps: [route({ targets })] });
    const answers = Array.from({ length: 4 }, () => ask(router.port, { host: 'a.test', method: 'POST', body: 'x' }));
    assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]));
    assert.equal(sound.requests.length, 4);
  });
});

describe('a probe', () => {
  it('tells the instance that the data path reaches, by a connection of its own', async (t) => {
    const [old, fresh] = await Promise.all([RecordingWorker.start(t), RecordingWorker.start(t)]);
    const router = await startRouter(t, { apps: [routeTo(old.path)] });
    assert.deepEqual(await router.probe('app'), { type: 'probed', id: 1, instance: 'app/1', reason: '' });
    await router.publish(
      route({ targets: [{ key: 'app/2/1', address: `unix:${fresh.path}`, weight: 1, handoff: null }] }),
    );
    assert.equal((await router.probe('app')).instance, 'app/2');
    await waitFor(() => fresh.connections[0]?.isClosed, { what: 'the probe to hang up' });
    assert.deepEqual([old.requests.length, fresh.requests.length], [0, 0]);
  });

  it('asks another worker each time, of the live generation only', async (t) => {
    const workers = await Promise.all([1, 2, 3].map(() => RecordingWorker.start(t)));
    const [first, second, next] = workers.map(({ path }) => `unix:${path}`);
    assert.ok(first !== undefined && second !== undefined && next !== undefined);
    const targets = [first, second].map((address, i) => ({ key: `app/1/${i + 1}`, address, weight: 1, handoff: null }));
    const tried = { targets: [{ key: 'app/2/1', address: next, weight: 1, handoff: null }], share: 1 };
    const router = await startRouter(t, { apps: [route({ targets, next: tried })] });
    for (let i = 0; i < 4; i++) assert.equal((await router.probe('app')).instance, 'app/1');
    assert.deepEqual(
      workers.map(({ connections }) => connections.length),
      [2, 2, 0],
    );
  });

  it('tells in words why nothing is reached', async (t) => {
    const path = socketPath(t);
    const router = await startRouter(t, { apps: [routeTo(path), route({ name: 'paused', hold: true })] });
    assert.deepEqual(await router.probe('nobody'), { type: 'probed', id: 1, instance: null, reason: 'no such app' });
    assert.equal((await router.probe('paused')).reason, 'no worker in the table');
    assert.equal((await router.probe('app')).reason, 'worker app/1/1: ENOENT');
  });
});
