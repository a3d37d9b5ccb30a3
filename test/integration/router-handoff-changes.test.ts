// What becomes of connections that a worker has, when tables, settings, workers and the router itself come and go.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slotStates } from '../../lib/handoff.ts';
import { handOver, serveHandoff } from '../harness/routed-handoff.ts';
import { refused } from '../harness/http-client.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { startRouter } from '../harness/router-process.ts';
import { TakingWorker } from '../harness/taking-worker.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('connections that a worker has', { skip: withoutAddon }, () => {
  it('keep it busy once it left the table, until the last is back', async (t) => {
    const { router, worker, app, client } = await serveHandoff(t, { drainMs: 1234 });
    const one = await handOver({ worker, client });
    const second = new KeptClient(t, router.port);
    const two = await handOver({ worker, client: second });
    const applied = await router.publish({ ...app, targets: [], hold: true, drainMs: 1234 });
    assert.deepEqual(applied.busy, ['app/1/1']);
    assert.equal((await worker.ruled(({ isServing }) => !isServing)).drainMs, 1234);
    one.giveBack();
    client.send('/held');
    second.connection.destroy();
    await waitFor(() => two.isEnded, { what: 'the second to end' });
    two.end();
    await router.applied(({ busy }) => busy.length === 0);
    await waitFor(() => worker.isEnded, { what: 'the router to hang up' });
    await router.publish(app);
    assert.equal((await client.answer()).body, 'routed /held');
    await handOver({ worker, client });
    assert.equal(worker.dials, 2);
  });

  it('are no longer served by a generation that was replaced once a router says that it reaches the next', async (t) => {
    const { router, worker, app, client } = await serveHandoff(t);
    await handOver({ worker, client });
    const next = await TakingWorker.start(t);
    worker.isConfirming = false;
    await router.publish({ ...app, targets: [next.target('app/2/1')] });
    const probed = router.probe('app');
    await worker.ruled(({ isServing }) => !isServing);
    const late = await probed;
    assert.deepEqual([late.instance, late.reason.includes('app/1/1')], [null, true]);
    const again = router.probe('app');
    worker.say({ type: 'ruled' });
    assert.equal((await again).instance, 'app/2');
  });

  it('go to the worker that has the fewest', async (t) => {
    const [one, two] = [await TakingWorker.start(t), await TakingWorker.start(t)];
    const targets = [one.target('app/1/1'), two.target('app/1/2')];
    const router = await startRouter(t, { apps: [{ handoff: true, targets }] });
    for (let nth = 0; nth < 6; nth++) {
      const client = new KeptClient(t, router.port);
      await client.askFor(3);
      await waitFor(() => one.taken.length + two.taken.length === nth + 1, { what: `hand-over ${nth}` });
    }
    assert.deepEqual([one.taken.length, two.taken.length], [3, 3]);
    (await two.connection(0)).giveBack('idle');
    (await two.connection(1)).giveBack('idle');
    const client = new KeptClient(t, router.port);
    await client.askFor(3);
    await two.connection(3);
  });

  it('are shared anew when a worker comes', async (t) => {
    const { router, worker, app, client } = await serveHandoff(t);
    const clients = [client, ...Array.from({ length: 7 }, () => new KeptClient(t, router.port))];
    for (const each of clients) await handOver({ worker, client: each });
    const newcomer = await TakingWorker.start(t);
    await router.publish({ ...app, targets: [worker.target(), newcomer.target('app/1/2')] });
    await waitFor(() => worker.recalls.length === 4, { what: 'four recalls' });
    for (const slot of worker.recalls) worker.taken.find(({ take }) => take.slot === slot)?.giveBack();
    for (const each of clients) await each.askFor(4);
    await newcomer.connection(3);
    await router.publish({ ...app, targets: [worker.target(), newcomer.target('app/1/2')] });
    await client.ask();
    assert.deepEqual([worker.recalls.length, newcomer.recalls.length], [4, 0]);
  });

  it('are recalled, each by itself, when their host goes to another app', async (t) => {
    const { router, worker, app, client } = await serveHandoff(t, { domains: ['a.test', 'b.test'] });
    await handOver({ worker, client });
    const other = new KeptClient(t, router.port, 'b.test');
    const moved = await handOver({ worker, client: other });
    const heir = await TakingWorker.start(t);
    const heirs = { name: 'heir', domains: ['b.test'], targets: [heir.target('heir/1/1')], handoff: true };
    await router.publish({ ...app, domains: ['a.test'] }, heirs);
    await waitFor(() => worker.recalls.length > 0, { what: 'the recall' });
    assert.deepEqual(worker.recalls, [moved.take.slot]);
    moved.giveBack();
    assert.equal((await client.ask('/stays')).body, 'direct /stays');
    assert.equal((await other.ask('/goes')).body, 'routed /goes');
    assert.deepEqual(heir.routed, ['/goes']);
    // Part of a host is enough: the worker could not tell whose a request is.
    await router.publish({ ...app, domains: ['a.test'] }, { ...heirs, domains: ['b.test', 'a.test/part'] });
    await waitFor(() => worker.recalls.length > 1, { what: 'the second recall' });
  });

  for (const [why, change] of [
    ['its app forbids it', { handoff: false }],
    ['requests at a time are limited', { maxConcurrency: 5 }],
    ['a newer generation is tried', { next: { targets: [], share: 0 } }],
  ] as const) {
    it(`are to come back when ${why}, and the worker is not busy by that`, async (t) => {
      const { router, worker, app, client } = await serveHandoff(t);
      const taken = await handOver({ worker, client });
      const applied = await router.publish({ ...app, ...change });
      assert.deepEqual(applied.busy, []);
      await worker.ruled(({ isServing }) => !isServing);
      taken.giveBack();
      assert.deepEqual(await client.askFor(10), Array(10).fill('routed /'));
      await router.publish(app);
      await worker.ruled(({ isServing }) => isServing);
      await client.askFor(100);
      assert.equal(worker.taken.length, 2);
    });
  }

  it('follow the settings', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    router.configure({ router: { 'idle-timeout': 4000 } });
    const rules = await worker.ruled(({ idleMs }) => idleMs === 4000);
    assert.deepEqual([rules.isServing, rules.accessLog], [true, false]);
    router.configure({ router: { 'handoff-after': 0 } });
    await worker.ruled(({ isServing }) => !isServing);
  });

  it('idle on for what is left of the idle timeout', async (t) => {
    const { worker, client } = await serveHandoff(t, {}, { router: { 'idle-timeout': 3000 } });
    const taken = await handOver({ worker, client });
    assert.equal(worker.rules.at(-1)?.idleMs, 3000);
    taken.giveBack('idle');
    // Nothing is left of it.
    await client.connection.ended();
  });
});

