// Large bodies of known length, which the transport may move past the router: whatever is promised of bodies holds
// of them too.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { dial, largeBody, startLargeWorker, type LargeWorker, type Peer } from '../harness/large-bodies.ts';
import { ok } from '../harness/recording-worker.ts';
import { routeTo, startRouter, type RouterOptions, type RouterProcess } from '../harness/router-process.ts';
import { transportUnderTest, withoutReactor } from '../harness/transport.ts';
import { waitFor } from '../harness/wait-for.ts';

const megabyte = 1024 * 1024;
const body = largeBody(8 * megabyte);
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const answerHead = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
const headOf = (method: string, length = body.length): string =>
  `${method} / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`;

interface Scene {
  readonly worker: LargeWorker;
  readonly router: RouterProcess;
  readonly client: Peer;
}

async function start(t: TestContext, onPeer: (peer: Peer) => void, options: RouterOptions = {}): Promise<Scene> {
  const worker = await startLargeWorker(t, onPeer);
  const router = await startRouter(t, { apps: [routeTo(worker.path)], accessLog: true, ...options });
  return { worker, router, client: dial(t, router.port) };
}

/** How an answer to a request with a large body ended, as the access log has it. */
async function endingOf(router: RouterProcess): Promise<unknown[]> {
  const line = await router.accessLine('the request', () => true);
  return [line['status'], line['cause'], line['endedBy']];
}

async function moreThan(bytes: number, { peer, what }: { peer: () => Peer | undefined; what: string }): Promise<void> {
  await waitFor(() => (peer()?.receivedBytes ?? 0) > bytes, { what });
}

/** Answers each request on the connection by its turn; a large body counts as soon as all of its bytes are there. */
function answerWhen(peer: Peer, bytes: number, answer: () => void): void {
  const check = (): void => {
    if (peer.receivedBytes < bytes) return;
    peer.socket.off('data', check);
    answer();
  };
  peer.socket.on('data', check);
  check();
}

