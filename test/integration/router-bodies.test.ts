// Bodies in both directions through the real router process: framing, interim answers, early answers, limits.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const post = (fields: string, body = ''): string =>
  `POST / HTTP/1.1\r\nHost: a.test\r\n${fields}Connection: close\r\n\r\n${body}`;

describe('request bodies', () => {
  it('a chunked body that ended at once reaches the worker with a Content-Length', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    await rawExchange(router.port, post('Transfer-Encoding: chunked\r\n', '2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'));
    const { fields, body } = await worker.request();
    assert.equal(body, 'hello');
    assert.deepEqual(fields.get('content-length'), ['5']);
    assert.equal(fields.has('transfer-encoding'), false);
  });

  it('a chunked body that goes on reaches the worker chunk by chunk before it ended', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(post('Transfer-Encoding: chunked\r\n', '5\r\nfirst\r\n'));
    const received = (): string => worker.connections[0]?.received ?? '';
    await waitFor(() => received().includes('first'), { what: 'the first chunk at the worker' });
    assert.match(received(), /transfer-encoding: chunked\r\n/i);
    client.write('6\r\nsecond\r\n0\r\n\r\n');
    await client.ended();
    assert.equal((await worker.request()).body, 'firstsecond');
  });

  it('trailers reach the worker, without names that a gateway could mistake', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const trailers = 'X-Checksum: 42\r\nX_Odd: 1\r\n';
    await rawExchange(
      router.port,
      post('Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n', `2\r\nhi\r\n0\r\n${trailers}\r\n`),
    );
    const { connection, fields } = await worker.request();
    assert.ok(connection.received.endsWith('2\r\nhi\r\n0\r\nX-Checksum: 42\r\n\r\n'), connection.received);
    assert.deepEqual(fields.get('trailer'), ['X-Checksum']);
  });

  it('the router itself asks for an announced body, and contacts the worker only when it comes', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(post('Content-Length: 5\r\nExpect: 100-continue\r\n'));
    await client.until('100 Continue', (text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    assert.equal(worker.connections.length, 0);
    client.write('hello');
    await client.ended();
    assert.equal(readAnswers(client.received).final[0]?.status, 200);
    const { body, fields } = await worker.request();
    assert.equal(body, 'hello');
    assert.equal(fields.has('expect'), false);
  });

  it('a body over limit-post is refused by its announced length, before it is asked for', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { limitPost: 10 })] });
    const received = await rawExchange(router.port, post('Content-Length: 11\r\nExpect: 100-continue\r\n'));
    assert.match(received, /^HTTP\/1\.1 413 /);
    assert.match(received, /X-Emperor-Error: body-too-large/);
    assert.equal(worker.connections.length, 0);
    const fits = await rawExchange(router.port, post('Content-Length: 10\r\n', '0123456789'));
    assert.match(fits, /^HTTP\/1\.1 200 /);
  });

  it('a chunked body is refused when it passes limit-post, and the worker sees it break off', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { limitPost: 10 })] });
    const client = new RawConnection(router.port);
    client.write(post('Transfer-Encoding: chunked\r\n', '5\r\nfirst\r\n'));
    await waitFor(() => worker.connections[0]?.received.includes('first'), { what: 'the first chunk at the worker' });
    client.write('6\r\nsecond\r\n');
    await client.ended();
    assert.match(client.received, /^HTTP\/1\.1 413 /);
    await waitFor(() => worker.connections[0]?.isClosed, { what: "the worker's connection to close" });
    assert.equal(worker.requests.length, 0);
    client.destroy();
  });

  it('an answer that comes before the body ended is passed on, and the client can read it to its end', async (t) => {
    const worker = await RecordingWorker.start(t);
    worker.onBytes = (connection) => {
      worker.onBytes = () => undefined;
      connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nenough!');
    };
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write('PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\npart');
    await client.until('the early answer', (text) => text.endsWith('enough!'));
    // What the client still sends must not turn the answer into a reset.
    client.write('x'.repeat(100_000));
    await client.ended();
    const [answer] = readAnswers(client.received).final;
    assert.equal(answer?.status, 403);
    assert.equal(answer.fields.get('connection'), 'close');
    client.destroy();
  });

  it('an answer is passed on even if its worker closes at once, with most of the body unread', async (t) => {
    const worker = await RecordingWorker.start(t);
    worker.onBytes = ({ socket }) => {
      if (socket.writableEnded) return;
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch');
      socket.destroySoon();
    };
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    for (let i = 0; i < 20; i++) {
      const client = new RawConnection(router.port);
      client.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4000000\r\n\r\n');
      client.write('x'.repeat(4_000_000));
      await client.until('the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
      const [answer] = readAnswers(client.received).final;
      assert.deepEqual([answer?.status, answer?.body], [413, 'much']);
      client.destroy();
    }
  });

  it('a POST with a length of 0 reaches the worker with that length', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    await rawExchange(router.port, post('Content-Length: 0\r\n'));
    assert.deepEqual((await worker.request()).fields.get('content-length'), ['0']);
  });
});

