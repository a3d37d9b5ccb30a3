// Upgraded connections through the real router process.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, RawConnection } from '../harness/http-client.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, socketPath, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const upgrade =
  'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\nX-Own: 1\r\n\r\n';
const agreed = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** A worker that agrees to every upgrade and hands the test the raw socket. */
async function startTunnelWorker(
  t: TestContext,
  behindHead = '',
): Promise<{ path: string; sockets: Socket[]; received: () => string }> {
  const path = socketPath(t);
  const sockets: Socket[] = [];
  let received = '';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      // From the first moment: what no listener takes is lost.
      socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
      socket.write(agreed + behindHead);
      sockets.push(socket);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { path, sockets, received: () => received };
}

describe('an upgraded connection', () => {
  it('carries WebSocket messages of every size both ways, and its closing handshake', async (t) => {
    const path = socketPath(t);
    const http = createHttpServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => {
        socket.send(data as Buffer, { binary: isBinary });
      });
    });
    await new Promise<void>((resolve) => {
      http.listen(path, resolve);
    });
    t.after(() => {
      sockets.close();
      http.close();
    });
    const router = await startRouter(t, { apps: [routeTo(path)] });
    const client = new WebSocket(`ws://127.0.0.1:${router.port}/`, { headers: { host: 'a.test' } });
    await new Promise((resolve, reject) => {
      client.once('open', resolve).once('error', reject);
    });
    for (const size of [1, 125, 65_536, 3_000_000]) {
      const message = Buffer.alloc(size, `${size}`);
      const echoed = new Promise<Buffer>((resolve) => {
        client.once('message', (data) => {
          resolve(data as Buffer);
        });
      });
      client.send(message);
      assert.ok(message.equals(await echoed), `${size} bytes come back`);
    }
    const code = new Promise((resolve) => client.once('close', resolve));
    client.close(4001);
    assert.equal(await code, 4001);
  });

  it('is asked for and agreed to in canonical form, and starts with what came behind either head', async (t) => {
    const worker = await startTunnelWorker(t, 'worker first');
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(`${upgrade}client first`);
    await client.until('the first bytes', (text) => text.endsWith('\r\n\r\nworker first'));
    assert.match(
      client.received,
      /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n/,
    );
    await waitFor(() => worker.received() === 'client first', { what: "the client's first bytes" });
    client.destroy();
  });

  it('passes on the end of one direction while the other goes on', async (t) => {
    const worker = await startTunnelWorker(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true });
    const client = new RawConnection(router.port);
    client.write(upgrade);
    await client.until('101', (text) => text.includes('\r\n\r\n'));
    const [socket] = worker.sockets;
    assert.ok(socket !== undefined);
    let hasEnded = false;
    socket.on('end', () => (hasEnded = true));
    socket.resume();
    client.write('bye');
    client.end();
    await waitFor(() => hasEnded, { what: "the client's end at the worker" });
    socket.end('good bye');
    await client.ended();
    assert.ok(client.received.endsWith('good bye'));
    const line = await router.accessLine('the tunnel', ({ status }) => status === 101);
    assert.deepEqual([line['bytesIn'], line['bytesOut'], line['endedBy']], [3, 8, 'client']);
  });

  it('ends for the client when the worker dies, and soon altogether even if the client does not close', async (t) => {
    const worker = await startTunnelWorker(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(upgrade);
    await client.until('101', (text) => text.includes('\r\n\r\n'));
    worker.sockets[0]?.destroy();
    await client.ended();
    await router.stats('the worker to be free', ({ connections, apps }) => {
      return connections === 0 && apps[0]?.workers[0]?.inFlight === 0;
    });
  });

  it('that is silent for longer than tunnel-timeout is ended on both sides', async (t) => {
    const worker = await startTunnelWorker(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)], router: { 'tunnel-timeout': 300 } });
    const client = new RawConnection(router.port);
    client.write(upgrade);
    await client.ended();
    worker.sockets[0]?.resume();
    await waitFor(() => worker.sockets[0]?.readableEnded, { what: 'the end at the worker' });
    client.destroy();
  });

  it('a slow reader stops its writer, and every byte arrives', async (t) => {
    const worker = await startTunnelWorker(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(upgrade);
    await client.until('101', (text) => text.includes('\r\n\r\n'));
    client.socket.pause();
    const [socket] = worker.sockets;
    assert.ok(socket !== undefined);
    const size = 32 * 1024 * 1024;
    let isBlocked = false;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const headBytes = client.received.length;
    const pump = (): void => {
      for (; sent < size; sent += chunk.length) {
        if (socket.write(chunk)) continue;
        sent += chunk.length;
        isBlocked = true;
        socket.once('drain', pump);
        return;
      }
      socket.end();
    };
    let sent = 0;
    pump();
    await waitFor(() => isBlocked, { what: 'the writer to be stopped' });
    client.socket.resume();
    await client.ended(30_000);
    assert.equal(client.received.length - headBytes, size);
  });

  it('that the worker does not agree to is an ordinary answer, and the connection goes on', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) => ok(requestLine));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(`${upgrade}GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    await client.until('both answers', (text) => text.endsWith('GET /next HTTP/1.1'));
    assert.deepEqual(worker.requests[0]?.fields.get('upgrade'), ['echo']);
    assert.deepEqual(worker.requests[0].fields.get('connection'), ['Upgrade']);
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    client.destroy();
  });
});
