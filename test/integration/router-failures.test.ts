// What clients and workers see when something goes wrong: every failure has an answer, and none is a replayed POST.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { ok, RecordingWorker, type RecordedRequest } from '../harness/recording-worker.ts';
import { routeTo, socketPath, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const closes = ({ connection }: RecordedRequest): undefined => {
  connection.socket.destroy();
  return undefined;
};

describe('a worker that fails', () => {
  it('closes without an answer: a GET is sent exactly once more, then answered 502', async (t) => {
    const worker = await RecordingWorker.start(t, closes);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const answer = await ask(router.port, { host: 'a.test' });
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-emperor-error'], 'worker-closed');
    assert.equal(worker.requests.length, 2);
    assert.equal(worker.connections.length, 2);
  });

  it('closes without an answer: a POST is never sent again', async (t) => {
    const worker = await RecordingWorker.start(t, closes);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const answer = await ask(router.port, { host: 'a.test', method: 'POST', body: 'once' });
    assert.equal(answer.status, 502);
    assert.equal(worker.requests.length, 1);
  });

  it('closes once: a GET and a small PUT are answered by the second try, the body intact', async (t) => {
    let failures = 0;
    const worker = await RecordingWorker.start(t, (request) => {
      if (failures++ % 2 === 1) return ok(request.body);
      request.connection.socket.destroy();
      return undefined;
    });
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    const put = await ask(router.port, { host: 'a.test', method: 'PUT', body: 'again' });
    assert.deepEqual([put.status, put.body], [200, 'again']);
    assert.equal(worker.requests.length, 4);
  });

  it('dies in the middle of its answer: the GET is not repeated and the client sees the cut', async (t) => {
    const worker = await RecordingWorker.start(t, ({ connection }) => {
      connection.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      return undefined;
    });
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    const received = await rawExchange(router.port, get);
    const [answer] = readAnswers(received).final;
    assert.deepEqual([answer?.status, answer?.body, answer?.isWhole], [200, 'part', false]);
    assert.equal(worker.requests.length, 1);
    const line = await router.accessLine('the cut answer', () => true);
    assert.deepEqual([line['status'], line['cause'], line['endedBy']], [200, 'worker-closed', 'worker']);
  });

  it('dies in the middle of an answer that the connection would end: an HTTP/1.0 client sees a reset, not an end', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npart',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    let code: string | undefined;
    client.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    client.write('GET / HTTP/1.0\r\nHost: a.test\r\n\r\n');
    // libuv tells a reset that comes together with data as an end, so the data has to be read first.
    await client.until('the part', (text) => text.endsWith('part'));
    worker.connections[0]?.socket.end();
    await client.ended();
    await waitFor(() => client.isClosed, { what: 'the connection to close' });
    assert.equal(code, 'ECONNRESET');
  });

  it('answers garbage: 502, and its connection is not used again', async (t) => {
    const worker = await RecordingWorker.start(t, ({ index }) => (index === 0 ? 'SSH-2.0-OpenSSH\r\n\r\n' : ok()));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const answer = await ask(router.port, { host: 'a.test' });
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-emperor-error'], 'worker-garbage');
    await waitFor(() => worker.connections[0]?.isClosed, { what: "the worker's connection to close" });
  });

  it('says nothing: 504 after upstream-timeout, and it is told to give up', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], router: { 'upstream-timeout': 300 } });
    const answer = await ask(router.port, { host: 'a.test' });
    assert.equal(answer.status, 504);
    assert.equal(answer.headers['x-emperor-error'], 'worker-silent');
    assert.equal(worker.requests.length, 1, 'a request that may be running is not sent again');
    await waitFor(() => worker.connections[0]?.isClosed, { what: "the worker's connection to close" });
  });

  it('pauses within its answer for longer than upstream-timeout: the answer is cut', async (t) => {
    const worker = await RecordingWorker.start(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart');
    const router = await startRouter(t, { apps: [routeTo(worker.path)], router: { 'upstream-timeout': 300 } });
    const received = await rawExchange(router.port, get);
    assert.equal(readAnswers(received).final[0]?.isWhole, false);
  });

  it('is not there yet: the request waits and is answered when its socket opens', async (t) => {
    const path = socketPath(t);
    const router = await startRouter(t, { apps: [routeTo(path)] });
    const answer = ask(router.port, { host: 'a.test', method: 'POST', body: 'kept' });
    await router.stats('the request to wait', ({ apps }) => apps[0]?.queued === 1);
    await RecordingWorker.start(t, ({ body }) => ok(body), path);
    assert.deepEqual([(await answer).status, (await answer).body], [200, 'kept']);
  });

  it('refuses connections while another takes them: every request is served by the other', async (t) => {
    const worker = await RecordingWorker.start(t);
    const gone = socketPath(t);
    const router = await startRouter(t, {
      apps: [
        routeTo(worker.path, {
          targets: [
            { key: 'app/1/1', address: `unix:${gone}`, weight: 1, handoff: null },
            { key: 'app/1/2', address: `unix:${worker.path}`, weight: 1, handoff: null },
          ],
        }),
      ],
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(router.port, { host: 'a.test', method: 'POST', body: 'x' })),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(worker.requests.length, 20);
  });

  it('never comes: 503 with Retry-After after queue-timeout', async (t) => {
    const router = await startRouter(t, { apps: [routeTo(socketPath(t), { queueTimeoutMs: 300 })] });
    const answer = await ask(router.port, { host: 'a.test' });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['x-emperor-error'], 'queue-timeout');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  });

  it('sends bytes that nobody asked for: its idle connection is closed and the next request gets its own answer', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) => ok(requestLine));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    await ask(router.port, { host: 'a.test', path: '/1' });
    const [first] = worker.connections;
    first?.send(ok('EVIL'));
    await waitFor(() => first?.isClosed, { what: 'the connection to close' });
    assert.equal((await ask(router.port, { host: 'a.test', path: '/2' })).body, 'GET /2 HTTP/1.1');
    assert.equal(worker.connections.length, 2);
  });

  it('announces a short keep-alive: its connection is not used again', async (t) => {
    const worker = await RecordingWorker.start(t, () => ok('', 'Keep-Alive: timeout=1\r\n'));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    await ask(router.port, { host: 'a.test' });
    await ask(router.port, { host: 'a.test' });
    assert.equal(worker.connections.length, 2);
  });

  it('keeps its connections: they carry request after request', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    for (let i = 0; i < 10; i++) await ask(router.port, { host: 'a.test', method: i % 2 === 0 ? 'GET' : 'POST' });
    assert.equal(worker.requests.length, 10);
    assert.equal(worker.connections.length, 1);
    // The router closes it itself, before the worker's own 5 s.
    await waitFor(() => worker.connections[0]?.isEnded, { what: 'the idle connection to end', timeoutMs: 15_000 });
  });
});

