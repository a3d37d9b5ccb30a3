// Client connections that the real router process hands over to a worker that the test plays.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handoffVersion } from '../../lib/handoff.ts';
import type { AppRoute } from '../../lib/routes.ts';
import { handOver, serveHandoff } from '../harness/routed-handoff.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { startWithAddon, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { startRouter, type RouterOptions } from '../harness/router-process.ts';
import { TakingWorker } from '../harness/taking-worker.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('a client connection', { skip: withoutAddon }, () => {
  it('is handed over after its third answer, and served by the worker from then on', async (t) => {
    const { router, worker, client } = await serveHandoff(
      t,
      { limitPost: 1000 },
      { router: { 'generation-header': true } },
    );
    assert.deepEqual(await client.askFor(3), ['routed /', 'routed /', 'routed /']);
    const { take } = await worker.connection();
    assert.deepEqual(take, { type: 'take', slot: 0, address: '127.0.0.1', host: 'a.test' });
    assert.deepEqual(await client.askFor(5, '/x'), Array(5).fill('direct /x'));
    const [hello] = worker.hellos;
    assert.equal(hello?.version, handoffVersion);
    assert.equal(hello.slots, worker.states.length);
    assert.match(hello.idPrefix, /^[0-9a-f]{8}$/);
    assert.deepEqual(worker.rules, [
      {
        type: 'rules',
        isServing: true,
        limitPost: 1000,
        generation: 'app/1',
        accessLog: true,
        idleMs: 10_000,
        drainMs: 10_000,
      },
    ]);
    assert.equal((await router.stats('the connection', ({ requests }) => requests === 3)).connections, 1);
  });

  it('comes back as it was, and goes again after three more answers', async (t) => {
    const { worker, client } = await serveHandoff(t);
    for (let round = 0; round < 3; round++) {
      const taken = await handOver({ worker, client });
      taken.giveBack('idle');
      assert.equal(taken.take.slot, 0);
    }
    assert.equal((await client.ask('/back')).body, 'routed /back');
    assert.equal(worker.dials, 1);
  });

  it('whose next request came while it went back loses nothing', async (t) => {
    const { client, ...site } = await serveHandoff(t);
    const taken = await handOver({ ...site, client });
    client.send('/between');
    taken.giveBack();
    assert.equal((await client.answer()).body, 'routed /between');
  });

  it('that came back for a stray request is never handed over again', async (t) => {
    const { worker, client } = await serveHandoff(t);
    (await handOver({ worker, client })).giveBack('stray');
    assert.deepEqual(await client.askFor(10), Array(10).fill('routed /'));
    assert.equal(worker.taken.length, 1);
  });

  it('that its client left is gone here too', async (t) => {
    const { router, client, ...site } = await serveHandoff(t);
    // The channel, and a connection to the worker, are there to stay.
    await handOver({ ...site, client });
    const before = descriptorCount(router.process.pid);
    const other = new KeptClient(t, router.port);
    const taken = await handOver({ ...site, client: other });
    other.connection.destroy();
    await waitFor(() => taken.isEnded, { what: 'the worker to see the end' });
    taken.end();
    await router.stats('one connection', ({ connections }) => connections === 1);
    await waitFor(() => descriptorCount(router.process.pid) <= before, { what: 'its descriptors to be closed' });
  });

  it('that the worker ended after an answer ends behind that answer', async (t) => {
    const { router, client, ...site } = await serveHandoff(t);
    const taken = await handOver({ ...site, client });
    let error: Error | undefined;
    client.connection.socket.on('error', (fault) => (error = fault));
    taken.end();
    // Unread bytes would make the kernel reset the connection where it is just closed.
    client.send('/too/late');
    await client.connection.ended();
    client.connection.end();
    await router.stats('no connection', ({ connections }) => connections === 0);
    assert.equal(error, undefined);
  });

  it('that the worker ended within an answer is reset', async (t) => {
    const { client, ...site } = await serveHandoff(t);
    const taken = await handOver({ ...site, client });
    taken.isAnswering = false;
    const errors: unknown[] = [];
    client.connection.socket.on('error', (fault: NodeJS.ErrnoException) => errors.push(fault.code));
    client.send('/half');
    await taken.received('/half');
    taken.write('HTTP/1.1 200 OK\r\n\r\nhalf of');
    await client.connection.until('half of the answer', (text) => text.endsWith('half of'));
    taken.end();
    await client.connection.ended();
    assert.deepEqual(errors, ['ECONNRESET']);
  });
});