describe('a worker that dies', { skip: withoutAddon }, () => {
  it('leaves idle connections to the router, and what was sent to it unread', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const clients = [client, new KeptClient(t, router.port), new KeptClient(t, router.port)];
    for (const each of clients) await handOver({ worker, client: each });
    worker.die();
    for (const each of clients) assert.deepEqual(await each.askFor(3, '/after'), Array(3).fill('routed /after'));
    const { connections } = await router.stats('three', ({ requests }) => requests >= 18);
    assert.equal(connections, 3);
  });

  it('has the request that it had answered 502, and the log says why', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    const idle = new KeptClient(t, router.port);
    await handOver({ worker, client: idle });
    taken.isAnswering = false;
    client.send('/lost');
    await taken.received('/lost');
    worker.die();
    const { status, fields, body } = await client.answer();
    assert.deepEqual(
      [status, fields.get('x-emperor-error'), fields.get('connection')],
      [502, 'worker-closed', 'close'],
    );
    await client.connection.ended();
    const line = await router.accessLine('the lost request', ({ cause }) => cause === 'worker-closed');
    assert.deepEqual(
      [line['app'], line['worker'], line['host'], line['status'], line['endedBy'], line['bytesOut']],
      ['app', 'app/1/1', 'a.test', 502, 'worker', body.length],
    );
    assert.equal(line['requestId'], fields.get('x-request-id'));
    assert.equal((await idle.ask('/after')).body, 'routed /after');
    client.connection.destroy();
    await router.stats('one connection', ({ connections }) => connections === 1);
  });

  it('has a HEAD answered 502 without a body', async (t) => {
    const { worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    taken.isAnswering = false;
    client.connection.write('HEAD /lost HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await taken.received('/lost');
    worker.states[taken.take.slot] = slotStates.busyHead;
    const soFar = client.connection.received.length;
    worker.die();
    assert.match((await client.connection.ended()).slice(soFar), /^HTTP\/1\.1 502 [^]*\r\n\r\n$/);
  });

  it('in the middle of an answer has the connection reset, and the log says why', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    taken.isAnswering = false;
    const errors: unknown[] = [];
    client.connection.socket.on('error', (fault: NodeJS.ErrnoException) => errors.push(fault.code));
    client.send('/lost');
    await taken.received('/lost');
    worker.states[taken.take.slot] = slotStates.answering;
    worker.die();
    await client.connection.ended();
    assert.deepEqual(errors, ['ECONNRESET']);
    const line = await router.accessLine('the lost request', ({ cause }) => cause === 'worker-closed');
    assert.deepEqual([line['status'], line['bytesOut']], [502, 0]);
    await router.stats('no connection', ({ connections }) => connections === 0);
  });

  it('and is there again takes connections again, after a pause', async (t) => {
    const { worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    worker.die();
    let served: string[] = [];
    await waitFor(
      async () => {
        served = await client.askFor(20, '/again');
        return served.at(-1) === 'direct /again';
      },
      { what: 'the second hand-over' },
    );
    assert.equal(worker.dials, 2);
  });

  it('leaves no descriptor behind', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await client.ask();
    const before = descriptorCount(router.process.pid);
    const clients = Array.from({ length: 20 }, () => new KeptClient(t, router.port));
    for (const each of clients) await handOver({ worker, client: each });
    for (const taken of worker.taken.slice(0, 5)) taken.isAnswering = false;
    for (const each of clients.slice(0, 5)) each.send('/lost');
    for (const taken of worker.taken.slice(0, 5)) await taken.received('/lost');
    worker.die();
    for (const each of clients) each.connection.destroy();
    await router.stats('one connection', ({ connections }) => connections === 1);
    await waitFor(() => descriptorCount(router.process.pid) <= before, { what: 'its descriptors to be closed' });
  });
});

