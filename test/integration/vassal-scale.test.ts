import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { VassalHello, VassalState } from '../../lib/vassal-messages.ts';
import { ask, RawConnection } from '../harness/http-client.ts';
import { descendantsOf, isAlive } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal, type VassalProcess } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const withoutAddon = { EMPEROR_NO_NATIVE: '1' };

function scale(vassal: VassalProcess, processes: number): void {
  vassal.connection.send({ type: 'scale', processes });
}

const readyIds = ({ workers }: VassalState): string =>
  workers
    .filter(({ state }) => state === 'ready')
    .map(({ id }) => id)
    .join(' ');

async function untilReady(vassal: VassalProcess, ids: string): Promise<VassalState> {
  return vassal.until(
    `workers ${ids} and no others`,
    (state) => readyIds(state) === ids && state.workers.length === ids.split(' ').length,
  );
}

async function workerAnswering(vassal: VassalProcess, worker: number): Promise<string> {
  return (JSON.parse((await ask(vassal.socket(worker))).body) as { worker: string }).worker;
}

describe('a vassal', () => {
  it('begins with as many workers as start says, whatever the spec says', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello', keys: { processes: 3 }, processes: 1 });
    const state = await vassal.ready();
    assert.deepEqual([state.processes, readyIds(state)], [1, '1']);
    assert.equal(existsSync(vassal.socket(2)), false);
  });

  for (const [how, env] of [
    ['with the addon', {}],
    ['without the addon', withoutAddon],
  ] as const) {
    it(`told to scale starts who is missing and stops who is too many, ${how}`, async (t) => {
      const vassal = await startVassal(t, { fixture: 'hello', env });
      await vassal.ready();
      const first = vassal.pid(1);
      scale(vassal, 3);
      const grown = await untilReady(vassal, '1 2 3');
      assert.deepEqual([grown.phase, grown.processes, vassal.pid(1)], ['ready', 3, first]);
      for (const id of [1, 2, 3]) assert.equal(await workerAnswering(vassal, id), String(id));
      const third = vassal.pid(3);
      scale(vassal, 1);
      const shrunk = await untilReady(vassal, '1');
      assert.deepEqual([shrunk.phase, shrunk.processes, vassal.pid(1)], ['ready', 1, first]);
      assert.equal(isAlive(third), false);
      assert.deepEqual(
        [2, 3].map((id) => existsSync(vassal.socket(id))),
        [false, false],
      );
      scale(vassal, 2);
      const again = await untilReady(vassal, '1 2');
      assert.deepEqual(
        again.workers.map(({ restarts }) => restarts),
        [0, 0],
      );
      assert.equal(await workerAnswering(vassal, 2), '2');
    });
  }

  it('told twice to scale, or to keep no whole number of workers, does nothing', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello' });
    await vassal.ready();
    scale(vassal, 2);
    await untilReady(vassal, '1 2');
    const pids = [vassal.pid(1), vassal.pid(2)];
    for (const processes of [2, 0, 1.5, -1, 2]) scale(vassal, processes);
    // What came before it has been seen when this is done.
    scale(vassal, 3);
    const { workers } = await untilReady(vassal, '1 2 3');
    assert.deepEqual([vassal.pid(1), vassal.pid(2)], pids);
    assert.ok(workers.every(({ restarts }) => restarts === 0));
    const orders = [...vassal.process.stderr.matchAll(/"to":(\d+),"msg":"told to scale"/g)].map(([, to]) => to);
    assert.deepEqual(orders, ['2', '3']);
  });

  it('tells an emperor that comes back how many it keeps now', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello' });
    await vassal.ready();
    scale(vassal, 2);
    const before = await untilReady(vassal, '1 2');
    vassal.connection.destroy();
    const { running } = (await vassal.control.child(1)).messages[0] as unknown as VassalHello;
    assert.equal(running?.state.processes, 2);
    assert.deepEqual(running.state.workers, before.workers);
  });

  it('told to scale a command gives each worker a port of its own', async (t) => {
    const vassal = await startVassal(t, { fixture: 'python-port', keys: { command: ['python3', 'server.py'] } });
    await vassal.ready();
    scale(vassal, 2);
    await untilReady(vassal, '1 2');
    assert.match((await ask(vassal.endpoint(2))).body, / worker 2$/);
    scale(vassal, 1);
    await untilReady(vassal, '1');
    assert.deepEqual(descendantsOf(vassal.process.pid), [vassal.pid(1)]);
  });

  it('told to have fewer lets the requests of those that go be answered in full', async (t) => {
    const vassal = await startVassal(t, { fixture: 'slow', keys: { processes: 2 } });
    await vassal.ready();
    const connection = new RawConnection(vassal.endpoint(2));
    t.after(() => {
      connection.destroy();
    });
    connection.write('GET /?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.until('the first half', (received) => received.includes('begun,'));
    scale(vassal, 1);
    await connection.until('the second half', (received) => received.includes('done'));
    await untilReady(vassal, '1');
  });

  it('told to have fewer kills a worker that ignores the stop signal, and may have it back at once', async (t) => {
    const keys = { processes: 2, 'stop-timeout': '300ms' };
    const vassal = await startVassal(t, { fixture: 'ignores-term', keys });
    await vassal.ready();
    const second = vassal.pid(2);
    scale(vassal, 1);
    await vassal.logged('TERM ignored');
    scale(vassal, 2);
    await vassal.until('a new second worker', (state) => readyIds(state) === '1 2' && vassal.pid(2) !== second);
    assert.equal(isAlive(second), false);
    assert.equal((await ask(vassal.endpoint(2))).body, 'still here');
  });
});