describe('a large answer', () => {
  it('arrives to the byte, is counted, and both connections go on', async (t) => {
    let asked = 0;
    const { worker, router, client } = await start(t, (peer) => {
      const answer = (): void => {
        if (asked++ === 0) peer.write(answerHead, body);
        else peer.write(ok('next'));
      };
      answer();
      peer.socket.on('data', answer);
    });
    client.write(get);
    await waitFor(() => client.body.length === body.length, { what: 'the answer' });
    assert.ok(client.body.equals(body));
    client.write(get);
    await waitFor(() => client.received.toString('latin1').endsWith('next'), { what: 'the next answer' });
    const line = await router.accessLine('the answer', () => true);
    assert.deepEqual([line['status'], line['bytesOut'], line['cause']], [200, body.length, undefined]);
    assert.equal(worker.peers.length, 1);
  });

  it('with bytes behind it ends its connection: they are no answer to another request', async (t) => {
    let connections = 0;
    const { worker, client } = await start(t, (peer) => {
      if (connections++ === 0) peer.write(answerHead, Buffer.concat([body, Buffer.from(ok('smuggled'))]));
      else peer.write(ok('own'));
    });
    client.write(get);
    client.write(get);
    await waitFor(() => client.received.toString('latin1').endsWith('own'), { what: 'the second answer' });
    assert.equal(worker.peers.length, 2);
    assert.equal(client.received.includes('smuggled'), false);
  });

  for (const way of ['is ended', 'is closed'] as const) {
    it(`whose worker's connection ${way} is cut, and what came of it is counted`, async (t) => {
      const { worker, router, client } = await start(t, (peer) => {
        peer.write(answerHead, body.subarray(0, 2 * megabyte));
      });
      client.write(get);
      await waitFor(() => client.body.length === 2 * megabyte, { what: 'the part of the answer' });
      if (way === 'is ended') worker.peers[0]?.socket.end();
      else worker.peers[0]?.socket.destroy();
      await waitFor(() => client.isEnded, { what: 'the cut' });
      const line = await router.accessLine('the answer', () => true);
      assert.deepEqual([line['status'], line['cause'], line['bytesOut']], [200, 'worker-closed', 2 * megabyte]);
      assert.ok(client.body.equals(body.subarray(0, 2 * megabyte)));
    });
  }

  it('whose worker pauses for longer than upstream-timeout is cut', async (t) => {
    const options = { router: { 'upstream-timeout': 500 } };
    const { worker, router, client } = await start(
      t,
      (peer) => {
        peer.write(answerHead, body.subarray(0, 1000));
      },
      options,
    );
    client.write(get);
    await waitFor(() => client.body.length === 1000, { what: 'the part of the answer' });
    worker.peers[0]?.write(body.subarray(1000, 2 * megabyte));
    await waitFor(() => client.isEnded, { what: 'the cut' });
    assert.deepEqual(await endingOf(router), [200, 'worker-silent', 'worker']);
    await waitFor(() => worker.peers[0]?.isEnded, { what: 'the worker to be told' });
  });

  it('is waited for as long as its client reads, however slowly', async (t) => {
    // What the kernel holds on its way must be little in relation to it.
    const large = largeBody(32 * megabyte);
    const { router, client } = await start(
      t,
      (peer) => {
        peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`, large);
      },
      { router: { 'idle-timeout': 2000 } },
    );
    // It takes 2 MB and rests, again and again: longer than idle-timeout in all, and never for so long at a time.
    let limit = 2 * megabyte;
    client.socket.on('data', () => {
      if (client.receivedBytes < limit) return;
      limit += 2 * megabyte;
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 250);
    });
    client.write(get);
    await waitFor(() => client.body.length === large.length, { what: 'the answer', timeoutMs: 30_000 });
    assert.ok(client.body.equals(large));
    assert.deepEqual(await endingOf(router), [200, undefined, undefined]);
  });

  it('whose client does not read is given up after idle-timeout', async (t) => {
    const large = largeBody(32 * megabyte);
    const { worker, router, client } = await start(
      t,
      (peer) => {
        peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`, large);
      },
      { router: { 'idle-timeout': 500 } },
    );
    client.socket.pause();
    client.write(get);
    assert.deepEqual(await endingOf(router), [200, 'client-not-reading', 'client']);
    await waitFor(() => worker.peers[0]?.isClosed === true || worker.peers[0]?.isEnded, {
      what: 'the worker to be free',
    });
  });

  it('whose client goes away ends for the worker too', async (t) => {
    const { worker, router, client } = await start(t, (peer) => {
      peer.write(answerHead, body.subarray(0, 2 * megabyte));
    });
    client.write(get);
    await waitFor(() => client.body.length === 2 * megabyte, { what: 'the part of the answer' });
    client.socket.resetAndDestroy();
    await waitFor(() => worker.peers[0]?.isEnded, { what: 'the worker to be told' });
    const line = await router.accessLine('the answer', () => true);
    assert.deepEqual([line['cause'], line['bytesOut']], ['client-gone', 2 * megabyte]);
  });

  it('is cut when the grace of a router that ends is over, and what came of it is counted', async (t) => {
    const { router, client } = await start(t, (peer) => {
      peer.write(answerHead, body.subarray(0, 2 * megabyte));
    });
    client.write(get);
    await waitFor(() => client.body.length === 2 * megabyte, { what: 'the part of the answer' });
    await router.shutdown(300);
    await waitFor(() => client.isEnded, { what: 'the cut' });
    const line = await router.accessLine('the answer', () => true);
    assert.deepEqual([line['cause'], line['bytesOut']], ['shutdown', 2 * megabyte]);
  });

  it('that runs when the router begins to end arrives whole', async (t) => {
    const { worker, router, client } = await start(t, (peer) => {
      peer.write(answerHead, body.subarray(0, 2 * megabyte));
    });
    client.write(get);
    await waitFor(() => client.body.length === 2 * megabyte, { what: 'the part of the answer' });
    const ending = router.shutdown(10_000);
    worker.peers[0]?.write(body.subarray(2 * megabyte));
    await waitFor(() => client.body.length === body.length, { what: 'the answer' });
    client.socket.end();
    await ending;
    assert.ok(client.body.equals(body));
  });
});

