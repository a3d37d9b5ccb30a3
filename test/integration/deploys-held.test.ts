// Requests that meet an app without a worker are held, up to `queue` and `queue-timeout`, and answered by whoever comes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Listens only after the file `gate` is there; answers with its pid. */
const gated = `
const { existsSync, watchFile } = require('node:fs');
const { join } = require('node:path');
const open = () => require('node:http').createServer((request, response) => response.end(String(process.pid))).listen(8000);
const gate = join(__dirname, 'gate');
if (existsSync(gate)) open();
else watchFile(gate, { interval: 20 }, () => existsSync(gate) && process.exitCode === undefined && (process.exitCode = 0, open()));
`;

/** Sends that many requests at once; each answer as `status retry-after`. */
function askAll(emperor: EmperorProcess, count: number): Promise<string>[] {
  return Array.from({ length: count }, async () => {
    const { status, headers } = await emperor.ask({ host: 'shop.localhost', timeoutMs: 60_000 });
    return `${status} ${headers['retry-after'] === undefined ? '' : 'retry-after'}`.trim();
  });
}

/** Waits until so many requests are held. */
async function held(emperor: EmperorProcess, count: number): Promise<void> {
  await waitFor(
    async () => {
      const { vassals } = await emperor.status();
      return JSON.stringify(vassals).includes(`"queued":${count}`);
    },
    { what: `${count} requests to be held` },
  );
}

describe('a request without a worker', () => {
  it('waits for the first start', async (t) => {
    const emperor = await startEmperor(t, { vassals: { 'server.cjs': gated, 'shop.yaml': 'app: ./server.cjs\n' } });
    await waitFor(async () => (await emperor.status()).vassals.length === 1, { what: 'the app to be known' });
    const answers = askAll(emperor, 3);
    await held(emperor, 3);
    emperor.write('gate', '');
    assert.deepEqual(await Promise.all(answers), ['200', '200', '200']);
  });

  it('waits after a crash of all workers at once', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': gated, gate: '', 'shop.yaml': 'app: ./server.cjs\nprocesses: 2\n' },
    });
    const { instances } = await emperor.appIs('shop', 'running');
    for (const { pid } of instances.flatMap(({ workers }) => workers)) process.kill(pid, 'SIGKILL');
    assert.deepEqual(new Set(await Promise.all(askAll(emperor, 20))), new Set(['200']));
  });

  it('waits while the primary is replaced', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': gated, gate: '', 'shop.yaml': 'app: ./server.cjs\n' },
    });
    const { instances } = await emperor.appIs('shop', 'running');
    for (const { pid } of instances) process.kill(pid, 'SIGKILL');
    assert.deepEqual(new Set(await Promise.all(askAll(emperor, 20))), new Set(['200']));
  });

  it('beyond `queue` is refused at once with 503 and Retry-After; the others are answered', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': gated, 'shop.yaml': 'app: ./server.cjs\nqueue: 2\n' },
    });
    await waitFor(async () => (await emperor.status()).vassals.length === 1, { what: 'the app to be known' });
    const first = askAll(emperor, 2);
    await held(emperor, 2);
    assert.deepEqual(await Promise.all(askAll(emperor, 3)), Array(3).fill('503 retry-after'));
    emperor.write('gate', '');
    assert.deepEqual(await Promise.all(first), ['200', '200']);
  });

  it('is refused with 503 and Retry-After after `queue-timeout`', async (t) => {
    const emperor = await startEmperor(t, {
      vassals: { 'server.cjs': gated, 'shop.yaml': 'app: ./server.cjs\nqueue-timeout: 300ms\n' },
    });
    await waitFor(async () => (await emperor.status()).vassals.length === 1, { what: 'the app to be known' });
    assert.deepEqual(await Promise.all(askAll(emperor, 2)), Array(2).fill('503 retry-after'));
  });
});
