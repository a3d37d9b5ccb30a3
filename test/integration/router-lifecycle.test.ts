// The router process itself: when it accepts, what it tells the emperor, how it ends, and that it needs nobody.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { native } from '../../native/index.ts';
import { ControlListener } from '../harness/control-listener.ts';
import { ask, RawConnection } from '../harness/http-client.ts';
import { startProgram } from '../harness/processes.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { launchRouter, routeTo, socketPath, startRouter } from '../harness/router-process.ts';
import { entryPoints } from '../../lib/entry-points.ts';
import { transportUnderTest } from '../harness/transport.ts';
import { waitFor } from '../harness/wait-for.ts';

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

describe('a router that starts', () => {
  it('says hello, and answers nobody before it was configured and given routes', async (t) => {
    const control = await ControlListener.start(t);
    const router = await launchRouter(t, control, { id: 7 });
    const [hello] = router.connection.messages;
    assert.deepEqual(
      { role: hello?.['role'], id: hello?.['id'], pid: hello?.['pid'], routesVersion: hello?.['routesVersion'] },
      { role: 'router', id: 7, pid: router.process.pid, routesVersion: 0 },
    );
    const early = new RawConnection(router.port);
    early.write(get);
    router.configure();
    await router.stats('its first counters', () => true);
    assert.equal(early.received, '');
    await router.publish();
    await early.until('an answer', (text) => text.startsWith('HTTP/1.1 404 '));
    early.destroy();
  });

  it('ends with code 2 and says how it is used when an argument is missing', async (t) => {
    const router = startProgram(t, entryPoints.router, ['--id', '1']);
    assert.deepEqual(await router.exit(), { code: 2, signal: null });
    assert.match(router.stderr, /--control/);
  });

  it('ends with code 1 and says why when it cannot listen', async (t) => {
    const first = await startRouter(t);
    const args = ['--id', '2', '--control', first.control.path, '--transport', transportUnderTest];
    const second = startProgram(t, entryPoints.router, args, {
      env: { EMPEROR_LISTEN: `bind=127.0.0.1:${first.port}`, EMPEROR_LOG: 'info:json' },
    });
    assert.deepEqual(await second.exit(), { code: 1, signal: null });
    assert.match(second.stderr, /EADDRINUSE/);
  });

  it('serves a unix socket; its clients have no address, and only a trusted one is believed', async (t) => {
    const worker = await RecordingWorker.start(t);
    const listen = `unix:${socketPath(t, 'front.sock')}`;
    const router = await startRouter(t, { listen, apps: [routeTo(worker.path)] });
    const headers = { 'X-Forwarded-For': '6.6.6.6', 'X-Forwarded-Proto': 'https', 'X-Request-Id': 'theirs' };
    await ask(router.endpoint, { host: 'a.test', headers });
    router.configure({ trustedProxies: ['unix'] });
    await router.publish(routeTo(worker.path));
    await ask(router.endpoint, { host: 'a.test', headers });
    const seen = worker.requests.map(({ fields }) =>
      ['x-forwarded-for', 'x-forwarded-proto', 'x-request-id'].map((name) => fields.get(name)?.[0]),
    );
    assert.deepEqual(seen[0]?.slice(0, 2), [undefined, 'http']);
    assert.notEqual(seen[0][2], 'theirs');
    assert.deepEqual(seen[1], ['6.6.6.6', 'https', 'theirs']);
  });
});

describe('a router without its emperor', () => {
  it('goes on serving, and greets the next emperor with the routes it holds', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    await router.control.stop();
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    const next = await ControlListener.start(t, router.control.path);
    const connection = await next.child();
    assert.equal(connection.messages[0]?.['routesVersion'], 1);
    assert.equal(connection.messages[0]['pid'], router.process.pid);
    connection.send({ type: 'routes', version: 5, apps: [] });
    await connection.message('applied', ({ type, version }) => type === 'applied' && version === 5);
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 404);
  });

  it('drops a message that it does not understand and obeys the next one', async (t) => {
    const router = await startRouter(t);
    router.connection.send({ type: 'dance' });
    router.connection.send({ type: 'routes', version: 'many', apps: [] });
    await router.publish();
    await waitFor(() => router.process.stderr.match(/dropped a message/g)?.length === 2, { what: 'both log lines' });
  });
});