describe('a large request body', () => {
  for (const method of ['POST', 'PUT']) {
    it(`arrives to the byte, is counted, and the request behind it is answered (${method})`, async (t) => {
      const { worker, router, client } = await start(t, (peer) => {
        answerWhen(peer, body.length, () => {
          const { length } = peer.body;
          if (length === body.length) peer.write(ok('whole'));
          else
            answerWhen(peer, peer.receivedBytes + body.length - length, () => {
              peer.write(ok('whole'));
            });
          peer.socket.on('data', (bytes: Buffer) => {
            if (bytes.toString('latin1', 0, 4) === 'GET ') peer.write(ok('next'));
          });
        });
      });
      client.write(headOf(method), body, get);
      await waitFor(() => client.received.toString('latin1').endsWith('next'), { what: 'both answers' });
      assert.ok(worker.peers[0]?.body.subarray(0, body.length).equals(body));
      const line = await router.accessLine('the request', () => true);
      assert.deepEqual([line['method'], line['status'], line['bytesIn']], [method, 200, body.length]);
    });
  }

  it(
    'goes past the router without a copy',
    { skip: transportUnderTest === 'portable' ? 'it is about the reactor' : withoutReactor },
    async (t) => {
      const { worker, router, client } = await start(t, () => undefined);
      const pipes = (): number => {
        const fds = `/proc/${router.process.pid}/fd`;
        return readdirSync(fds).filter((fd) => linkOf(`${fds}/${fd}`).startsWith('pipe:')).length;
      };
      const before = pipes();
      client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
      await moreThan(2 * megabyte, { peer: () => worker.peers[0], what: 'the part of the body' });
      assert.equal(pipes(), before + 2);
      client.socket.resetAndDestroy();
      await waitFor(() => pipes() === before, { what: 'the pipe to be closed' });
    },
  );

  it('is answered 504 when its worker reads no more for longer than upstream-timeout', async (t) => {
    const options = { router: { 'upstream-timeout': 500, 'body-timeout': 100 } };
    const { router, client } = await start(t, (peer) => peer.socket.pause(), options);
    client.write(headOf('POST'), body);
    await waitFor(() => client.firstLine.startsWith('HTTP/1.1 504'), { what: '504' });
    assert.deepEqual(await endingOf(router), [504, 'worker-silent', 'worker']);
  });

  it('is not held against its client while the worker rests', async (t) => {
    const large = largeBody(32 * megabyte);
    const { router, client, worker } = await start(
      t,
      (peer) => {
        answerWhen(peer, large.length, () => {
          answerWhen(peer, peer.receivedBytes + large.length - peer.body.length, () => {
            peer.write(ok('whole'));
          });
        });
        // Three times body-timeout.
        peer.socket.pause();
        setTimeout(() => peer.socket.resume(), 1500);
      },
      { router: { 'body-timeout': 500, 'upstream-timeout': 10_000 } },
    );
    client.write(headOf('POST', large.length), large);
    await waitFor(() => client.firstLine.startsWith('HTTP/1.1 '), { what: 'the answer', timeoutMs: 20_000 });
    assert.deepEqual(await endingOf(router), [200, undefined, undefined]);
    assert.ok(worker.peers[0]?.body.equals(large));
  });

  it('whose client pauses for longer than body-timeout: 408, and the worker sees it break off', async (t) => {
    const options = { router: { 'body-timeout': 500 } };
    const { worker, router, client } = await start(t, () => undefined, options);
    client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
    await waitFor(() => client.firstLine.startsWith('HTTP/1.1 408'), { what: '408' });
    await waitFor(() => worker.peers[0]?.isEnded, { what: 'the worker to be told' });
    const line = await router.accessLine('the request', () => true);
    assert.deepEqual([line['cause'], line['bytesIn']], ['client-slow-body', 2 * megabyte]);
  });

  it('that is answered early: the client can read the answer to its end', async (t) => {
    const { worker, router, client } = await start(t, () => undefined);
    client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
    await moreThan(2 * megabyte, { peer: () => worker.peers[0], what: 'the part of the body' });
    worker.peers[0]?.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nenough!`);
    client.write(body.subarray(2 * megabyte));
    await waitFor(() => client.isEnded, { what: 'the end' });
    const text = client.received.toString('latin1');
    assert.match(text, /^HTTP\/1\.1 403 /);
    assert.match(text, /Connection: close\r\n/);
    assert.ok(text.endsWith('\r\n\r\nenough!'));
    const line = await router.accessLine('the request', () => true);
    assert.ok(Number(line['bytesIn']) >= 2 * megabyte, String(line['bytesIn']));
  });

  it('whose worker dies: 502, not a reset, and it is not sent again', async (t) => {
    const { worker, client } = await start(t, () => undefined);
    client.write(headOf('PUT'), body.subarray(0, 2 * megabyte));
    await moreThan(2 * megabyte, { peer: () => worker.peers[0], what: 'the part of the body' });
    worker.peers[0]?.socket.destroy();
    client.write(body.subarray(2 * megabyte));
    await waitFor(() => client.isEnded, { what: 'the end' });
    assert.match(client.firstLine, /^HTTP\/1\.1 502 /);
    assert.equal(worker.peers.length, 1);
  });

  it('of which the worker reads a part, answers and closes at once: the answer is passed on', async (t) => {
    const { worker, client } = await start(t, () => undefined);
    client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
    await moreThan(2 * megabyte, { peer: () => worker.peers[0], what: 'the part of the body' });
    worker.peers[0]?.socket.pause();
    worker.peers[0]?.write('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch');
    worker.peers[0]?.socket.destroySoon();
    client.write(body.subarray(2 * megabyte));
    await waitFor(() => client.isEnded, { what: 'the end' });
    assert.match(client.firstLine, /^HTTP\/1\.1 413 /);
    assert.ok(client.body.toString('latin1').endsWith('much'));
  });

  it('whose client goes away breaks off for the worker', async (t) => {
    const { worker, router, client } = await start(t, () => undefined);
    client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
    await moreThan(2 * megabyte, { peer: () => worker.peers[0], what: 'the part of the body' });
    client.socket.resetAndDestroy();
    await waitFor(() => worker.peers[0]?.isEnded, { what: 'the worker to be told' });
    const line = await router.accessLine('the request', () => true);
    assert.deepEqual([line['cause'], line['bytesIn']], ['client-gone', 2 * megabyte]);
  });

  it('whose client ends too early: 400', async (t) => {
    const { worker, router, client } = await start(t, () => undefined);
    client.write(headOf('POST'), body.subarray(0, 2 * megabyte));
    client.socket.end();
    await waitFor(() => client.isEnded, { what: 'the end' });
    assert.match(client.firstLine, /^HTTP\/1\.1 400 /);
    assert.ok(client.body.includes(`${2 * megabyte} of ${body.length}`), client.body.toString('latin1'));
    await waitFor(() => worker.peers[0]?.isEnded, { what: 'the worker to be told' });
    const line = await router.accessLine('the request', () => true);
    assert.deepEqual([line['cause'], line['bytesIn']], ['client-malformed', 2 * megabyte]);
  });

  it('is echoed while it comes: both directions at a time', async (t) => {
    const { client } = await start(t, (peer) => {
      peer.write(answerHead, peer.body);
      peer.socket.on('data', (bytes: Buffer) => peer.socket.write(bytes));
    });
    client.write(headOf('POST'), body);
    await waitFor(() => client.body.length === body.length, { what: 'the echo' });
    assert.ok(client.body.equals(body));
  });
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return '';
  }
}