describe('a client that fails', () => {
  it('goes away while it waits: the worker is told and the log says 499', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    const client = new RawConnection(router.port);
    client.write(get);
    await worker.request();
    client.destroy();
    await waitFor(() => worker.connections[0]?.isClosed, { what: "the worker's connection to close" });
    const line = await router.accessLine('499', ({ status }) => status === 499);
    assert.deepEqual([line['cause'], line['endedBy'], line['worker']], ['client-gone', 'client', 'app/1/1']);
  });

  it('ends only its own direction after its requests: it gets every answer', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) => ok(requestLine));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(`${get}${get}`);
    client.end();
    const received = await client.ended();
    assert.equal(readAnswers(received).final.length, 2);
  });

  it('asks for the end of its connection and sends on all the same: it can still read its answer', async (t) => {
    const page = 'x'.repeat(500_000);
    const worker = await RecordingWorker.start(t, () => ok(page));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(`${get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}${get.repeat(100)}`);
    const received = await client.ended();
    assert.deepEqual(
      readAnswers(received).final.map(({ status, body }) => [status, body.length]),
      [[200, page.length]],
    );
  });

  it('is slow with its head: 408', async (t) => {
    const router = await startRouter(t, { router: { 'header-timeout': 300 } });
    const received = await rawExchange(router.port, 'GET / HTTP/1.1\r\nHos');
    assert.match(received, /^HTTP\/1\.1 408 /);
    assert.match(received, /X-Emperor-Error: client-slow-head/);
  });

  it('keeps sending a byte of its head now and then: header-timeout counts from the first', async (t) => {
    const router = await startRouter(t, { router: { 'header-timeout': 500 } });
    const client = new RawConnection(router.port);
    client.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => {
      client.write('X');
    }, 50);
    t.after(() => {
      clearInterval(drip);
    });
    await client.ended();
    assert.match(client.received, /^HTTP\/1\.1 408 /);
    client.destroy();
  });

  it('pauses in its body for longer than body-timeout: 408, and the worker sees it break off', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], router: { 'body-timeout': 300 } });
    const received = await rawExchange(
      router.port,
      'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\npart',
    );
    assert.match(received, /^HTTP\/1\.1 408 /);
    assert.match(received, /X-Emperor-Error: client-slow-body/);
    await waitFor(() => worker.connections[0]?.isClosed, { what: "the worker's connection to close" });
    assert.equal(worker.requests.length, 0);
  });

  it('idles between requests for longer than idle-timeout: the connection is closed without a word', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], router: { 'idle-timeout': 300 } });
    const received = await rawExchange(router.port, get);
    assert.equal(readAnswers(received).final.length, 1);
    assert.equal(readAnswers(received).rest, '');
  });

  it('connects and says nothing: the connection is closed without a word after header-timeout', async (t) => {
    const router = await startRouter(t, { router: { 'header-timeout': 300 } });
    const client = new RawConnection(router.port);
    assert.equal(await client.ended(), '');
    client.destroy();
  });

  it('sends a malformed request and goes on sending: it can still read its 400', async (t) => {
    const router = await startRouter(t);
    const client = new RawConnection(router.port);
    client.write(`GET / HTTP/1.1\r\nbroken\r\n\r\n${'x'.repeat(200_000)}`);
    await client.until('the page', (text) => readAnswers(text).final[0]?.isWhole === true);
    client.write('more');
    await client.ended();
    assert.equal(readAnswers(client.received).final[0]?.status, 400);
    client.destroy();
  });

  it('sends the body of a request whose worker is gone: it gets its 502, not a reset', async (t) => {
    const worker = await RecordingWorker.start(t);
    worker.onBytes = ({ socket }) => {
      socket.destroy();
    };
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 500000\r\n\r\n');
    client.write('x'.repeat(400_000));
    await client.until('the page', (text) => readAnswers(text).final[0]?.isWhole === true);
    assert.equal(readAnswers(client.received).final[0]?.status, 502);
    client.destroy();
  });
});

