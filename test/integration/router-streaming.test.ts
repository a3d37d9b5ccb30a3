// Bodies larger than memory should hold: they stream through the router, which keeps a bounded part of them.
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { residentBytes } from '../harness/processes.ts';
import { routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor, within } from '../harness/wait-for.ts';

const gigabyte = 1024 ** 3;
const piece = Buffer.alloc(256 * 1024, 'x');
const mostResidentBytes = 150 * 1024 * 1024;
const sampleEveryBytes = 16 * 1024 * 1024;

/** Writes `size` bytes as fast as the peer takes them, then `tail`. */
function pour(socket: Socket, size: number, tail = ''): void {
  let left = size;
  const more = (): void => {
    while (left > 0) {
      const length = Math.min(left, piece.length);
      left -= length;
      if (!socket.write(piece.subarray(0, length))) {
        socket.once('drain', more);
        return;
      }
    }
    socket.write(tail);
  };
  more();
}

async function startWorker(t: TestContext, onRequest: (socket: Socket, firstBytes: Buffer) => void): Promise<string> {
  const path = socketPath(t);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', (bytes: Buffer) => {
      onRequest(socket, bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

/** Counts bytes and looks at the router's memory on the way. */
class Meter {
  bytes = 0;
  peakBytes = 0;
  readonly #router: RouterProcess;
  #nextSample = 0;

  constructor(router: RouterProcess) {
    this.#router = router;
  }

  count(length: number): void {
    this.bytes += length;
    if (this.bytes < this.#nextSample) return;
    this.#nextSample += sampleEveryBytes;
    this.peakBytes = Math.max(this.peakBytes, residentBytes(this.#router.process.pid));
  }
}

function open(t: TestContext, router: RouterProcess): Socket {
  const client = connect(router.port, '127.0.0.1');
  client.on('error', () => undefined);
  t.after(() => {
    client.destroy();
  });
  return client;
}

describe('the router', () => {
  it('passes a download of 1 GB at flat memory', async (t) => {
    const path = await startWorker(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${gigabyte}\r\n\r\n`);
      pour(socket, gigabyte);
    });
    const router = await startRouter(t, { apps: [routeTo(path)] });
    const meter = new Meter(router);
    const client = open(t, router);
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    client.on('data', (bytes: Buffer) => {
      meter.count(bytes.length);
    });
    await within(new Promise((resolve) => client.once('end', resolve)), { what: 'the download', timeoutMs: 120_000 });
    assert.ok(meter.bytes > gigabyte && meter.bytes < gigabyte + 1000, `${meter.bytes} bytes came`);
    assert.ok(meter.peakBytes < mostResidentBytes, `peak of ${meter.peakBytes} bytes`);
  });

  for (const framing of ['length', 'chunked'] as const) {
    it(`passes an upload of 1 GB at flat memory (${framing})`, async (t) => {
      const router = { current: undefined as Meter | undefined };
      let total = 0;
      let answer: () => void = () => undefined;
      const path = await startWorker(t, (socket, firstBytes) => {
        const count = (bytes: Buffer): void => {
          total += bytes.length;
          router.current?.count(bytes.length);
          if (total >= gigabyte) answer();
        };
        answer = () => {
          answer = () => undefined;
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
        };
        count(firstBytes);
        socket.on('data', count);
      });
      const started = await startRouter(t, { apps: [routeTo(path)] });
      router.current = new Meter(started);
      const client = open(t, started);
      let received = '';
      client.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
      if (framing === 'length') {
        client.write(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${gigabyte}\r\n\r\n`);
      } else {
        client.write('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n');
        client.write(`${gigabyte.toString(16)}\r\n`);
      }
      pour(client, gigabyte, framing === 'chunked' ? '\r\n0\r\n\r\n' : '');
      await waitFor(() => received.endsWith('OK'), { what: 'the answer', timeoutMs: 120_000 });
      assert.ok(router.current.peakBytes < mostResidentBytes, `peak of ${router.current.peakBytes} bytes`);
    });
  }

  it('lets a client that does not read stop the worker', async (t) => {
    let written = 0;
    const path = await startWorker(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${gigabyte}\r\n\r\n`);
      const more = (): void => {
        do written += piece.length;
        while (socket.write(piece));
        socket.once('drain', more);
      };
      more();
    });
    const router = await startRouter(t, { apps: [routeTo(path)], router: { 'idle-timeout': 1000 } });
    const client = open(t, router);
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    // The client does not read for longer than idle-timeout: the router gives it up and frees the worker.
    await router.stats(
      'the request to be given up',
      ({ connections, requests }) => connections === 0 && requests === 1,
    );
    assert.ok(written < 64 * 1024 * 1024, `the worker was stopped after ${written} bytes`);
    assert.ok(residentBytes(router.process.pid) < mostResidentBytes);
  });

  it('lets a worker that does not read stop the client', async (t) => {
    const path = await startWorker(t, (socket) => {
      socket.pause();
    });
    const router = await startRouter(t, { apps: [routeTo(path)], router: { 'upstream-timeout': 1000 } });
    const client = open(t, router);
    let received = '';
    client.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    client.write(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${gigabyte}\r\n\r\n`);
    let written = 0;
    const more = (): void => {
      do written += piece.length;
      while (client.write(piece) && written < gigabyte);
      client.once('drain', more);
    };
    more();
    await waitFor(() => received.startsWith('HTTP/1.1 504 '), { what: '504' });
    assert.ok(written < 64 * 1024 * 1024, `the client was stopped after ${written} bytes`);
  });
});
