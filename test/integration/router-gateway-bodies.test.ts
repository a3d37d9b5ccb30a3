// Bodies of requests to gateway workers through the real router process: their framing, slow and fast, and who asks for them.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AppRoute } from '../../lib/routes.ts';
import { GatewayWorker, type GatewayAnswer } from '../harness/gateway-worker.ts';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { patterned } from '../harness/reactor.ts';
import { RecordingWorker } from '../harness/recording-worker.ts';
import { route, routeTo, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

async function serving(
  t: TestContext,
  answer?: GatewayAnswer,
  app: Partial<AppRoute> = {},
): Promise<{ worker: GatewayWorker; router: RouterProcess }> {
  const worker = await GatewayWorker.start(t, answer);
  const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)], ...app })] });
  return { worker, router };
}

const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n${body}`;
const large = patterned(20 * 1024 * 1024);
const chunkedLarge = (): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < large.length; at += 300_000) {
    const piece = large.subarray(at, at + 300_000);
    pieces.push(Buffer.from(`${piece.length.toString(16)};ext=1\r\n`), piece, Buffer.from('\r\n'));
  }
  return [...pieces, Buffer.from('0\r\nX-Trailer: 1\r\n\r\n')];
};

describe('the body of a request', () => {
  it('with a length comes as so many bytes, on a connection that is used again', async (t) => {
    const { worker, router } = await serving(t);
    for (const body of ['hello', '', 'x'.repeat(100_000)]) {
      assert.equal((await ask(router.port, { host: 'a.test', method: 'POST', body })).status, 200);
    }
    assert.deepEqual(
      worker.requests.map(({ variables, body }) => [variables.get('CONTENT_LENGTH'), body.length]),
      [
        ['5', 5],
        ['0', 0],
        ['100000', 100_000],
      ],
    );
  });

  it('in chunks that ended at once has a length, also where trailers came, which are left out', async (t) => {
    const { worker, router } = await serving(t);
    const chunks = '2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n';
    await rawExchange(
      router.port,
      post('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n', chunks),
    );
    const { variables, body } = await worker.request();
    assert.deepEqual([variables.get('CONTENT_LENGTH'), body.bytes.toString()], ['5', 'hello']);
    assert.deepEqual([variables.has('HTTP_TRANSFER_ENCODING'), variables.has('HTTP_TRAILER')], [false, false]);
  });

  it('in chunks that go on comes in chunks of ours, without extensions and trailers, before it ended', async (t) => {
    const { worker, router } = await serving(t);
    const client = new RawConnection(router.port);
    client.write(post('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n', '5;ext\r\nfirst\r\n'));
    const { variables, body } = await worker.head();
    await waitFor(() => body.length === 5, { what: 'the first chunk' });
    assert.equal(variables.get('HTTP_TRANSFER_ENCODING'), 'chunked');
    client.write('6\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n');
    await client.until('the answer', (text) => text.endsWith('OK'));
    assert.equal(body.bytes.toString(), 'firstsecond');
    client.write(post('Content-Length: 1\r\n', '!'));
    await client.until('another answer', (text) => readAnswers(text).final.at(1)?.isWhole === true);
    assert.equal((await worker.request(1)).body.bytes.toString(), '!');
    client.destroy();
  });

  for (const framing of ['a length', 'chunks']) {
    it(`of 20 MB with ${framing} arrives byte for byte, and its echo comes back so`, async (t) => {
      const { worker, router } = await serving(t, ({ body, connection: { socket } }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.write(body.bytes);
        return undefined;
      });
      const client = new RawConnection(router.port);
      const isChunked = framing === 'chunks';
      client.write(post(isChunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${large.length}\r\n`));
      for (const piece of isChunked ? chunkedLarge() : [large]) client.socket.write(piece);
      const { body } = await worker.request();
      assert.ok(body.bytes.equals(large));
      const end = large.subarray(-1000).toString('latin1');
      await client.until('the echo', (text) => text.length > large.length && text.endsWith(end), 30_000);
      const at = client.received.indexOf('\r\n\r\n') + 4;
      assert.ok(Buffer.from(client.received.slice(at), 'latin1').equals(large));
      client.destroy();
    });
  }

  it('of a slow client comes as it is sent, a worker that reads slowly stops its client, and nothing is lost', async (t) => {
    const { worker, router } = await serving(t);
    worker.onHead = ({ connection: { socket } }) => {
      socket.pause();
    };
    const client = new RawConnection(router.port);
    client.write(post(`Content-Length: ${large.length}\r\n`));
    const { body, connection } = await worker.head();
    for (const byte of ['a', 'b', 'c']) client.write(byte);
    connection.socket.resume();
    await waitFor(() => body.length === 3, { what: 'three bytes' });
    connection.socket.pause();
    let hasRoom = true;
    for (let at = 3; at < large.length; at += 1024 * 1024) {
      hasRoom = client.socket.write(large.subarray(at, Math.min(large.length, at + 1024 * 1024)));
    }
    assert.equal(hasRoom, false);
    connection.socket.resume();
    await client.until('the answer', (text) => text.endsWith('OK'), 30_000);
    const received = body.bytes;
    assert.equal(received.length, large.length);
    assert.ok(received.subarray(3).equals(large.subarray(3)));
    client.destroy();
  });

  it('that its client breaks off ends the connection of the worker', async (t) => {
    for (const fields of ['Content-Length: 100\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const { worker, router } = await serving(t);
      const client = new RawConnection(router.port);
      client.write(post(fields, '5\r\nabcde\r\n'));
      const { connection, body } = await worker.head();
      await waitFor(() => body.length > 0, { what: 'the beginning of the body' });
      client.destroy();
      await waitFor(() => connection.isClosed, { what: 'the worker to see the end' });
      assert.equal(worker.requests.length, 0);
    }
  });

  it('may be answered before it is there: the client gets the answer, and the worker no more of the body', async (t) => {
    const { worker, router } = await serving(t);
    worker.onHead = ({ connection }) => {
      connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nenough!');
    };
    const client = new RawConnection(router.port);
    client.write(post('Content-Length: 1000000\r\n', 'part'));
    await client.until('the early answer', (text) => text.endsWith('enough!'));
    client.write('x'.repeat(100_000));
    await client.ended();
    const [answer] = readAnswers(client.received).final;
    assert.deepEqual([answer?.status, answer?.fields.get('connection')], [403, 'close']);
    const { connection } = await worker.head();
    await waitFor(() => connection.isClosed, { what: "the worker's connection to close" });
    client.destroy();
  });

  it('may be answered by a worker that then closes at once, with most of it unread', async (t) => {
    const { worker, router } = await serving(t);
    worker.onHead = ({ connection: { socket } }) => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch');
      socket.destroySoon();
    };
    for (let i = 0; i < 10; i++) {
      const client = new RawConnection(router.port);
      client.write(post('Content-Length: 4000000\r\n'));
      client.write('x'.repeat(4_000_000));
      await client.until('the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
      const [answer] = readAnswers(client.received).final;
      assert.deepEqual([answer?.status, answer?.body], [413, 'much']);
      client.destroy();
    }
  });
});

