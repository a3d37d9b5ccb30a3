// Which worker gets a request, who waits and who is refused, through the real router process.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, RawConnection } from '../harness/http-client.ts';
import type { TargetRoute } from '../../lib/messages.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { route, routeTo, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const target = (worker: RecordingWorker, key: string): TargetRoute => ({
  key,
  address: `unix:${worker.path}`,
  weight: 1,
});

describe('routing', () => {
  it('picks the app by host, wildcard host and path prefix', async (t) => {
    const worker = await RecordingWorker.start(t);
    const app = (name: string, ...domains: string[]): ReturnType<typeof route> =>
      routeTo(worker.path, { name, domains });
    const router = await startRouter(t, {
      accessLog: true,
      apps: [
        app('exact', 'shop.test'),
        app('wild', '*.shop.test'),
        app('deep', '*.eu.shop.test'),
        app('path', 'shop.test/cart'),
        app('rest', '*'),
      ],
    });
    const expected: [string, string, string][] = [
      ['shop.test', '/', 'exact'],
      ['SHOP.test:8080', '/', 'exact'],
      ['shop.test.', '/carton', 'exact'],
      ['shop.test', '/cart', 'path'],
      ['shop.test', '/cart/1?x', 'path'],
      ['a.b.shop.test', '/', 'wild'],
      ['a.eu.shop.test', '/', 'deep'],
      ['other.test', '/', 'rest'],
    ];
    for (const [index, [host, path]] of expected.entries()) {
      assert.equal((await ask(router.port, { host, path: `${path}#${index}`.replace('#', '?n=') })).status, 200);
    }
    await waitFor(() => router.accessLines.length === expected.length, { what: 'all access lines' });
    assert.deepEqual(
      router.accessLines.map((line) => line['app']),
      expected.map(([, , app]) => app),
    );
  });
});

describe('the pool of an app', () => {
  it('gives each request to the least busy worker, and to equals in turn', async (t) => {
    const slow = await RecordingWorker.start(t, () => undefined);
    const fast = await RecordingWorker.start(t);
    const router = await startRouter(t, {
      apps: [route({ targets: [target(slow, 'app/1/1'), target(fast, 'app/1/2')] })],
    });
    const waiting = new RawConnection(router.port);
    waiting.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await slow.request();
    for (let i = 0; i < 5; i++) assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    assert.deepEqual([slow.requests.length, fast.requests.length], [1, 5]);
    slow.answer = () => ok();
    slow.requests[0]?.connection.send(ok());
    await waiting.until('the answer', (text) => text.endsWith('OK'));
    waiting.destroy();
    for (let i = 0; i < 10; i++) await ask(router.port, { host: 'a.test' });
    assert.deepEqual([slow.requests.length, fast.requests.length], [6, 10]);
  });

  it('gives a worker max-concurrency requests at a time; the others wait in order', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { maxConcurrency: 2 })] });
    const answers = [];
    for (let i = 0; i < 6; i++) {
      answers.push(ask(router.port, { host: 'a.test', path: `/${i}` }));
      const busy = Math.min(i + 1, 2);
      await router.stats(`request ${i} to be there`, ({ apps }) => {
        const [app] = apps;
        return app?.workers[0]?.inFlight === busy && app.queued === i + 1 - busy;
      });
    }
    assert.equal(worker.requests.length, 2);
    for (let i = 0; i < 6; i++) (await worker.request(i)).connection.send(ok());
    await Promise.all(answers);
    assert.deepEqual(
      worker.requests.map(({ requestLine }) => requestLine.split(' ')[1]),
      ['/0', '/1', '/2', '/3', '/4', '/5'],
    );
  });

  it('answers 503 with Retry-After when its queue is full, and at once', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { maxConcurrency: 1, queue: 1 })] });
    const held = [1, 2].map(() => new RawConnection(router.port));
    for (const client of held) client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    const answer = await ask(router.port, { host: 'a.test' });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['x-emperor-error'], 'queue-full');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    for (const client of held) client.destroy();
  });

  it('forgets a client that goes away while it waits', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path, { maxConcurrency: 1 })] });
    const held = [1, 2].map(() => new RawConnection(router.port));
    held[0]?.write('GET /running HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await worker.request();
    held[1]?.write('GET /waiting HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    held[1]?.destroy();
    await router.stats('nobody to wait', ({ apps, requests }) => requests === 2 && apps[0]?.queued === 0);
    worker.requests[0]?.connection.send(ok());
    await held[0]?.until('the answer', (text) => text.endsWith('OK'));
    assert.equal(worker.requests.length, 1);
    held[0]?.destroy();
  });

  it('holds requests while a worker is to come, and serves them when it is published', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [route({ hold: true })] });
    const answers = [1, 2, 3].map(() => ask(router.port, { host: 'a.test', method: 'POST', body: 'held' }));
    await router.stats('three to wait', ({ apps }) => apps[0]?.queued === 3);
    await router.publish(routeTo(worker.path));
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 200, 200],
    );
  });

  it('answers 503 where no worker is to come, also to who waited', async (t) => {
    const router = await startRouter(t, { apps: [route({ hold: true })] });
    const waiting = ask(router.port, { host: 'a.test' });
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    await router.publish(route({ reason: 'the app cannot load' }));
    for (const answer of [await waiting, await ask(router.port, { host: 'a.test' })]) {
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['x-emperor-error'], 'app-down');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    }
    assert.match(router.process.stderr, /the app cannot load/);
  });

  it('answers 503 to who waited for an app that is removed, and 404 to who comes after', async (t) => {
    const router = await startRouter(t, { apps: [route({ hold: true })] });
    const waiting = ask(router.port, { host: 'a.test' });
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    await router.publish();
    assert.equal((await waiting).headers['x-emperor-error'], 'app-removed');
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 404);
  });
});

