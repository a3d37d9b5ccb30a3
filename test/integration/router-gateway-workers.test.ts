// Which gateway worker gets a request and when, what becomes of it when a worker fails, and of workers that go.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayWorker, ok } from '../harness/gateway-worker.ts';
import { ask, RawConnection, type Answer } from '../harness/http-client.ts';
import { RecordingWorker } from '../harness/recording-worker.ts';
import { route, routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const pathOf = ({ variables }: { readonly variables: ReadonlyMap<string, string> }): string | undefined =>
  variables.get('PATH_INFO');

/** Asks for /0, /1 … one after the other, each once the router has the one before. */
async function askInOrder(router: RouterProcess, count: number): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (let i = 0; i < count; i++) {
    answers.push(ask(router.port, { host: 'a.test', path: `/${i}` }));
    await router.stats(`request ${i} to be there`, ({ requests }) => requests === i + 1);
  }
  return answers;
}

describe('the capacity of gateway workers', () => {
  it('is never exceeded: the others wait in order, and go to the worker that is free first', async (t) => {
    const workers = [await GatewayWorker.start(t, () => undefined), await GatewayWorker.start(t, () => undefined)];
    const [one, two] = workers;
    assert.ok(one !== undefined && two !== undefined);
    const targets = [one.target('app/1/1', 1), two.target('app/1/2', 2)];
    const router = await startRouter(t, { apps: [route({ targets })] });
    const answers = await askInOrder(router, 7);
    await waitFor(() => one.requests.length + two.requests.length === 3, { what: 'the first three' });
    assert.deepEqual([one.requests.length, two.requests.length], [1, 2]);
    // The second worker alone goes on: what waits is its, one by one.
    for (let n = 0; n < 5; n++) {
      (await two.request(n)).connection.send(ok());
      if (n < 4) await two.request(n + 2);
      assert.ok(two.requests.length - n <= 3);
    }
    assert.deepEqual(two.requests.slice(2).map(pathOf), ['/3', '/4', '/5', '/6']);
    assert.equal(one.requests.length, 1);
    (await two.request(5)).connection.send(ok());
    (await one.request(0)).connection.send(ok());
    for (const answer of answers) assert.equal((await answer).status, 200);
    assert.ok(one.connections.length <= 1 && two.connections.length <= 2, 'so many connections are enough');
  });

  it('is free again when a client goes away, and who waits is served then', async (t) => {
    const worker = await GatewayWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)] })] });
    const gone = new RawConnection(router.port);
    gone.write('GET /gone HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await worker.request();
    const waiting = ask(router.port, { host: 'a.test', path: '/waiting' });
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    gone.destroy();
    const next = await worker.request(1);
    assert.equal(pathOf(next), '/waiting');
    next.connection.send(ok());
    assert.equal((await waiting).status, 200);
  });

  it('counts for the queue: who finds it full is refused at once', async (t) => {
    const worker = await GatewayWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)], queue: 1 })] });
    const held = [1, 2].map(() => new RawConnection(router.port));
    for (const client of held) client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    const { status, headers } = await ask(router.port, { host: 'a.test' });
    assert.deepEqual([status, headers['x-emperor-error']], [503, 'queue-full']);
    for (const client of held) client.destroy();
  });
});

