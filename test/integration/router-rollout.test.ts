// Two generations that share an app's clients, and what tells them apart, through the real router process.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { latencyBoundsMs, latencyTurns, type GenerationStats } from '../../lib/app-stats.ts';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { route, routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** A keep-alive client; each answer's body is the name of who gave it. */
class Client {
  readonly #connection: RawConnection;
  #answers = 0;

  constructor(t: TestContext, router: RouterProcess) {
    this.#connection = new RawConnection(router.port);
    t.after(() => {
      this.#connection.destroy();
    });
  }

  send(): void {
    this.#connection.write(get);
  }

  get answers(): string[] {
    return [...this.#connection.received.matchAll(/<(\w+)>/g)].map(([, name]) => name ?? '');
  }

  async ask(): Promise<string> {
    this.send();
    const count = ++this.#answers;
    await this.#connection.until('an answer', () => this.answers.length >= count);
    return this.answers.at(-1) ?? '';
  }
}

interface Pair {
  readonly old: RecordingWorker;
  readonly fresh: RecordingWorker;
  readonly targets: ReturnType<typeof route>['targets'];
  readonly next: (share: number) => ReturnType<typeof route>['next'];
}

async function startPair(t: TestContext): Promise<Pair> {
  const old = await RecordingWorker.start(t, () => ok('<old>'));
  const fresh = await RecordingWorker.start(t, () => ok('<fresh>'));
  const targets = [{ key: 'app/1/1', address: `unix:${old.path}`, weight: 1, handoff: null }];
  const nextTargets = [{ key: 'app/2/1', address: `unix:${fresh.path}`, weight: 1, handoff: null }];
  return { old, fresh, targets, next: (share) => ({ targets: nextTargets, share }) };
}

describe('a share of the clients', () => {
  it('is served by the newer generation; no client goes back while it grows, and all are moved when that is live', async (t) => {
    const { targets, next } = await startPair(t);
    const router = await startRouter(t, { apps: [route({ targets, next: next(0.5) })] });
    const clients = Array.from({ length: 40 }, () => new Client(t, router));
    const askAll = (): Promise<string[]> => Promise.all(clients.map((client) => client.ask()));
    const first = await askAll();
    assert.deepEqual(new Set(first), new Set(['old', 'fresh']));
    assert.deepEqual(await askAll(), first, 'a client keeps to its side');
    await router.publish(route({ targets, next: next(0.8) }));
    const second = await askAll();
    for (const [i, side] of first.entries()) if (side === 'fresh') assert.equal(second[i], 'fresh');
    await router.publish(route({ targets: next(1)?.targets ?? [] }));
    assert.deepEqual(new Set(await askAll()), new Set(['fresh']));
  });

  it('of 0 or 1 leaves no doubt', async (t) => {
    const { targets, next } = await startPair(t);
    const router = await startRouter(t, { apps: [route({ targets, next: next(0) })] });
    const clients = Array.from({ length: 20 }, () => new Client(t, router));
    for (const client of clients) assert.equal(await client.ask(), 'old');
    await router.publish(route({ targets, next: next(1) }));
    for (const client of clients) assert.equal(await client.ask(), 'fresh');
  });

  it('never waits for the other side', async (t) => {
    const { old, fresh, targets, next } = await startPair(t);
    old.answer = () => undefined;
    const router = await startRouter(t, { apps: [route({ targets, next: next(0.5), maxConcurrency: 1 })] });
    const clients = Array.from({ length: 40 }, () => new Client(t, router));
    for (const client of clients) client.send();
    const stats = await router.stats('all to be there', ({ apps }) => {
      const [app] = apps;
      return app?.requests === 40 && app.queued + 1 + fresh.requests.length === 40;
    });
    const waiting = stats.apps[0]?.queued ?? 0;
    await waitFor(() => clients.filter(({ answers }) => answers.length === 1).length === 39 - waiting, {
      what: 'an answer to every client of the newer generation',
    });
    old.answer = () => ok('<old>');
    old.requests[0]?.connection.send(ok('<old>'));
    await waitFor(() => clients.every(({ answers }) => answers.length === 1), { what: 'an answer to everyone' });
    assert.deepEqual([old.requests.length, fresh.requests.length], [waiting + 1, 39 - waiting]);
  });

  it('keeps a request that is sent again on its side', async (t) => {
    const { old, fresh, targets, next } = await startPair(t);
    fresh.answer = ({ connection }) => {
      connection.socket.destroy();
      fresh.answer = () => ok('<fresh>');
      return undefined;
    };
    const router = await startRouter(t, { apps: [route({ targets, next: next(1) })] });
    assert.equal((await ask(router.port, { host: 'a.test' })).body, '<fresh>');
    assert.deepEqual([old.requests.length, fresh.requests.length], [0, 2]);
  });
});

describe('the counters of a rollout', () => {
  const of = (generations: readonly GenerationStats[], instance: string): GenerationStats | undefined =>
    generations.find((one) => one.instance === instance);

  it('tell requests, errors and latencies of both generations, and only while two serve', async (t) => {
    const { fresh, targets, next } = await startPair(t);
    const router = await startRouter(t, { apps: [route({ targets })] });
    await ask(router.port, { host: 'a.test' });
    const before = await router.stats('a request', ({ apps }) => apps[0]?.requests === 1);
    assert.deepEqual(before.apps[0]?.generations, []);
    await router.publish(route({ targets, next: next(0) }));
    for (let i = 0; i < 3; i++) await ask(router.port, { host: 'a.test' });
    await router.publish(route({ targets, next: next(1) }));
    fresh.answer = ({ requestLine, connection }) => {
      if (!requestLine.includes('lost')) return 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n';
      connection.socket.destroy();
      return undefined;
    };
    await ask(router.port, { host: 'a.test' });
    await ask(router.port, { host: 'a.test', method: 'POST', path: '/lost' });
    const { apps } = await router.stats('both to be counted', ({ apps: [app] }) => {
      return of(app?.generations ?? [], 'app/1')?.requests === 3 && of(app?.generations ?? [], 'app/2')?.requests === 2;
    });
    const generations = apps[0]?.generations ?? [];
    assert.deepEqual([of(generations, 'app/1')?.errors, of(generations, 'app/2')?.errors], [0, 2]);
    const sums = ['app/1', 'app/2'].map((name) =>
      of(generations, name)
        ?.latency.flat()
        .reduce((sum, count) => sum + count, 0),
    );
    assert.deepEqual(sums, [3, 1], 'a lost request has no latency');
    assert.equal(generations[0]?.latency.flat().length, latencyTurns * (latencyBoundsMs.length + 1));
    await router.publish(route({ targets: next(1)?.targets ?? [] }));
    await ask(router.port, { host: 'a.test' });
    const after = await router.stats('another request', ({ apps }) => apps[0]?.requests === 7);
    assert.deepEqual(after.apps[0]?.generations, []);
  });
});

describe('the generation header', () => {
  const header = { 'generation-header': true };

  it('names the generation in every answer of an app, in place of what the app says', async (t) => {
    const worker = await RecordingWorker.start(t, () => ok('<x>', 'X-Emperor-Generation: forged\r\n'));
    const router = await startRouter(t, { router: header, apps: [routeTo(worker.path)] });
    for (const method of ['GET', 'POST', 'PUT']) {
      assert.equal((await ask(router.port, { host: 'a.test', method })).headers['x-emperor-generation'], 'app/1');
    }
    await router.publish(
      route({ targets: [{ key: 'app/2/1', address: `unix:${worker.path}`, weight: 1, handoff: null }] }),
    );
    assert.equal((await ask(router.port, { host: 'a.test' })).headers['x-emperor-generation'], 'app/2');
  });

  it('is not passed on from an app where the router does not send it, nor from its trailers', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () =>
        'HTTP/1.1 200 OK\r\nX-Emperor-Generation: forged\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '1\r\nx\r\n0\r\nX-Emperor-Generation: forged\r\nX-Own: kept\r\n\r\n',
    );
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const received = await rawExchange(router.port, get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.match(received, /X-Own: kept/);
    assert.doesNotMatch(received, /X-Emperor-Generation/i);
  });

  it('is on the answer that agrees to an upgrade', async (t) => {
    const worker = await RecordingWorker.start(
      t,
      () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
    );
    const router = await startRouter(t, { router: header, apps: [routeTo(worker.path)] });
    const client = new RawConnection(router.port);
    client.write(get.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'));
    const received = await client.until('the upgrade', (text) => text.includes('\r\n\r\n'));
    assert.match(received, /^HTTP\/1\.1 101 /);
    assert.match(received, /\r\nX-Emperor-Generation: app\/1\r\n/);
    client.destroy();
  });

  it('is on a page of the router only where a worker was asked', async (t) => {
    const worker = await RecordingWorker.start(t, ({ connection }) => {
      connection.socket.destroy();
      return undefined;
    });
    const apps = [
      routeTo(worker.path),
      routeTo(socketPath(t), { name: 'gone', domains: ['gone.test'], queue: 0 }),
      route({ name: 'down', domains: ['down.test'] }),
    ];
    const router = await startRouter(t, { router: header, apps });
    const lost = await ask(router.port, { host: 'a.test', method: 'POST' });
    assert.deepEqual([lost.status, lost.headers['x-emperor-generation']], [502, 'app/1']);
    for (const host of ['down.test', 'unknown.test']) {
      const page = await ask(router.port, { host });
      assert.ok(page.status === 503 || page.status === 404);
      assert.equal(page.headers['x-emperor-generation'], undefined);
    }
  });
});
