// Who dies, and what that costs the clients whose connections workers have.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { readWho, startHandedApp, untilDirect, workerPids } from '../harness/handed-app.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { KeptTraffic } from '../harness/kept-traffic.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { gone } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';

const host = 'who.localhost';

/** The router knows of so many answers. */
async function answered(emperor: EmperorProcess, count: number): Promise<void> {
  await waitFor(async () => (await emperor.status()).router.requests === count, { what: `${count} answers` });
}

describe('kill -9 of a worker', { skip: withoutAddon }, () => {
  it('leaves every client that waits for nothing its connection, whichever worker had it', async (t) => {
    const emperor = await startHandedApp(t, 'processes: 2\n');
    const clients = Array.from({ length: 20 }, () => new KeptClient(t, emperor.port, host));
    let answers = 0;
    for (const client of clients) answers += (await untilDirect(client)).asked;
    const pids = await workerPids(emperor);
    for (const pid of pids) {
      // A worker that has reported a request has nothing more to do for it.
      await answered(emperor, answers);
      process.kill(pid, 'SIGKILL');
      await gone(pid);
      for (const client of clients) {
        const answer = await client.ask();
        assert.equal(answer.status, 200, answer.body);
      }
      answers += clients.length;
    }
    await waitFor(async () => (await emperor.status()).router.connections === clients.length, {
      what: 'the connections',
    });
  });

  it('costs those their request whom it was serving, who are told so, and nobody else', async (t) => {
    const emperor = await startHandedApp(t);
    const [busy, idle] = [new KeptClient(t, emperor.port, host), new KeptClient(t, emperor.port, host)];
    let answers = 0;
    for (const client of [busy, idle]) answers += (await untilDirect(client)).asked;
    await answered(emperor, answers);
    busy.send('/?wait=60000');
    await waitFor(
      async () => (await emperor.appIs('who', 'running')).instances[0]?.workers.some(({ inFlight }) => inFlight === 1),
      { what: 'the request to run' },
    );
    for (const pid of await workerPids(emperor)) process.kill(pid, 'SIGKILL');
    const { status, fields } = await busy.answer();
    assert.deepEqual([status, fields.get('x-emperor-error')], [502, 'worker-closed']);
    assert.equal((await idle.ask()).status, 200);
    await waitFor(() => emperor.process.stdout.includes('"cause":"worker-closed"'), { what: 'the access line' });
  });
});

describe('kill -9 of the emperor', { skip: withoutAddon }, () => {
  it('costs nothing, and the next one hands over and takes back as before', async (t) => {
    const first = await startHandedApp(t, '', { endsItself: true });
    const traffic = KeptTraffic.start(t, { port: first.port, host, clients: 20 });
    await traffic.goesOn();
    first.process.kill('SIGKILL');
    await first.process.exit();
    await traffic.goesOn();
    const second = await startEmperor(t, { in: { directory: first.directory, runDir: first.runDir } });
    await second.appIs('who', 'running');
    const reloaded = await second.command('reload', 'who', '--wait');
    assert.equal(reloaded.code, 0, reloaded.stderr);
    await traffic.answers('a direct answer of the new generation', (body) => {
      const { generation, isDirect } = readWho(body);
      return generation === 2 && isDirect;
    });
    assert.deepEqual(await traffic.stop(), []);
    await waitFor(async () => (await second.status()).router.connections === 20, { what: 'the connections' });
  });
});

describe('kill -9 of a router', { skip: withoutAddon }, () => {
  it('costs no request that a worker has; its connection ends behind the answer, and those that idle end', async (t) => {
    const emperor = await startHandedApp(t);
    const clients = Array.from({ length: 5 }, () => new KeptClient(t, emperor.port, host));
    for (const client of clients) await untilDirect(client);
    clients[0]?.send('/?wait=1500');
    await waitFor(
      async () => (await emperor.appIs('who', 'running')).instances[0]?.workers.some(({ inFlight }) => inFlight === 1),
      { what: 'the request to run' },
    );
    const [router = 0] = (await emperor.status()).router.pids;
    process.kill(router, 'SIGKILL');
    await gone(router);
    assert.equal((await clients[0]?.answer())?.status, 200);
    for (const { connection } of clients) {
      await connection.ended();
      assert.equal(connection.socket.readableEnded, true, 'an end, and no reset');
    }
  });
});

describe('a router that is to end', { skip: withoutAddon }, () => {
  it('lets every client have its last answer, and ends no connection before it', async (t) => {
    const emperor = await startHandedApp(t, '', { endsItself: true });
    const clients = Array.from({ length: 10 }, () => new KeptClient(t, emperor.port, host));
    for (const client of clients) await untilDirect(client);
    const long = clients[0];
    long?.send('/?wait=1500');
    await waitFor(
      async () => (await emperor.appIs('who', 'running')).instances[0]?.workers.some(({ inFlight }) => inFlight === 1),
      { what: 'the request to run' },
    );
    emperor.process.kill('SIGTERM');
    assert.equal((await long?.answer())?.status, 200);
    for (const client of clients) await client.connection.ended();
    for (const { connection } of clients) assert.equal(connection.socket.readableEnded, true, 'an end, and no reset');
    for (const { connection } of clients) connection.destroy();
    assert.deepEqual(await emperor.process.exit(40_000), { code: 0, signal: null });
  });
});