describe('a deploy of gateway workers', () => {
  it('lets run what runs, and serves by the new ones what waits and what comes', async (t) => {
    const old = await GatewayWorker.start(t, () => undefined);
    const fresh = await GatewayWorker.start(t);
    const router = await startRouter(t, { apps: [route({ targets: [old.target('app/1/1', 1)] })] });
    const client = new RawConnection(router.port);
    client.write('PUT /running HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n\r\nfir');
    const running = await old.head();
    const waiting = ask(router.port, { host: 'a.test', path: '/waiting' });
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    await router.publish(route({ targets: [fresh.target('app/2/1', 1)] }));
    assert.equal((await waiting).status, 200);
    assert.equal((await ask(router.port, { host: 'a.test', path: '/new' })).status, 200);
    await router.applied(({ busy }) => busy.includes('app/1/1'));
    client.write('st!');
    await old.request();
    assert.equal(running.body.bytes.toString(), 'first!');
    running.connection.send(ok());
    await client.until('the answer', (text) => text.endsWith('OK'));
    await router.applied(({ busy }) => busy.length === 0);
    await waitFor(() => running.connection.isClosed, { what: 'the connection to the old worker to be closed' });
    client.write('GET /again HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await fresh.request(2);
    assert.deepEqual(fresh.requests.map(pathOf), ['/waiting', '/new', '/again']);
    client.destroy();
  });

  it('may change what the app speaks, in both directions, on a client connection that stays', async (t) => {
    const gateway = await GatewayWorker.start(t, () => ok('gateway'));
    const http = await RecordingWorker.start(t, () => ok('http'));
    const router = await startRouter(t, { apps: [route({ targets: [gateway.target('app/1/1', 1)] })] });
    const client = new RawConnection(router.port);
    const hear = async (word: string): Promise<void> => {
      const before = client.received.length;
      client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      await client.until(word, (text) => text.slice(before).endsWith(word));
    };
    await hear('gateway');
    await router.publish(routeTo(http.path));
    await hear('http');
    await router.publish(route({ targets: [gateway.target('app/3/1', 1)] }));
    await hear('gateway');
    client.destroy();
  });
});

describe('a gateway worker that fails', () => {
  it('before a byte of the answer loses no idempotent request: another one gets it, the same one where there is none', async (t) => {
    let isLost = false;
    const worker = await GatewayWorker.start(t, ({ connection }) => {
      if (isLost) return ok();
      isLost = true;
      connection.socket.destroy();
      return undefined;
    });
    const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)] })] });
    assert.equal((await ask(router.port, { host: 'a.test', method: 'PUT', body: 'again' })).status, 200);
    assert.deepEqual(
      worker.requests.map(({ body }) => body.bytes.toString()),
      ['again', 'again'],
    );
    isLost = false;
    const { status, headers } = await ask(router.port, { host: 'a.test', method: 'POST', body: 'once' });
    assert.deepEqual([status, headers['x-emperor-error']], [502, 'worker-closed']);
    assert.equal(worker.requests.length, 3);
  });

  it('closing an idle connection costs nobody a request', async (t) => {
    const worker = await GatewayWorker.start(t, () => ok());
    const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)] })] });
    for (let i = 0; i < 5; i++) {
      assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
      const { connection } = await worker.request(i);
      connection.socket.end();
      await waitFor(() => connection.isClosed, { what: 'the router to close its end' });
    }
  });

  it('to take connections is ejected, found again by a connection without a request, and given the next one', async (t) => {
    const path = socketPath(t);
    const first = await GatewayWorker.start(
      t,
      ({ connection }) => {
        connection.socket.destroy();
        return undefined;
      },
      path,
    );
    const router = await startRouter(t, { apps: [route({ targets: [first.target('app/1/1', 1)] })] });
    for (let i = 0; i < 3; i++) await ask(router.port, { host: 'a.test', method: 'POST' });
    await waitFor(() => router.logged('ejected a worker that fails').length === 1, { what: 'the ejection' });
    first.answer = () => ok();
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    assert.equal(router.logged('an ejected worker answers again').length, 1);
    const silent = first.connections.filter((connection) =>
      first.heads.every((head) => head.connection !== connection),
    );
    assert.ok(silent.length > 0, 'the probe said nothing');
  });

  it('or not, is reached for the emperor without a request', async (t) => {
    const worker = await GatewayWorker.start(t);
    const router = await startRouter(t, { apps: [route({ targets: [worker.target('app/1/1', 1)] })] });
    assert.equal((await router.probe('app')).instance, 'app/1');
    assert.equal(worker.heads.length, 0);
  });
});
