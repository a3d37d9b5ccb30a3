// What a worker says about requests and clients of its own connections, and what the router makes of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HandoffLogEntry } from '../../lib/handoff.ts';
import { handOver, serveHandoff } from '../harness/routed-handoff.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { startRouter } from '../harness/router-process.ts';
import { TakingWorker } from '../harness/taking-worker.ts';
import { waitFor } from '../harness/wait-for.ts';

const entry: HandoffLogEntry = {
  method: 'GET',
  host: 'a.test',
  path: '/first',
  status: 200,
  bytesIn: 3,
  bytesOut: 13,
  durationMs: 1.25,
  client: '127.0.0.1',
  requestId: 'ffff0000-1',
  isCut: false,
};

describe('the requests that a worker reports', { skip: withoutAddon }, () => {
  it('are counted on the router, the app and the worker, and leave with their connection', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    worker.say({ type: 'report', requests: 40, inFlight: 1, log: [] });
    const seen = await router.stats('the report', ({ requests }) => requests === 43);
    assert.deepEqual(seen.apps, [
      {
        name: 'app',
        requests: 43,
        queued: 0,
        workers: [{ key: 'app/1/1', requests: 43, inFlight: 1 }],
        generations: [],
      },
    ]);
    // More than it has connections cannot be.
    worker.say({ type: 'report', requests: 1, inFlight: 1000, log: [] });
    const more = await router.stats('the second report', ({ requests }) => requests === 44);
    assert.equal(more.apps[0]?.workers[0]?.inFlight, 1);
    taken.giveBack();
    worker.say({ type: 'report', requests: 1, inFlight: 1, log: [] });
    const last = await router.stats('the last report', ({ requests }) => requests === 45);
    assert.equal(last.apps[0]?.workers[0]?.inFlight, 0);
  });

  it('make a worker busier: what the router carries goes to another', async (t) => {
    const [one, two] = [await TakingWorker.start(t), await TakingWorker.start(t)];
    const targets = [one.target('app/1/1'), two.target('app/1/2')];
    const router = await startRouter(t, { apps: [{ handoff: true, targets }] });
    const clients = [new KeptClient(t, router.port), new KeptClient(t, router.port)];
    for (const client of clients) await client.askFor(3);
    await one.connection();
    await two.connection();
    one.say({ type: 'report', requests: 0, inFlight: 1, log: [] });
    one.say({ type: 'report', requests: 100, inFlight: 1, log: [] });
    await router.stats('the report', ({ requests }) => requests >= 106);
    const before = one.routed.length;
    for (let nth = 0; nth < 6; nth++) await new KeptClient(t, router.port).ask();
    assert.equal(one.routed.length, before);
  });

  it('are written to the access log with the fields of those that the router carries', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    const cut = { ...entry, path: '/cut', isCut: true };
    worker.say({ type: 'report', requests: 2, inFlight: 0, log: [entry, cut] });
    const carried = await router.accessLine('a carried request', ({ path }) => path === '/');
    const { isCut, ...fields } = entry;
    assert.equal(isCut, false);
    const line = await router.accessLine('the reported one', ({ path }) => path === '/first');
    assert.deepEqual(Object.keys(line), Object.keys(carried));
    assert.deepEqual(
      { ...line, time: 0 },
      {
        ...{ kind: 'access', time: 0, app: 'app', worker: 'app/1/1', queueMs: 0 },
        ...fields,
      },
    );
    const cutLine = await router.accessLine('the cut one', ({ path }) => path === '/cut');
    assert.deepEqual([cutLine['cause'], cutLine['endedBy'], cutLine['status']], ['client-gone', 'client', 200]);
  });

  it('are not logged where no access log is wanted', async (t) => {
    const { router, worker, client } = await serveHandoff(t, {}, { accessLog: false });
    await handOver({ worker, client });
    assert.equal(worker.rules.at(-1)?.accessLog, false);
    worker.say({ type: 'report', requests: 1, inFlight: 0, log: [entry] });
    await router.stats('the report', ({ requests }) => requests === 4);
    assert.deepEqual(router.accessLines, []);
  });
});

describe('nonsense of a worker', { skip: withoutAddon }, () => {
  it('is dropped and logged, and changes nothing', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    const before = descriptorCount(router.process.pid);
    const nonsense: readonly [text: string, problem: string][] = [
      ['{', 'not JSON'],
      ['[]', 'not an object'],
      ['{"type":"hello"}', 'unknown type \\"hello\\"'],
      ['{}', 'unknown type null'],
      ['{"type":"back","slot":0,"why":"because"}', 'back: of another shape'],
      ['{"type":"back","slot":-1,"why":"idle"}', 'back: of another shape'],
      ['{"type":"back","slot":7,"why":"idle"}', 'back: slot 7 is free'],
      ['{"type":"gone","slot":1e99}', 'gone: of another shape'],
      ['{"type":"gone","slot":65535}', 'gone: slot 65535 is free'],
      ['{"type":"stray","address":7}', 'stray: of another shape'],
      ['{"type":"stray","address":"127.0.0.1"}', 'stray: without a descriptor'],
      ['{"type":"report","requests":-1,"inFlight":0,"log":[]}', 'report: of another shape'],
      ['{"type":"report","requests":1,"inFlight":0.5,"log":[]}', 'report: of another shape'],
      ['{"type":"report","requests":1,"inFlight":0,"log":[{"method":"GET"}]}', 'report: of another shape'],
      ['{"type":"report","requests":1,"inFlight":0,"log":{}}', 'report: of another shape'],
    ];
    // Ten lines a second is what the log takes.
    for (const [text, problem] of nonsense) {
      const count = router.logged(problem).length;
      await waitFor(
        () => {
          worker.sayRaw(text);
          return router.logged(problem).length > count;
        },
        { what: problem },
      );
    }
    assert.equal((await client.ask('/still')).body, 'direct /still');
    assert.equal(descriptorCount(router.process.pid), before);
    const { connections } = await router.stats('three requests', ({ requests }) => requests === 3);
    assert.equal(connections, 1);
  });

  it('with a descriptor leaves none open', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    const before = descriptorCount(router.process.pid);
    worker.say({ type: 'report', requests: 1, inFlight: 0, log: [] }, 0);
    worker.say({ type: 'stray', address: '203.0.113.9' }, 0);
    worker.say({ type: 'stray', address: '127.0.0.1' }, 0);
    worker.say({ type: 'report', requests: 1, inFlight: 0, log: [] });
    await router.stats('both reports', ({ requests }) => requests === 5);
    await waitFor(() => descriptorCount(router.process.pid) <= before, { what: 'what came to be closed' });
  });
});