describe('the page of a failure', () => {
  const pages = [
    { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', type: /^text\/html/, body: /<h1>404 Not Found<\/h1>/ },
    { accept: 'application/json', type: /^application\/json/, body: /^\{"error":\{"status":404,/ },
    { accept: '*/*', type: /^text\/plain/, body: /^404 Not Found\n/ },
  ];
  for (const { accept, type, body } of pages) {
    it(`suits Accept: ${accept}`, async (t) => {
      const router = await startRouter(t);
      const answer = await ask(router.port, { host: 'x.test', headers: { accept } });
      assert.equal(answer.status, 404);
      assert.match(answer.headers['content-type'] ?? '', type);
      assert.match(answer.body, body);
      assert.match(answer.body, /x\.test/);
      assert.ok(answer.body.includes(String(answer.headers['x-request-id'])));
    });
  }

  it('leaves the connection open when the request was sound', async (t) => {
    const router = await startRouter(t);
    const client = new RawConnection(router.port);
    for (const count of [1, 2]) {
      client.write('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
      await client.until('a page', (text) => readAnswers(text).final.filter(({ isWhole }) => isWhole).length === count);
    }
    client.destroy();
  });

  it('has no body when the request was HEAD', async (t) => {
    const router = await startRouter(t);
    const received = await rawExchange(router.port, 'HEAD / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n');
    const [answer] = readAnswers(received, ['HEAD']).final;
    assert.equal(answer?.status, 404);
    assert.ok(Number(answer.fields.get('content-length')) > 0);
    assert.equal(readAnswers(received, ['HEAD']).rest, '');
  });
});
