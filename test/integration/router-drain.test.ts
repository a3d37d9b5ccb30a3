// How WebSockets and event streams of a worker that is to go are ended, through the real router process.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { TargetRoute } from '../../lib/routes.ts';
import { RawConnection } from '../harness/http-client.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { ok, RecordingWorker, type RecordedRequest } from '../harness/recording-worker.ts';
import { routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const agreed = (protocol: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
const close1012 = '\x88\x11\x03\xf4service restart';
const eventHead =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';
const maskedClose1001 = '\x88\x91\0\0\0\0\x03\xe9service restart';
/** The app is there, its worker is not any more; what lasts is ended at once. */
const gone = { hold: true, drainMs: 0 };

interface RawTunnel {
  readonly router: RouterProcess;
  readonly client: RawConnection;
  /** The worker's end. */
  readonly socket: Socket;
  /** What the worker got behind the request, and what the client got behind the answer's head. */
  readonly sent: () => string;
  readonly received: () => string;
}

/** A tunnel whose two ends the test plays itself. */
async function openRawTunnel(t: TestContext, protocol = 'websocket'): Promise<RawTunnel> {
  const path = socketPath(t);
  const sockets: Socket[] = [];
  let request = '';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      if (request === '') socket.write(agreed(protocol));
      request += bytes.toString('latin1');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const router = await startRouter(t, { apps: [routeTo(path)], accessLog: true });
  const client = new RawConnection(router.port);
  t.after(() => {
    client.destroy();
  });
  client.write(`GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  await client.until('101', (text) => text.includes('\r\n\r\n'));
  const [socket] = sockets;
  assert.ok(socket !== undefined);
  const behindHead = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);
  return { router, client, socket, sent: () => behindHead(request), received: () => behindHead(client.received) };
}

/** The client saw an end and no reset. */
async function endsCleanly(client: RawConnection): Promise<void> {
  let error: Error | undefined;
  client.socket.on('error', (fault) => (error = fault));
  await client.ended();
  assert.equal(error, undefined);
  assert.equal(client.socket.readableEnded, true);
}

async function write(socket: Socket, text: string): Promise<void> {
  await new Promise((resolve) => socket.write(Buffer.from(text, 'latin1'), resolve));
}

describe('a WebSocket whose worker left the table', () => {
  it('goes on for its part of the drain time, then is closed with 1012; its worker hears the same', async (t) => {
    const path = socketPath(t);
    const http = createHttpServer();
    const servers = new WebSocketServer({ server: http });
    const codes: number[] = [];
    servers.on('connection', (socket) => {
      socket.on('message', (data) => {
        socket.send(data as Buffer);
      });
      socket.on('close', (code) => codes.push(code));
    });
    await new Promise<void>((resolve) => {
      http.listen(path, resolve);
    });
    t.after(() => {
      servers.close();
      http.close();
    });
    const router = await startRouter(t, { apps: [routeTo(path)], accessLog: true });
    const clients = [1, 2, 3].map(
      () => new WebSocket(`ws://127.0.0.1:${router.port}/`, { headers: { host: 'a.test' } }),
    );
    await Promise.all(clients.map((client) => new Promise((resolve) => client.once('open', resolve))));
    const closed = clients.map(
      (client) =>
        new Promise((resolve) => {
          client.once('close', (code, reason) => {
            resolve([code, reason.toString()]);
          });
        }),
    );
    // The earliest moment is a tenth of this: the echo comes long before.
    await router.publish({ hold: true, drainMs: 60_000 });
    await router.applied(({ busy }) => busy.length === 1);
    for (const client of clients) {
      const echo = new Promise((resolve) => client.once('message', resolve));
      client.send('still there?');
      assert.equal(String(await echo), 'still there?');
    }
    await router.publish({ hold: true, drainMs: 500 });
    for (const end of closed) assert.deepEqual(await end, [1012, 'service restart']);
    await waitFor(() => codes.length === 3, { what: 'the worker to hear of all three' });
    assert.deepEqual(codes, [1012, 1012, 1012]);
    await router.applied(({ busy }) => busy.length === 0);
    const line = await router.accessLine('a tunnel', ({ status }) => status === 101);
    assert.equal(line['endedBy'], 'router');
  });

  it('gets the rest of the frame that was under way, the Close, and nothing of the next frame', async (t) => {
    const { router, client, socket, received } = await openRawTunnel(t);
    await write(socket, '\x82\x7e\x01\x00half');
    await client.until('half a frame', (text) => text.endsWith('half'));
    await router.publish(gone);
    await write(socket, `${'x'.repeat(252)}\x82\x04next\x82\x04more`);
    await client.until('the Close', (text) => text.endsWith(close1012));
    assert.equal(received(), `\x82\x7e\x01\x00half${'x'.repeat(252)}${close1012}`);
    client.end();
    await endsCleanly(client);
  });

  it('is waited for: its messages reach the worker until its own Close does', async (t) => {
    const { router, client, socket, sent } = await openRawTunnel(t);
    await router.publish(gone);
    await client.until('the Close', (text) => text.endsWith(close1012));
    const last = '\x81\x83\0\0\0\0bye';
    const answer = '\x88\x82\0\0\0\0\x03\xf4';
    client.write(last);
    client.write(answer);
    await endsCleanly(client);
    await waitFor(() => socket.readableEnded, { what: 'the end at the worker' });
    assert.equal(sent(), last + answer);
  });

  it('that does not answer the Close is ended all the same, and its worker is told by a Close of ours', async (t) => {
    const { router, client, socket, sent, received } = await openRawTunnel(t);
    await router.publish(gone);
    await endsCleanly(client);
    assert.equal(received(), close1012);
    await waitFor(() => socket.readableEnded, { what: 'the end at the worker' });
    assert.equal(sent(), maskedClose1001);
    await router.stats('the connection to be closed', ({ connections }) => connections === 0);
  });

  it('whose frame does not end is ended without a Close, which would be read as part of the frame', async (t) => {
    const { router, client, socket, received } = await openRawTunnel(t);
    await write(socket, '\x82\x7e\x01\x00half');
    await client.until('half a frame', (text) => text.endsWith('half'));
    await router.publish(gone);
    await endsCleanly(client);
    assert.equal(received(), '\x82\x7e\x01\x00half');
    await waitFor(() => socket.readableEnded, { what: 'the end at the worker' });
  });

  it('that speaks something else than it agreed to is ended without a Close', async (t) => {
    const { router, client, socket, received } = await openRawTunnel(t);
    await write(socket, 'no frames at all');
    await client.until('these bytes', (text) => text.endsWith('at all'));
    await router.publish(gone);
    await endsCleanly(client);
    assert.equal(received(), 'no frames at all');
  });

  it('that is being closed by its worker gets no second Close, and the handshake its time', async (t) => {
    const { router, client, socket, received, sent } = await openRawTunnel(t);
    await write(socket, '\x88\x02\x0f\xa1');
    await client.until("the worker's Close", (text) => text.endsWith('\x0f\xa1'));
    await router.publish(gone);
    const answer = '\x88\x82\0\0\0\0\x0f\xa1';
    client.write(answer);
    await waitFor(() => sent() === answer, { what: 'the answer at the worker' });
    socket.end();
    await endsCleanly(client);
    assert.equal(received(), '\x88\x02\x0f\xa1');
  });

  it('goes on when its worker comes back into the table before its moment', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) =>
      requestLine.includes('/events') ? eventHead : agreed('websocket'),
    );
    const mine = routeTo(worker.path, { drainMs: 300 });
    const other = routeTo(worker.path, { name: 'other', domains: ['b.test'] });
    const router = await startRouter(t, { apps: [mine, other] });
    const [client, events] = [new RawConnection(router.port), new RawConnection(router.port)];
    t.after(() => {
      for (const connection of [client, events]) connection.destroy();
    });
    client.write('GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    events.write('GET /events HTTP/1.1\r\nHost: b.test\r\n\r\n');
    for (const connection of [client, events]) await connection.until('a head', (text) => text.endsWith('\r\n\r\n'));
    const left = { ...other, targets: [], hold: true, drainMs: 3000 };
    // Both tables come in one piece, so that no moment lies between them.
    await Promise.all([router.publish({ ...mine, targets: [], hold: true }, left), router.publish(mine, left)]);
    // The earliest moment of the other app's stream is later than the latest of this one would have been.
    await events.until('its end', (text) => text.endsWith('0\r\n\r\n'));
    const { connection } = await worker.request();
    connection.send('\x82\x04more');
    await client.until('more', (text) => text.endsWith('\r\n\r\n\x82\x04more'));
  });
});

