import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import { processesOf } from '../harness/emperor-process.ts';
import { ask } from '../harness/http-client.ts';
import { descendantsOf, gone, isAlive } from '../harness/processes.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const env = { EMPEROR_NO_NATIVE: '1' };

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

describe('without the addon', () => {
  it('a Node worker binds its own socket, and binds it again after a crash', async (t) => {
    const vassal = await startVassal(t, { fixture: 'crashes-after-n', keys: { env: { N: '1' } }, env });
    await vassal.ready();
    const first = (await ask(vassal.endpoint())).body;
    await assert.rejects(ask(vassal.endpoint()));
    await vassal.until('the respawn', ({ workers }) => workers[0]?.restarts === 1 && workers[0].state === 'ready');
    assert.notEqual((await ask(vassal.endpoint())).body, first);
    assert.equal(vassal.pid(), descendantsOf(vassal.process.pid)[0]);
  });

  it('there is a shared socket for a single worker, and none between several', async (t) => {
    const one = await startVassal(t, { fixture: 'hello', env });
    await one.ready();
    assert.equal((await ask(appSocket(one.dir))).status, 200);
    const two = await startVassal(t, { fixture: 'hello', keys: { processes: 2 }, env });
    await two.ready();
    assert.equal(existsSync(appSocket(two.dir)), false);
    for (const worker of [1, 2]) assert.equal((await ask(two.endpoint(worker))).status, 200);
  });

  it('a command serves on PORT', async (t) => {
    const vassal = await startVassal(t, { fixture: 'python-port', keys: { command: 'python3 server.py' }, env });
    await vassal.ready();
    assert.match((await ask(vassal.endpoint())).body, /^python on /);
  });

  it('what a worker leaves behind is ended all the same', async (t) => {
    const vassal = await startVassal(t, { fixture: 'forks-children', keys: { 'stop-timeout': '500ms' }, env });
    await vassal.ready();
    // The daemon among them has init for its parent and a session of its own; it takes a moment to get there.
    const isDaemon = (pid: number): boolean => commandLineOf(pid).startsWith('sleep\x00601');
    await waitFor(() => processesOf(vassal.dir).some(isDaemon), { what: 'the daemon' });
    const pids = processesOf(vassal.dir);
    assert.ok(pids.length >= 5);
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('workers end with the primary', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello', keys: { processes: 2 }, env });
    await vassal.ready();
    const pids = [vassal.pid(1), vassal.pid(2)];
    vassal.process.kill('SIGKILL');
    for (const pid of pids) await gone(pid);
  });
});