describe('a router that is told to end', () => {
  it('finishes what runs, says close on the last answers, and ends with code 0', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) =>
      requestLine.startsWith('GET /slow') ? undefined : ok(),
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const running = new RawConnection(router.port);
    running.write('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await worker.request();
    const idle = new RawConnection(router.port);
    idle.write(get);
    await idle.until('an answer', (text) => text.endsWith('OK'));
    router.connection.send({ type: 'shutdown', graceMs: 20_000, idleMs: 20_000 });
    // The idle connection may send one more request, and is answered.
    await waitFor(() => canConnect(router.port).then((can) => !can), { what: 'the port to close' });
    idle.write(get);
    await idle.ended();
    const answers = readAnswers(idle.received).final;
    assert.equal(answers.length, 2);
    assert.deepEqual(
      answers.map(({ fields }) => fields.get('connection')),
      [undefined, 'close'],
    );
    worker.requests[0]?.connection.send(ok('late'));
    await running.ended();
    assert.ok(running.received.endsWith('late'));
    assert.equal(readAnswers(running.received).final[0]?.fields.get('connection'), 'close');
    for (const client of [running, idle]) client.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('closes connections that stay idle, or never sent a byte, when their time is up', async (t) => {
    const router = await startRouter(t);
    const idle = new RawConnection(router.port);
    idle.write(get);
    await idle.until('a page', (text) => readAnswers(text).final[0]?.isWhole === true);
    const silent = new RawConnection(router.port);
    await router.stats('both connections', ({ connections }) => connections === 2);
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 300 });
    for (const client of [idle, silent]) await client.ended();
    assert.equal(readAnswers(idle.received).rest, '');
    for (const client of [idle, silent]) client.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('answers the first request of a connection that was silent so far, and says close on it', async (t) => {
    const router = await startRouter(t);
    const silent = new RawConnection(router.port);
    await router.stats('the connection', ({ connections }) => connections === 1);
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 60_000 });
    await waitFor(() => canConnect(router.port).then((can) => !can), { what: 'the port to close' });
    silent.write(get);
    await silent.ended();
    assert.equal(readAnswers(silent.received).final[0]?.fields.get('connection'), 'close');
    silent.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('closes a connection whose answer began before, once it has been idle for as long as it may', async (t) => {
    const worker = await RecordingWorker.start(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(get);
    await client.until('half an answer', (text) => text.endsWith('ha'));
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 300 });
    await waitFor(() => canConnect(router.port).then((can) => !can), { what: 'the port to close' });
    worker.connections[0]?.send('lf');
    await client.ended();
    const [answer] = readAnswers(client.received).final;
    assert.deepEqual([answer?.body, answer?.fields.get('connection')], ['half', undefined]);
    client.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('ends sooner when it is told so, and not later', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const [idle, running] = [new RawConnection(router.port), new RawConnection(router.port)];
    idle.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
    await idle.until('a page', (text) => readAnswers(text).final[0]?.isWhole === true);
    running.write(get);
    await worker.request();
    for (const idleMs of [600_000, 300, 600_000])
      router.connection.send({ type: 'shutdown', graceMs: 600_000, idleMs });
    await idle.ended();
    for (const graceMs of [300, 600_000]) router.connection.send({ type: 'shutdown', graceMs, idleMs: 600_000 });
    await running.ended();
    assert.match(running.received, /^HTTP\/1\.1 503 /);
    for (const client of [idle, running]) client.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('goes on obeying routes and telling what it holds, also to the next emperor, which it tells that it ends', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const running = new RawConnection(router.port);
    running.write(get);
    await worker.request();
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 60_000 });
    await router.publish({ hold: true });
    await router.applied(({ busy }) => busy.length === 1);
    await router.control.stop();
    const next = await ControlListener.start(t, router.control.path);
    const connection = await next.child();
    const [hello] = connection.messages;
    assert.deepEqual([hello?.['isEnding'], hello?.['listen']], [true, []]);
    worker.requests[0]?.connection.send(ok());
    await running.ended();
    await connection.message('applied', ({ type, busy }) => type === 'applied' && (busy as unknown[]).length === 0);
    assert.ok(running.received.endsWith('OK'));
    running.destroy();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });

  it('cuts what still runs after the grace', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) =>
      requestLine.includes('chat')
        ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
        : undefined,
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const tunnel = new RawConnection(router.port);
    tunnel.write('GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await tunnel.until('101', (text) => text.includes('\r\n\r\n'));
    const request = new RawConnection(router.port);
    request.write(get);
    await worker.request(1);
    await router.shutdown(300);
    await tunnel.ended();
    await request.ended();
    assert.match(request.received, /^HTTP\/1\.1 503 /);
    for (const client of [tunnel, request]) client.destroy();
  });

  it('does the same on SIGTERM, and leaves Ctrl-C to the emperor', async (t) => {
    const router = await startRouter(t);
    router.process.kill('SIGINT');
    assert.equal((await ask(router.port, { host: 'x.test' })).status, 404);
    router.process.kill('SIGTERM');
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });
});

