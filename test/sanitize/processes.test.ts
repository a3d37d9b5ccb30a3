// Run by `npm run test:sanitize` only: what is not under a sanitizer cannot be found by it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAddon } from '../../native/index.ts';
import { startEmperor } from '../harness/emperor-process.ts';
import { fixtureApp, packageRoot } from '../harness/paths.ts';

/** The shared objects that a process has in its memory. */
function objectsOf(pid: number): string {
  return readFileSync(`/proc/${pid}/maps`, 'latin1');
}

describe('under the sanitizers', () => {
  it('the addon of this copy is loaded', () => {
    assert.equal(loadAddon(packageRoot).missing, undefined);
    assert.match(objectsOf(process.pid), /libasan\.so/);
    assert.ok(objectsOf(process.pid).includes(`${packageRoot}build/Release/emperor_native.node`));
  });

  it('run the emperor, its routers, the primary and the workers of an app', async (t) => {
    const emperor = await startEmperor(t, {
      transport: 'reactor',
      vassals: { 'shop.yaml': `app: ${join(fixtureApp('hello'), 'server.js')}\nprocesses: 2\n` },
    });
    const [instance] = (await emperor.appIs('shop', 'running')).instances;
    const { router } = await emperor.status();
    assert.ok(instance !== undefined);
    const addonUsers = [emperor.process.pid, ...router.pids, instance.pid];
    const workers = instance.workers.map(({ pid }) => pid);
    assert.equal(workers.length, 2);
    for (const pid of [...addonUsers, ...workers]) assert.match(objectsOf(pid), /libasan\.so/);
    for (const pid of addonUsers) assert.match(objectsOf(pid), /sanitized\/build\/Release\/emperor_native\.node/);
    assert.equal(router.transport, 'reactor');
  });
});
