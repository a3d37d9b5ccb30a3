// Requests on a worker's connection that are not the worker's to answer: they come to the router through the worker.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { handOver, serveHandoff } from '../harness/routed-handoff.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { TakingWorker } from '../harness/taking-worker.ts';
import { waitFor } from '../harness/wait-for.ts';

const agreed = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const wish = ['Connection: Upgrade', 'Upgrade: websocket'];
const close1012 = '\x88\x11\x03\xf4service restart';

/** The other end of a stray that the worker sends; the test speaks for the worker on it. */
function stray(t: TestContext, worker: TakingWorker, host = 'a.test', address = '127.0.0.1'): KeptClient {
  const addon = addonUnderTest();
  const [ours, theirs] = addon.socketPair();
  worker.say({ type: 'stray', address }, theirs);
  addon.closeDescriptor(theirs);
  return new KeptClient(t, new Socket({ fd: ours, allowHalfOpen: true }), host);
}

describe('a stray request', { skip: withoutAddon }, () => {
  it('is served by the app that it names, as of the client whose connection it came on', async (t) => {
    const { router, worker, app, client } = await serveHandoff(t);
    const other = await RecordingWorker.start(t);
    await router.publish(app, routeTo(other.path, { name: 'other', domains: ['b.test'] }));
    await handOver({ worker, client });
    assert.equal((await stray(t, worker, 'b.test').ask('/astray')).body, 'OK');
    const { fields } = await other.request();
    assert.deepEqual(fields.get('x-forwarded-for'), ['127.0.0.1']);
    const line = await router.accessLine('the stray', ({ path }) => path === '/astray');
    assert.deepEqual([line['app'], line['client']], ['other', '127.0.0.1']);
    const { connections } = await router.stats('the stray', ({ requests }) => requests === 4);
    assert.equal(connections, 1, 'the client has one connection');
  });

  it('is taken also where no further client would be', async (t) => {
    const { worker, client } = await serveHandoff(t, {}, { router: { 'max-connections': 1 } });
    await handOver({ worker, client });
    const through = stray(t, worker);
    assert.deepEqual(await through.askFor(10), Array(10).fill('routed /'), 'and its connection is handed to nobody');
    assert.equal(worker.taken.length, 1);
  });

  it('of a client that the worker was not given is refused', async (t) => {
    const { worker, client } = await serveHandoff(t);
    await handOver({ worker, client });
    const through = stray(t, worker, 'a.test', '203.0.113.9');
    through.send('/');
    await through.connection.ended();
    assert.equal(through.connection.received, '');
  });

  it('that became a WebSocket ends with the worker that carries it, whoever serves it', async (t) => {
    const [carrier, server] = [await TakingWorker.start(t), await TakingWorker.start(t)];
    const targets = { carrier: carrier.target('app/1/1'), server: server.target('app/1/2') };
    const router = await startRouter(t, { apps: [{ handoff: true, targets: [targets.carrier] }] });
    const client = new KeptClient(t, router.port);
    const taken = await handOver({ worker: carrier, client });
    await router.publish({ handoff: true, targets: [targets.server, targets.carrier] });
    carrier.say({ type: 'report', requests: 1, inFlight: 1, log: [] });
    await router.stats('the report', ({ requests }) => requests === 4);
    server.answer = () => agreed;
    const through = stray(t, carrier);
    through.send('/chat', wish);
    await through.connection.until('101', (text) => text.endsWith('\r\n\r\n'));
    const applied = await router.publish({ handoff: true, targets: [targets.server], drainMs: 100 });
    assert.deepEqual(applied.busy, ['app/1/1']);
    await through.connection.until('the close', (text) => text.endsWith(close1012));
    through.connection.destroy();
    taken.giveBack('stray');
    await router.applied(({ busy }) => busy.length === 0);
  });

  it('leaves no connection behind when it is over', async (t) => {
    const { router, worker, client } = await serveHandoff(t);
    const taken = await handOver({ worker, client });
    const through = stray(t, worker);
    await through.ask();
    through.connection.destroy();
    taken.giveBack('stray');
    await client.ask();
    client.connection.destroy();
    await router.stats('none', ({ connections }) => connections === 0);
    await router.shutdown();
    await waitFor(() => worker.isEnded, { what: 'the router to hang up' });
  });
});