describe('a router that ends', { skip: withoutAddon }, () => {
  it('has its connections back, and answers a last request on each', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    const ended = router.shutdown(20_000, 20_000);
    const { drainMs } = await worker.ruled(({ isServing }) => !isServing);
    assert.ok(drainMs > 10_000 && drainMs <= 20_000, `${drainMs}`);
    taken.giveBack();
    const last = await client.ask('/last');
    assert.deepEqual([last.body, last.fields.get('connection')], ['routed /last', 'close']);
    client.connection.end();
    await ended;
  });

  it('hands nothing over', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await client.askFor(2);
    const ended = router.shutdown(20_000, 20_000);
    // Over another connection than the request's: until it is carried out nothing says which of the two comes first.
    await refused(router.port);
    const last = await client.ask('/last');
    assert.equal(last.fields.get('connection'), 'close');
    client.connection.end();
    await ended;
    assert.equal(worker.dials, 0);
  });

  it('cuts at the end of its time what its workers keep', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const busy = await handOver({ worker, client });
    const other = new KeptClient(t, router.port);
    const idle = await handOver({ worker, client: other });
    busy.isAnswering = false;
    const errors: unknown[] = [];
    client.connection.socket.on('error', (fault: NodeJS.ErrnoException) => errors.push(fault.code));
    other.connection.socket.on('error', (fault: NodeJS.ErrnoException) => errors.push(fault.code));
    client.send('/long');
    await busy.received('/long');
    await router.shutdown(500, 100);
    await Promise.all([client.connection.ended(), other.connection.ended()]);
    assert.deepEqual(errors, ['ECONNRESET'], 'the answer that was not whole is reset, the idle connection just ended');
    await waitFor(() => idle.isEnded, { what: 'the worker’s own descriptor to see the end' });
  });
});
