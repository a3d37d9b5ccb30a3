// Deploys, pauses and scaling under clients that keep their connections: no request is lost, and no connection ends.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { EmperorOptions, EmperorProcess } from '../harness/emperor-process.ts';
import { readWho, startHandedApp } from '../harness/handed-app.ts';
import { KeptTraffic } from '../harness/kept-traffic.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { waitFor } from '../harness/wait-for.ts';

const host = 'who.localhost';
const clients = 50;

interface Running {
  readonly emperor: EmperorProcess;
  readonly traffic: KeptTraffic;
}

/** The app, and fifty clients whose connections its workers have. */
async function run(t: TestContext, keys = '', options: EmperorOptions = {}): Promise<Running> {
  const emperor = await startHandedApp(t, keys, options);
  const traffic = KeptTraffic.start(t, { port: emperor.port, host, clients });
  await traffic.goesOn();
  await traffic.answers('a direct answer', isDirect);
  return { emperor, traffic };
}

const isDirect = (body: string): boolean => readWho(body).isDirect;
const isOf =
  (generation: number, direct = true) =>
  (body: string): boolean =>
    readWho(body).generation === generation && isDirect(body) === direct;

/** Answers that came by way of the router. */
function routed({ bodies }: KeptTraffic): number {
  return [...bodies].filter(([body]) => !isDirect(body)).reduce((sum, [, count]) => sum + count, 0);
}

/** A client that asks too soon is handed over later: no connection is left when a long while brings no routed answer. */
async function allAreDirect(traffic: KeptTraffic): Promise<void> {
  for (let before = -1; before !== routed(traffic);) {
    before = routed(traffic);
    await traffic.goesOn(50);
  }
}

/** Every connection is the one that it was, and every answer was whole and as it should be. */
async function nothingWasLost({ emperor, traffic }: Running): Promise<void> {
  await traffic.goesOn();
  assert.deepEqual(await traffic.stop(), []);
  await waitFor(async () => (await emperor.status()).router.connections === clients, { what: 'the connections' });
}

describe('under fifty clients that keep their connections', { skip: withoutAddon }, () => {
  for (const rollout of ['all', 'chain'] as const) {
    it(`an edit loses no request and ends no connection (rollout: ${rollout})`, async (t) => {
      const keys = `processes: 2\nrollout: ${rollout}\n`;
      const running = await run(t, keys);
      const { emperor, traffic } = running;
      for (let generation = 2; generation <= 4; generation++) {
        emperor.write('who.yaml', `app: ./who.cjs\n${keys}env: {EDIT: "${generation}"}\n`);
        await emperor.generationIs('who', generation);
        await traffic.answers(`a direct answer of generation ${generation}`, isOf(generation));
      }
      await nothingWasLost(running);
    });
  }

  it('a canary has its share request by request, whatever becomes of it', async (t) => {
    const keys = 'rollout: {canary: [50%], pause: 1s}\n';
    const running = await run(t, keys);
    const { emperor, traffic } = running;
    emperor.write('who.yaml', `app: ./who.cjs\n${keys}env: {EDIT: "2"}\n`);
    await traffic.answers('an answer of the canary', isOf(2, false));
    // On a slow machine it may be found slower than the old one, and turned back.
    await traffic.answers('a direct answer when it is decided', isDirect);
    await nothingWasLost(running);
  });

  it('reloads and rollbacks lose no request and end no connection', async (t) => {
    const running = await run(t, 'settle: 0\n');
    const { emperor, traffic } = running;
    const reloaded = await emperor.command('reload', 'who', '--wait');
    assert.equal(reloaded.code, 0, reloaded.stderr);
    await traffic.answers('a direct answer of generation 2', isOf(2));
    emperor.write('who.yaml', 'app: ./who.cjs\nsettle: 0\nenv: {EDIT: "3"}\n');
    await emperor.generationIs('who', 3);
    await traffic.answers('a direct answer of generation 3', isOf(3));
    const back = await emperor.command('rollback', 'who', '--wait');
    assert.equal(back.code, 0, back.stderr);
    await traffic.answers('a direct answer of what was good before', (body) => readWho(body).generation > 3);
    await nothingWasLost(running);
  });

  it('an edit that is refused leaves them where they are', async (t) => {
    const running = await run(t);
    const { emperor, traffic } = running;
    await allAreDirect(traffic);
    emperor.write('who.yaml', 'app: ./missing.cjs\n');
    await emperor.appIs('who', 'degraded');
    const before = routed(traffic);
    await traffic.goesOn();
    assert.equal(routed(traffic), before, 'none came back to the router');
    await nothingWasLost(running);
  });

  it('scaling loses no request and ends no connection, and gives new workers their part', async (t) => {
    const running = await run(t);
    const { emperor, traffic } = running;
    for (const processes of ['3', '1', '2']) {
      const scaled = await emperor.command('scale', 'who', processes, '--wait');
      assert.equal(scaled.code, 0, scaled.stderr);
      const isNewest = (body: string): boolean => readWho(body).worker === Number(processes) && isDirect(body);
      await traffic.answers(`a direct answer of worker ${processes}`, isNewest);
    }
    await nothingWasLost(running);
  });

  it('a pause holds every request until the app is resumed', async (t) => {
    const running = await run(t);
    const { emperor, traffic } = running;
    // It returns when no request of the app runs any more.
    const paused = await emperor.command('pause', 'who', '--wait');
    assert.equal(paused.code, 0, paused.stderr);
    await emperor.status();
    const { answered } = traffic;
    await emperor.status();
    assert.equal(traffic.answered, answered, 'nothing is answered while it is paused');

    const resumed = await emperor.command('resume', 'who');
    assert.equal(resumed.code, 0, resumed.stderr);
    await traffic.goesOn();
    await traffic.answers('a direct answer', isDirect);
    await nothingWasLost(running);
  });
});