describe('a swap of generations', () => {
  it('leaves running requests on the old one, reports it busy until they end, and sends new ones to the new one', async (t) => {
    const old = await RecordingWorker.start(t, () => undefined);
    const fresh = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [route({ targets: [target(old, 'app/1/1')] })] });
    const client = new RawConnection(router.port);
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await old.request();
    const applied = await router.publish(route({ targets: [target(fresh, 'app/2/1')] }));
    assert.deepEqual(applied.busy, ['app/1']);
    assert.equal((await ask(router.port, { host: 'a.test' })).status, 200);
    assert.equal(fresh.requests.length, 1);
    old.requests[0]?.connection.send(ok('from the old one'));
    await client.until('the old answer', (text) => text.endsWith('from the old one'));
    await router.applied(({ busy }) => busy.length === 0);
    // The client's connection survived the swap and goes on with the new generation.
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await waitFor(() => fresh.requests.length === 2, { what: 'the next request at the new worker' });
    await client.until('the new answer', (text) => text.endsWith('OK'));
    assert.equal(client.isEnded, false);
    client.destroy();
  });

  it('closes idle connections to workers that left the table', async (t) => {
    const old = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(old.path)] });
    await ask(router.port, { host: 'a.test' });
    assert.equal(old.connections[0]?.isClosed, false);
    await router.publish();
    await waitFor(() => old.connections[0]?.isClosed, { what: 'the idle connection to close' });
  });

  it('serves by a table of 10,000 hosts', async (t) => {
    const worker = await RecordingWorker.start(t);
    const apps = Array.from({ length: 10_000 }, (_, i) =>
      routeTo(worker.path, { name: `app${i}`, domains: [`host${i}.test`] }),
    );
    const router = await startRouter(t, { apps });
    assert.equal((await ask(router.port, { host: 'host9999.test' })).status, 200);
    assert.equal((await ask(router.port, { host: 'host10000.test' })).status, 404);
  });
});
