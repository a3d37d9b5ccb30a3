// What becomes of streams that never end, and of processes that nobody owns any more, when workers end.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RawConnection } from '../harness/http-client.ts';
import { isAlive } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { startVassal, type VassalProcess } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

function get(t: Scope, vassal: VassalProcess, path: string): RawConnection {
  const connection = new RawConnection(vassal.endpoint());
  t.after(() => {
    connection.destroy();
  });
  connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return connection;
}

const lastChunk = /\r\n0\r\n\r\n$/;

describe('the stop of a worker', () => {
  it('ends event streams in order, and requests that run are answered in full', async (t) => {
    const vassal = await startVassal(t, { fixture: 'event-stream', keys: { 'stop-timeout': '1h' } });
    await vassal.ready();
    const events = get(t, vassal, '/events');
    const slow = get(t, vassal, '/slow');
    await events.until('an event', (received) => received.includes('data: tick'));
    await slow.until('the first half', (received) => received.includes('begun,'));
    vassal.stop();
    assert.match(await events.ended(), lastChunk);
    assert.match(await slow.ended(), /done\r\n0\r\n\r\n$/);
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.match(vassal.process.stderr, /"exit":"exit code 0"/);
  });

  it('ends event streams that an app in charge of its own end forgot, before it would be killed', async (t) => {
    const keys = { 'stop-timeout': '4s', env: { OWN: 'yes' } };
    const vassal = await startVassal(t, { fixture: 'event-stream', keys });
    await vassal.ready();
    const events = get(t, vassal, '/events');
    await events.until('an event', (received) => received.includes('data: tick'));
    vassal.stop();
    assert.match(await events.ended(), lastChunk);
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.match(vassal.process.stderr, /"exit":"exit code 7"/);
  });

  it('that was killed waits until its daemons are gone before it counts as ended', async (t) => {
    const pids = join(tempDir(t), 'pids');
    writeFileSync(pids, '');
    const lines = (): string[] => readFileSync(pids, 'utf8').split('\n').filter(Boolean);
    const vassal = await startVassal(t, { fixture: 'leaves-a-daemon', keys: { env: { PIDS: pids } } });
    await vassal.ready();
    for (const count of [1, 2]) {
      await waitFor(() => lines().length === count, { what: `daemon ${count}` });
      process.kill(vassal.pid(), 'SIGKILL');
      await vassal.until('the next', ({ workers: [worker] }) => worker?.restarts === count && worker.state === 'ready');
      await vassal.logged(`daemons: ${count}, running: 0`);
    }
    await waitFor(() => lines().length === 3, { what: 'the last daemon' });
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.deepEqual(lines().map(Number).filter(isAlive), []);
  });

  it('leaves no daemon of those that go when there are to be fewer', async (t) => {
    const pids = join(tempDir(t), 'pids');
    writeFileSync(pids, '');
    const lines = (): string[] => readFileSync(pids, 'utf8').split('\n').filter(Boolean);
    const keys = { processes: 2, env: { PIDS: pids }, 'stop-timeout': '300ms' };
    const vassal = await startVassal(t, { fixture: 'leaves-a-daemon', keys });
    await vassal.ready();
    await waitFor(() => lines().length === 2, { what: 'both daemons' });
    vassal.connection.send({ type: 'scale', processes: 1 });
    await vassal.until('one worker', ({ workers }) => workers.length === 1);
    assert.equal(lines().map(Number).filter(isAlive).length, 1);
  });

  it('whose primary was killed leaves processes that bear the directory of their instance', async (t) => {
    const pids = join(tempDir(t), 'pids');
    writeFileSync(pids, '');
    const lines = (): string[] => readFileSync(pids, 'utf8').split('\n').filter(Boolean);
    const vassal = await startVassal(t, { fixture: 'leaves-a-daemon', keys: { env: { PIDS: pids } } });
    await vassal.ready();
    await waitFor(() => lines().length === 1, { what: 'the daemon' });
    const [daemon = 0] = lines().map(Number);
    const worker = vassal.pid();
    vassal.process.kill('SIGKILL');
    await waitFor(() => !isAlive(worker), { what: 'the worker to end' });
    const environment = readFileSync(`/proc/${daemon}/environ`, 'latin1').split('\0');
    process.kill(daemon, 'SIGKILL');
    assert.ok(environment.includes(`EMPEROR_DIR=${vassal.dir}`));
  });
});