/** An app whose worker 1 becomes ready when FLAG is there, and whose other workers do as FAULT says. */
function appWith(dir: string, fault: string): string {
  const app = join(dir, 'server.js');
  writeFileSync(
    app,
    `const { appendFileSync, existsSync } = require('node:fs');
     const { FLAG, STARTS, EMPEROR_WORKER } = process.env;
     const serve = () => require('node:http').createServer((request, response) => response.end('up')).listen(3000);
     if (EMPEROR_WORKER === '1') {
       const wait = setInterval(() => existsSync(FLAG) && (clearInterval(wait), serve()), 10);
     } else {
       appendFileSync(STARTS, EMPEROR_WORKER);
       ${fault};
     }`,
  );
  return app;
}

describe('while it starts a vassal', () => {
  it('obeys scale, is ready when those it began with are, and does not fail by what it grew by', async (t) => {
    const dir = tempDir(t);
    const env = { FLAG: join(dir, 'flag'), STARTS: join(dir, 'starts') };
    const keys = { app: appWith(dir, 'process.exit(5)'), env };
    const vassal = await startVassal(t, { fixture: 'hello', keys });
    await vassal.until('the first worker', ({ workers }) => workers.length === 1);
    scale(vassal, 2);
    await vassal.until('the second to die again', ({ workers }) => (workers[1]?.restarts ?? 0) >= 1);
    assert.equal(vassal.state?.phase, 'starting');
    await vassal.logged('worker 2 ended with exit code 5 before it was ready');
    writeFileSync(env.FLAG, '');
    const { processes } = await vassal.ready();
    assert.equal(processes, 2);
    await vassal.until('the second in backoff', ({ workers }) => workers[1]?.state === 'backoff');
    const starts = readFileSync(env.STARTS, 'utf8').length;
    await waitFor(() => readFileSync(env.STARTS, 'utf8').length > starts, { what: 'one more attempt' });
    assert.equal(vassal.state.phase, 'ready');
  });

  it('ends and retries a worker it grew by that is not ready in time; those it began with wait on', async (t) => {
    const dir = tempDir(t);
    const env = { FLAG: join(dir, 'flag'), STARTS: join(dir, 'starts') };
    const keys = { app: appWith(dir, 'setInterval(() => {}, 1000)'), env, 'ready-timeout': '300ms' };
    const vassal = await startVassal(t, { fixture: 'hello', keys });
    await vassal.until('the first worker', ({ workers }) => workers.length === 1);
    scale(vassal, 2);
    await vassal.until('the second started again', ({ workers }) => (workers[1]?.restarts ?? 0) >= 1);
    await vassal.logged(/worker 2: not ready within ready-timeout: the app /);
    assert.deepEqual([vassal.state?.phase, vassal.state?.workers[0]?.restarts], ['starting', 0]);
  });

  it('told to have fewer is ready when those that are left are', async (t) => {
    const dir = tempDir(t);
    const env = { FLAG: join(dir, 'flag'), STARTS: join(dir, 'starts') };
    writeFileSync(env.FLAG, '');
    const keys = { app: appWith(dir, 'setInterval(() => {}, 1000)'), env, processes: 2 };
    const vassal = await startVassal(t, { fixture: 'hello', keys });
    await vassal.until('the first to be ready', (state) => readyIds(state) === '1');
    assert.equal(vassal.state?.phase, 'starting');
    scale(vassal, 1);
    await vassal.ready();
  });
});