describe('a client that waits to be asked for its body', () => {
  const expecting = 'Content-Length: 5\r\nExpect: 100-continue\r\n';
  const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';

  it('is asked by the worker, when its app first reads', async (t) => {
    const { worker, router } = await serving(t);
    const client = new RawConnection(router.port);
    client.write(post(expecting));
    const { variables, connection } = await worker.head();
    assert.equal(variables.get('HTTP_EXPECT'), '100-continue');
    assert.equal(client.received, '');
    connection.send(goOn + goOn);
    await client.until('the invitation', (text) => text === goOn);
    client.write('hello');
    await client.until('the answer', (text) => text.endsWith('OK'));
    assert.deepEqual(
      readAnswers(client.received).interim.map(({ status }) => status),
      [100],
      'once',
    );
    assert.equal((await worker.request()).body.bytes.toString(), 'hello');
    client.destroy();
  });

  it('with a body in chunks is asked as well', async (t) => {
    const { worker, router } = await serving(t);
    const client = new RawConnection(router.port);
    client.write(post('Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n'));
    const { variables, connection } = await worker.head();
    assert.equal(variables.get('HTTP_TRANSFER_ENCODING'), 'chunked');
    connection.send(goOn);
    await client.until('the invitation', (text) => text === goOn);
    client.write('5\r\nhello\r\n0\r\n\r\n');
    await client.until('the answer', (text) => text.endsWith('OK'));
    assert.equal((await worker.request()).body.bytes.toString(), 'hello');
    client.destroy();
  });

  it('is not asked where the app answers without its body', async (t) => {
    const { worker, router } = await serving(t);
    worker.onHead = ({ connection }) => {
      connection.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    };
    const received = await rawExchange(router.port, post(expecting));
    const { final, interim } = readAnswers(received);
    assert.deepEqual([final[0]?.status, final[0]?.fields.get('connection'), interim.length], [401, 'close', 0]);
  });

  it('may send it without being asked', async (t) => {
    const { worker, router } = await serving(t);
    worker.onBody = ({ connection, body }) => {
      if (body.isWhole) connection.send(goOn);
    };
    const client = new RawConnection(router.port);
    client.write(post(expecting));
    await worker.head();
    client.write('hello');
    await client.until('the answer', (text) => text.endsWith('OK'));
    assert.equal(readAnswers(client.received).interim.length, 0, 'nobody waits to be asked any more');
    client.destroy();
  });

  it('waits for the worker as long as any answer may take, and not as long as a body may', async (t) => {
    const worker = await GatewayWorker.start(t);
    const router = await startRouter(t, {
      router: { 'body-timeout': 100, 'upstream-timeout': 600 },
      apps: [route({ targets: [worker.target('app/1/1', 1)] })],
    });
    const received = await rawExchange(router.port, post(expecting));
    const [answer] = readAnswers(received).final;
    assert.deepEqual([answer?.status, answer?.fields.get('x-emperor-error')], [504, 'worker-silent']);
  });

  it('is asked by the router where an HTTP worker takes over while it waits for a worker', async (t) => {
    const { worker, router } = await serving(t, () => undefined);
    const running = new RawConnection(router.port);
    running.write(post('Content-Length: 0\r\n'));
    await worker.request();
    const client = new RawConnection(router.port);
    client.write(post(expecting));
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    const http = await RecordingWorker.start(t);
    await router.publish(
      routeTo(http.path, {
        targets: [{ ...worker.target('app/2/1'), address: `unix:${http.path}`, protocol: 'http' }],
      }),
    );
    await client.until('the invitation', (text) => text === goOn);
    client.write('hello');
    await client.until('the answer', (text) => text.endsWith('OK'));
    const { body, fields } = await http.request();
    assert.deepEqual([body, fields.has('expect')], ['hello', false]);
    for (const connection of [client, running]) connection.destroy();
  });

  it('is asked for nothing over limit-post', async (t) => {
    const { worker, router } = await serving(t, undefined, { limitPost: 4 });
    assert.match(await rawExchange(router.port, post(expecting)), /^HTTP\/1\.1 413 /);
    assert.equal(worker.heads.length, 0);
  });
});