describe('answers', () => {
  it('a chunked answer is framed anew, with its trailers', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () =>
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2;ext\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.until('the trailers', (text) => text.endsWith('0\r\nX-T: 1\r\n\r\n'));
    assert.equal(readAnswers(client.received).final[0]?.body, 'abc');
    assert.doesNotMatch(client.received, /ext/);
    client.destroy();
  });

  it('an HTTP/1.0 client gets no chunks: the end of the connection ends the body', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const received = await rawExchange(router.port, 'GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n');
    assert.doesNotMatch(received, /transfer-encoding/i);
    assert.match(received, /Connection: close\r\n/);
    assert.ok(received.endsWith('\r\n\r\nabc'));
  });

  it('an HTTP/1.0 client that asks for it keeps its connection', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    for (const count of [1, 2]) {
      client.write('GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n');
      await client.until('an answer', (text) => readAnswers(text).final.length === count);
    }
    assert.match(client.received, /Connection: keep-alive\r\n/);
    client.destroy();
  });

  it('an answer that ends with the connection of the worker is chunked for an HTTP/1.1 client', async (t) => {
    const worker = await RecordingWorker.start(t, ({ connection }) => {
      connection.socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end');
      return undefined;
    });
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.until('the last chunk', (text) => text.endsWith('0\r\n\r\n'));
    assert.equal(readAnswers(client.received).final[0]?.body, 'until the end');
    client.destroy();
  });

  it('HEAD and 304 tell a length and have no body, 204 tells none', async (t) => {
    const answers = [
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    ];
    const worker = await RecordingWorker.start(t, ({ index }) => answers[index]);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    for (const [index, method] of ['HEAD', 'GET', 'GET'].entries()) {
      client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      await client.until('an answer', (text) => readAnswers(text, ['HEAD']).final.length === index + 1);
    }
    const lengths = readAnswers(client.received, ['HEAD']).final.map(({ fields }) => fields.get('content-length'));
    assert.deepEqual(lengths, ['1234', '99', undefined]);
    client.destroy();
  });

  it('early hints reach an HTTP/1.1 client at once, and an HTTP/1.0 client never', async (t) => {
    const worker = await RecordingWorker.start(t, ({ connection }) => {
      connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
      return undefined;
    });
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const modern = new RawConnection(router.port);
    modern.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await modern.until('103', (text) => text === 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    (await worker.request()).connection.send(ok());
    await modern.until('the answer', (text) => text.endsWith('OK'));
    modern.destroy();
    worker.answer = () => `HTTP/1.1 103 Early Hints\r\n\r\n${ok()}`;
    assert.match(await rawExchange(router.port, 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n'), /^HTTP\/1\.1 200 /);
  });

  it('server-sent events pass at once, one by one', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () => 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const { connection } = await worker.request();
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      connection.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.until(event, (text) => text.includes(event));
    }
    client.destroy();
    await waitFor(() => connection.isClosed, { what: 'the worker to learn that the client has gone' });
  });

  it('what is hop-by-hop stays on its hop', async (t) => {
    const worker = await RecordingWorker.start(t, () =>
      ok('', 'Connection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nX-Own: kept\r\nUpgrade: h3\r\n'),
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const { headers } = await ask(router.port, { host: 'a.test' });
    assert.equal(headers['x-own'], 'kept');
    for (const name of ['x-secret', 'keep-alive', 'upgrade']) assert.equal(headers[name], undefined, name);
  });
});