describe('a client connection stays with the router', { skip: withoutAddon }, () => {
  const cases: readonly [why: string, app: Partial<AppRoute>, options?: RouterOptions][] = [
    ['where the app forbids it', { handoff: false }],
    ['where requests at a time are limited', { maxConcurrency: 10 }],
    ['where only part of the host is the app’s', { domains: ['a.test', 'a.test/part'] }],
    ['where its client is a trusted proxy', {}, { trustedProxies: ['127.0.0.1'] }],
    ['where hand-off is off', {}, { router: { 'handoff-after': 0 } }],
    ['where it is not due yet', {}, { router: { 'handoff-after': 11 } }],
  ];
  for (const [why, app, options] of cases) {
    it(why, async (t) => {
      const { worker, client } = await serveHandoff(t, app, options);
      assert.deepEqual(await client.askFor(10), Array(10).fill('routed /'));
      assert.equal(worker.dials, 0);
    });
  }

  it('where it asks for two hosts', async (t) => {
    const { worker, client } = await serveHandoff(t, { domains: ['a.test', 'b.test'] });
    assert.deepEqual(await client.askFor(2), ['routed /', 'routed /']);
    assert.equal((await client.ask('/', [], 'b.test')).body, 'routed /');
    assert.deepEqual(await client.askFor(9), Array(9).fill('routed /'));
    assert.equal(worker.dials, 0);
  });

  it('where it speaks HTTP/1.0', async (t) => {
    const { worker, client } = await serveHandoff(t);
    for (let nth = 0; nth < 10; nth++) {
      client.connection.write('GET /old HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n');
      assert.equal((await client.answer()).body, 'routed /old');
    }
    assert.equal(worker.dials, 0);
  });

  it('where the next request is there already, and goes over when none is', async (t) => {
    const { worker, client } = await serveHandoff(t);
    for (let nth = 0; nth < 6; nth++) client.send(`/${nth}`);
    for (let nth = 0; nth < 6; nth++) assert.equal((await client.answer()).body, `routed /${nth}`);
    await worker.connection();
    assert.equal((await client.ask('/then')).body, 'direct /then');
  });

  it('while a newer generation is tried beside the app', async (t) => {
    const worker = await TakingWorker.start(t);
    const next = { targets: [worker.target('app/2/1')], share: 0 };
    const router = await startRouter(t, { apps: [{ handoff: true, targets: [worker.target()], next }] });
    const client = new KeptClient(t, router.port);
    assert.deepEqual(await client.askFor(10), Array(10).fill('routed /'));
    assert.equal(worker.dials, 0);
  });

  it('where the worker ends its channel at once, and that is not tried again and again', async (t) => {
    const { worker, client } = await serveHandoff(t);
    worker.isWelcoming = false;
    const fromMs = performance.now();
    assert.deepEqual(await client.askFor(100), Array(100).fill('routed /'));
    // Once a second at most, however long a hundred answers take on this machine.
    const most = 1 + Math.ceil((performance.now() - fromMs) / 1000);
    assert.ok(worker.dials >= 1 && worker.dials <= most, `${worker.dials} dials, of ${most}`);
  });

  it('where nothing listens at the worker’s socket', async (t) => {
    const worker = await TakingWorker.start(t);
    const targets = [{ ...worker.target(), handoff: '/nowhere/at/all' }];
    const router = await startRouter(t, { apps: [{ handoff: true, targets }] });
    const client = new KeptClient(t, router.port);
    assert.deepEqual(await client.askFor(10), Array(10).fill('routed /'));
  });

  it('where its worker reads nothing, and those that wait for it come back when it dies', async (t) => {
    const worker = await TakingWorker.start(t);
    const path = `${worker.path}-deaf`;
    const deaf = startWithAddon(
      t,
      `addon.openChannelServer(process.argv[1], 0o600, () => {
        process.kill(process.pid, 'SIGSTOP');
        return { onMessage: () => undefined, onEnd: () => undefined };
      });
      setInterval(() => undefined, 1000);
      console.log('open');`,
      { args: [path] },
    );
    await deaf.printed('open');
    const targets = [{ ...worker.target(), handoff: path }];
    const router = await startRouter(t, { apps: [{ handoff: true, targets }] });
    // More than fit into the channel.
    const clients = Array.from({ length: 400 }, () => new KeptClient(t, router.port));
    await Promise.all(clients.map((client) => client.askFor(3)));
    let answered = 0;
    const all = clients.map(async (client) => {
      assert.equal((await client.ask('/fourth')).body, 'routed /fourth');
      answered++;
    });
    await waitFor(() => answered >= 50, { what: () => `those that stayed; ${answered} are answered` });
    deaf.kill('SIGKILL');
    await Promise.all(all);
  });
});
