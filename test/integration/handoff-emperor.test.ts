// Connection hand-off through the real emperor, router, vassal and Node workers: who serves whom, and what is told of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWho, startHandedApp, untilDirect } from '../harness/handed-app.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { ownersOf } from '../harness/socket-owners.ts';
import { waitFor } from '../harness/wait-for.ts';

const host = 'who.localhost';

describe('a client that keeps its connection', { skip: withoutAddon }, () => {
  it('is served by a worker itself once it had three answers', async (t) => {
    const emperor = await startHandedApp(t, 'processes: 2\n');
    const client = new KeptClient(t, emperor.port, host);
    const routed = (await client.askFor(3)).map(readWho);
    assert.ok(routed.every(({ isDirect }) => !isDirect));
    const taker = await untilDirect(client);
    const answers = (await client.askFor(6)).map(readWho);
    assert.ok(answers.every(({ isDirect, pid }) => isDirect && pid === taker.pid));
    const { router, vassals } = await emperor.status();
    const workers = (vassals[0]?.instances[0]?.workers ?? []).map(({ pid }) => pid);
    const processes = [...router.pids, ...workers];
    assert.deepEqual(ownersOf(client.connection.socket, processes), [...router.pids, taker.pid]);
  });

  it('is one of many, and they are shared among the workers', async (t) => {
    const emperor = await startHandedApp(t, 'processes: 2\n');
    const clients = Array.from({ length: 10 }, () => new KeptClient(t, emperor.port, host));
    const served = new Map<number, number>();
    for (const client of clients) {
      const { pid } = await untilDirect(client);
      served.set(pid, (served.get(pid) ?? 0) + 1);
    }
    assert.deepEqual([...served.values()], [5, 5]);
  });

  it('is counted: connections, requests of router, app and worker, and what runs', async (t) => {
    const emperor = await startHandedApp(t);
    const clients = [new KeptClient(t, emperor.port, host), new KeptClient(t, emperor.port, host)];
    let asked = 0;
    for (const client of clients) asked += (await untilDirect(client)).asked;
    clients[0]?.send('/?wait=4000');
    const seen = await waitFor(
      async () => {
        const { router, vassals } = await emperor.status();
        const [worker] = vassals[0]?.instances[0]?.workers ?? [];
        return worker?.requests === asked && worker.inFlight === 1 ? { router, worker } : undefined;
      },
      { what: 'the numbers' },
    );
    assert.equal(seen.router.connections, 2);
    assert.equal(seen.router.requests, asked);
    assert.equal(readWho((await clients[0]?.answer())?.body ?? '').isDirect, true);
    for (const { connection } of clients) connection.destroy();
    await waitFor(
      async () => {
        const { router, vassals } = await emperor.status();
        const [worker] = vassals[0]?.instances[0]?.workers ?? [];
        return router.connections === 0 && router.requests === asked + 1 && worker?.inFlight === 0;
      },
      { what: 'the numbers when all is over' },
    );
  });

  it('is logged request by request, as where the router carries it', async (t) => {
    const emperor = await startHandedApp(t);
    const client = new KeptClient(t, emperor.port, host);
    for (let nth = 0; nth < 6; nth++) await client.ask(`/${nth}`);
    const lines = await waitFor(
      () => {
        const access = emperor.process.stdout.split('\n').filter((line) => line.includes('"kind":"access"'));
        return access.length === 6 ? access.map((line) => JSON.parse(line) as Record<string, unknown>) : undefined;
      },
      { what: () => `six access lines; got ${emperor.process.stdout}` },
    );
    assert.deepEqual(
      lines.map(({ path }) => path),
      ['/0', '/1', '/2', '/3', '/4', '/5'],
    );
    const [routed, direct] = [lines[0], lines[5]];
    assert.deepEqual(Object.keys(direct ?? {}), Object.keys(routed ?? {}));
    for (const field of ['app', 'worker', 'method', 'host', 'status', 'bytesIn', 'bytesOut', 'client']) {
      assert.deepEqual(direct?.[field], routed?.[field], field);
    }
    const ids = lines.map(({ requestId }) => String(requestId));
    assert.equal(new Set(ids).size, 6);
    assert.equal(new Set(ids.map((id) => id.slice(0, 8))).size, 1, 'all begin as the router’s');
  });

  it('is never handed over where the app or the operator forbids it', async (t) => {
    const emperor = await startHandedApp(t, 'handoff: off\n');
    const client = new KeptClient(t, emperor.port, host);
    assert.ok((await client.askFor(10)).every((body) => !readWho(body).isDirect));

    const other = await startHandedApp(t, '', { config: 'router: {handoff-after: 0}\n' });
    const kept = new KeptClient(t, other.port, host);
    assert.ok((await kept.askFor(10)).every((body) => !readWho(body).isDirect));
  });

  it('that idles is ended after the idle timeout, wherever it is', async (t) => {
    const emperor = await startHandedApp(t, '', { config: 'router: {idle-timeout: 1s}\n' });
    const client = new KeptClient(t, emperor.port, host);
    await untilDirect(client);
    await client.connection.ended();
    assert.equal(client.connection.socket.readableEnded, true, 'an end, and no reset');
  });

  it('leaves no descriptor behind, in routers and workers', async (t) => {
    const emperor = await startHandedApp(t);
    const { router, vassals } = await emperor.status();
    const pids = [...router.pids, ...(vassals[0]?.instances[0]?.workers ?? []).map(({ pid }) => pid)];
    const comeAndGo = async (): Promise<void> => {
      const clients = Array.from({ length: 30 }, () => new KeptClient(t, emperor.port, host));
      await Promise.all(clients.map((client) => client.askFor(6)));
      for (const { connection } of clients) connection.destroy();
      await waitFor(async () => (await emperor.status()).router.connections === 0, { what: 'the connections to end' });
    };
    // What is opened once and kept: channels, connections between router and worker.
    await comeAndGo();
    await comeAndGo();
    const before = pids.map(descriptorCount);
    for (let round = 0; round < 3; round++) await comeAndGo();
    await waitFor(() => pids.every((pid, index) => descriptorCount(pid) <= (before[index] ?? 0)), {
      what: () => `${JSON.stringify(before)} descriptors; there are ${JSON.stringify(pids.map(descriptorCount))}`,
    });
  });
});
