// Which worker gets a request, who waits and who is refused, through the real router process.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, RawConnection } from '../harness/http-client.ts';
import type { TargetRoute } from '../../lib/routes.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { route, routeTo, startRouter } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const target = (worker: RecordingWorker, key: string): TargetRoute => ({
  key,
  address: `unix:${worker.path}`,
  weight: 1,
  handoff: null,
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

describe('weights of workers', () => {
  it('are their parts of the requests, also where all are idle', async (t) => {
    const workers = [await RecordingWorker.start(t), await RecordingWorker.start(t)] as const;
    const [light, heavy] = workers;
    const targets = [
      { ...target(light, 'app/1/1'), weight: 1 },
      { ...target(heavy, 'app/1/2'), weight: 3 },
    ];
    const router = await startRouter(t, { apps: [route({ targets })] });
    for (let i = 0; i < 40; i++) await ask(router.port, { host: 'a.test' });
    assert.deepEqual([light.requests.length, heavy.requests.length], [10, 30]);
    await router.publish(route({ targets: targets.map((listed) => ({ ...listed, weight: 1 })) }));
    for (let i = 0; i < 20; i++) await ask(router.port, { host: 'a.test' });
    assert.deepEqual([light.requests.length, heavy.requests.length], [20, 40]);
  });
});

describe('a paused app', () => {
  it('finishes what runs, holds what comes, and goes on with both when it is resumed', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const running = [1, 2].map((n) => ask(router.port, { host: 'a.test', path: `/running/${n}` }));
    await worker.request(1);
    const paused = await router.publish(route({ hold: true }));
    assert.deepEqual(paused.busy, ['app/1/1']);
    worker.answer = () => ok('resumed');
    const held = ask(router.port, { host: 'a.test', method: 'POST', body: 'held' });
    await router.stats('one to wait', ({ apps }) => apps[0]?.queued === 1);
    worker.requests[0]?.connection.send(ok('finished'));
    assert.equal((await Promise.any(running)).body, 'finished');
    assert.deepEqual((await router.applied(() => true)).busy, ['app/1/1'], 'the other one still runs');
    const resumed = await router.publish(routeTo(worker.path));
    assert.deepEqual(resumed.busy, []);
    assert.equal((await held).body, 'resumed');
    worker.requests[1]?.connection.send(ok('finished'));
    assert.deepEqual(
      (await Promise.all(running)).map(({ body }) => body),
      ['finished', 'finished'],
    );
  });

  it('is no longer named busy once all its requests are done', async (t) => {
    const worker = await RecordingWorker.start(t, () => undefined);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const running = ask(router.port, { host: 'a.test' });
    await worker.request();
    assert.deepEqual((await router.publish(route({ hold: true }))).busy, ['app/1/1']);
    worker.requests[0]?.connection.send(ok());
    assert.equal((await running).status, 200);
    await router.applied(({ busy }) => busy.length === 0);
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
    assert.deepEqual(applied.busy, ['app/1/1']);
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

  it('names a single worker busy that left a generation which goes on', async (t) => {
    const workers = [1, 2].map(() => RecordingWorker.start(t, () => undefined));
    const [first, second] = await Promise.all(workers);
    assert.ok(first !== undefined && second !== undefined);
    const targets = [target(first, 'app/1/1'), target(second, 'app/1/2')];
    const router = await startRouter(t, { apps: [route({ targets })] });
    const answers = [1, 2].map(() => ask(router.port, { host: 'a.test' }));
    await Promise.all([first.request(), second.request()]);
    const applied = await router.publish(route({ targets: targets.slice(0, 1) }));
    assert.deepEqual(applied.busy, ['app/1/2']);
    for (const { requests } of [first, second]) requests[0]?.connection.send(ok());
    await router.applied(({ busy }) => busy.length === 0);
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 200],
    );
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