describe('any other upgraded connection whose worker left the table', () => {
  it('is ended in both directions, and not reset though both ends still send', async (t) => {
    const { router, client, socket } = await openRawTunnel(t, 'echo');
    let hasWorkerEnded = false;
    socket.on('end', () => (hasWorkerEnded = true));
    await router.publish(gone);
    for (let i = 0; i < 20; i++) {
      client.write('x'.repeat(1000));
      socket.write('y'.repeat(1000));
    }
    await endsCleanly(client);
    await waitFor(() => hasWorkerEnded, { what: 'the end at the worker' });
    // What is still sent into the ended connection is read out, not answered by a reset.
    let fault: Error | undefined;
    client.socket.on('error', (error) => (fault = error));
    client.write('late');
    client.end();
    await waitFor(() => client.isClosed, { what: 'the connection to close' });
    assert.equal(fault, undefined);
    await router.accessLine('the tunnel', ({ status, endedBy }) => status === 101 && endedBy === 'router');
  });
});

describe('an event stream whose worker left the table', () => {
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

  interface Stream {
    readonly router: RouterProcess;
    readonly client: RawConnection;
    readonly worker: RecordingWorker;
    readonly request: RecordedRequest;
  }

  async function openStream(t: TestContext, version = '1.1'): Promise<Stream> {
    const worker = await RecordingWorker.start(t, ({ requestLine }) =>
      requestLine.includes('/events') ? eventHead + chunk('data: 1\n\n') : ok(),
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    const client = new RawConnection(router.port);
    t.after(() => {
      client.destroy();
    });
    client.write(`GET /events HTTP/${version}\r\nHost: a.test\r\n\r\n`);
    await client.until('an event', (text) => text.includes('data: 1\n\n'));
    return { router, client, worker, request: await worker.request() };
  }

  it('ends as a whole answer, its connection serves the next request, and its worker is free', async (t) => {
    const { router, client, worker, request } = await openStream(t);
    await router.publish(gone);
    await client.until('the end of the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
    await router.applied(({ busy }) => busy.length === 0);
    await waitFor(() => request.connection.isClosed, { what: "the worker's connection to close" });
    await router.publish(routeTo(worker.path, { targets: [next(worker.path)] }));
    client.write('GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.until('the next answer', (text) => readAnswers(text).final[1]?.isWhole === true);
    assert.equal(readAnswers(client.received).final[0]?.body, 'data: 1\n\n');
    const line = await router.accessLine('the stream', ({ path }) => path === '/events');
    assert.deepEqual([line['status'], line['endedBy'], line['cause']], [200, 'router', undefined]);
  });

  it('ends behind the event that was under way', async (t) => {
    const { router, client, request } = await openStream(t);
    request.connection.send(chunk('data: 2\n'));
    await client.until('half an event', (text) => text.includes('data: 2\n'));
    await router.publish(gone);
    request.connection.send(chunk('data: 2b\n\ndata: 3\n\n'));
    await client.until('the end of the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
    assert.equal(readAnswers(client.received).final[0]?.body, 'data: 1\n\ndata: 2\ndata: 2b\n\n');
  });

  it('ends within an event if the worker does not finish it', async (t) => {
    const { router, client, request } = await openStream(t);
    request.connection.send(chunk('data: 2\n'));
    await client.until('half an event', (text) => text.includes('data: 2\n'));
    await router.publish(gone);
    await client.until('the end of the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
    assert.equal(readAnswers(client.received).final[0]?.body, 'data: 1\n\ndata: 2\n');
  });

  it('ends with the connection for a client that knows no chunks', async (t) => {
    const { router, client } = await openStream(t, '1.0');
    await router.publish(gone);
    await endsCleanly(client);
    assert.ok(client.received.endsWith('data: 1\n\n'));
  });

  it('ends though its client does not read, and the client finds all that came', async (t) => {
    const { router, client, request } = await openStream(t);
    client.socket.pause();
    const event = `data: ${'x'.repeat(60_000)}\n\n`;
    let sent = 'data: 1\n\n';
    for (let i = 0; i < 40; i++) {
      request.connection.send(chunk(event));
      sent += event;
    }
    await router.publish(gone);
    await router.applied(({ busy }) => busy.length === 0);
    client.socket.resume();
    await client.until('the end of the answer', (text) => readAnswers(text).final[0]?.isWhole === true);
    const body = readAnswers(client.received).final[0]?.body ?? '';
    assert.ok(sent.startsWith(body));
  });

  it('is unlike an ordinary answer, which is left alone', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nha\r\n',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    t.after(() => {
      client.destroy();
    });
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const { connection } = await worker.request();
    // An event stream beside it shows when the moment has passed.
    worker.answer = () => eventHead;
    const events = new RawConnection(router.port);
    t.after(() => {
      events.destroy();
    });
    events.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await events.until('its head', (text) => text.endsWith('\r\n\r\n'));
    await router.publish(gone);
    await events.until('its end', (text) => text.endsWith('0\r\n\r\n'));
    connection.send('2\r\nlf\r\n0\r\n\r\n');
    await client.until('the whole answer', (text) => readAnswers(text).final[0]?.isWhole === true);
    assert.equal(readAnswers(client.received).final[0]?.body, 'half');
  });
});

describe('what lasts, at a router that ends,', () => {
  it('is ended in the same way within the grace, and the router then ends by itself', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) =>
      requestLine.includes('/events') ? eventHead : agreed('websocket'),
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const [events, socket] = [new RawConnection(router.port), new RawConnection(router.port)];
    t.after(() => {
      for (const connection of [events, socket]) connection.destroy();
    });
    events.write('GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n');
    socket.write('GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    for (const connection of [events, socket]) await connection.until('a head', (text) => text.endsWith('\r\n\r\n'));
    // Were they not ended by the schedule, the router would cut them only at the end of this.
    router.connection.send({ type: 'shutdown', graceMs: 600_000, idleMs: 0 });
    router.connection.send({ type: 'shutdown', graceMs: 8000, idleMs: 0 });
    await events.until('its end', (text) => readAnswers(text).final[0]?.isWhole === true);
    await events.ended();
    await socket.until('a Close', (text) => text.endsWith(close1012));
    socket.write('\x88\x82\0\0\0\0\x03\xf4');
    await endsCleanly(socket);
    socket.end();
    assert.deepEqual(await router.process.exit(), { code: 0, signal: null });
  });
});

function next(path: string): TargetRoute {
  return { key: 'app/2/1', address: `unix:${path}`, weight: 1, handoff: null };
}