describe('listening sockets that are passed on', { skip: native.addon === undefined && native.missing }, () => {
  it('are shared by several routers, and stay open when one ends or dies', async (t) => {
    const { fd, address, port } = listenForRouters(t);
    const worker = await RecordingWorker.start(t);
    const control = await ControlListener.start(t);
    const options = { control, descriptors: [{ fd, address }], apps: [routeTo(worker.path)] };
    const first = await startRouter(t, { ...options, id: 1 });
    const second = await startRouter(t, { ...options, id: 2 });
    await askMany(port, 20);
    await first.shutdown();
    await askMany(port, 20);
    const third = await startRouter(t, { ...options, id: 3 });
    second.process.kill('SIGKILL');
    await second.process.exit();
    await askMany(port, 20);
    await third.shutdown();
  });

  it('keep further connections waiting while max-connections are open', async (t) => {
    const { fd, address, port } = listenForRouters(t);
    const router = await startRouter(t, {
      descriptors: [{ fd, address }],
      router: { 'max-connections': 2 },
    });
    const open = [1, 2].map(() => new RawConnection(port));
    for (const client of open) {
      client.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
      await client.until('a page', (text) => readAnswers(text).final[0]?.isWhole === true);
    }
    const third = new RawConnection(port);
    third.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
    await router.stats('two connections', ({ connections }) => connections === 2);
    assert.equal(third.received, '');
    open[0]?.destroy();
    await third.until('a page', (text) => readAnswers(text).final[0]?.isWhole === true);
    for (const client of [...open, third]) client.destroy();
  });
});

describe('a listener of the router itself', () => {
  it('answers 503 to connections beyond max-connections, since it cannot let them wait', async (t) => {
    // The reactor can let them wait (router-transport.test.ts).
    const router = await startRouter(t, { transport: 'portable', router: { 'max-connections': 1 } });
    const open = new RawConnection(router.port);
    open.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
    await open.until('a page', (text) => readAnswers(text).final[0]?.isWhole === true);
    const other = new RawConnection(router.port);
    await other.ended();
    assert.match(other.received, /^HTTP\/1\.1 503 [^]*X-Emperor-Error: too-many-connections/);
    for (const client of [open, other]) client.destroy();
  });
});

function listenForRouters(t: TestContext): { fd: number; address: string; port: number } {
  const { addon } = native;
  assert.ok(addon !== undefined);
  const fd = addon.listenTcp('127.0.0.1', 0, 128);
  t.after(() => {
    addon.closeDescriptor(fd);
  });
  const port = addon.localPort(fd);
  return { fd, address: `127.0.0.1:${port}`, port };
}

async function askMany(port: number, count: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(port, { host: 'a.test' })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
}

async function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
