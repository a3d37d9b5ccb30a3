// Invariant 7: after a hundred deploys under load descriptors, timers, sockets, files and memory are back at the start.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it, type TestContext } from 'node:test';
import { processesOf } from '../harness/emperor-process.ts';
import { descriptorCount, residentBytes } from '../harness/processes.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';
import { untilServed } from './actions/action.ts';
import { AppFiles, emperorYaml } from './apps.ts';
import { Box } from './box.ts';
import { getOnKeptConnections } from './clients/get.ts';
import { idle } from './clients/idle.ts';
import { webSocket } from './clients/web-socket.ts';
import type { ClientOptions } from './clients/client.ts';
import type { Connection } from './connection.ts';
import { Inspector, inspectable } from './inspector.ts';
import { leftovers } from './leftovers.ts';
import { Pace } from './pace.ts';
import { Random } from './random.ts';
import { Recorder } from './record.ts';

const app = 'shop';
const deploys = 100;
/** Caches and logs' buffers fill in the first ones. */
const warmUp = 15;
/** Kept-alive connections to a worker come and go; what leaks does so with each deploy. */
const tolerableMore = 3;
/** The heap of a process that did nothing but start is not yet what it needs. */
const tolerableBytes = 48 * 1024 * 1024;

it(`${deploys} deploys leave nothing behind`, { timeout: 600_000 }, async (t) => {
  const { box, files } = await start(t);
  const pids = { emperor: box.emperorPid, router: (await box.status()).router.pids[0] ?? 0 };
  const inspectors = {
    emperor: await Inspector.open(pids.emperor, () => box.log),
    router: await Inspector.open(pids.router, () => box.log),
  };
  // A program with an open session waits for its end before it exits, and so does a test that failed.
  const closeInspectors = (): void => {
    for (const inspector of Object.values(inspectors)) inspector.close();
  };
  t.after(closeInspectors);
  const take = async (): Promise<Inventory> => {
    await untilAlone(box);
    return inventory(box, pids, inspectors);
  };

  await underLoad(box, async () => {
    for (let count = 0; count < warmUp; count += 1) await deploy(box, files, count);
  });
  const before = await take();
  await underLoad(box, async () => {
    for (let count = 0; count < deploys; count += 1) await deploy(box, files, count);
  });
  const after = await take();

  assert.deepEqual(after.lasting, before.lasting);
  for (const name of ['emperor', 'router'] as const) {
    const grown = after.rss[name] - before.rss[name];
    assert.ok(grown < tolerableBytes, `the ${name} grew by ${grown} bytes in ${deploys} deploys`);
    for (const kind of ['descriptors', 'timers'] as const) {
      const more = after[kind][name] - before[kind][name];
      assert.ok(more <= tolerableMore, `the ${name} has ${more} ${kind} more after ${deploys} deploys`);
    }
  }
  closeInspectors();
  assert.deepEqual(await leftovers(box), []);
});

async function start(t: TestContext): Promise<{ box: Box; files: AppFiles }> {
  const base = tempDir(t);
  const box = new Box(t, base, 1, { NODE_OPTIONS: inspectable });
  const keys = { settle: '0s', 'drain-timeout': '1s', processes: '1' };
  const files = new AppFiles(box.directory, base, { apps: [app], keys });
  box.configure(emperorYaml(1));
  await box.start();
  await untilServed({ box, files }, app);
  return { box, files };
}

/** One deploy, by an edit or a touch, until it is reported live. */
async function deploy(box: Box, files: AppFiles, count: number): Promise<void> {
  const from = box.announcements.length;
  if (count % 3 === 0) files.touch(app);
  else files.edit(app, 'good');
  await box.announced(`deploy ${count}`, from, ({ type, result }) => type === 'deploy' && result === 'live');
}

async function underLoad(box: Box, work: () => Promise<void>): Promise<void> {
  const pace = new Pace();
  const recorder = new Recorder();
  const opened = new Set<Connection>();
  const options: ClientOptions = { port: box.port, app, recorder, random: new Random(1), pace, opened };
  const clients = [getOnKeptConnections, idle, idle, webSocket, webSocket].map((client) => client(options));
  try {
    await work();
  } finally {
    pace.end();
    await Promise.all(clients);
  }
}

/** Nothing of what was replaced runs any more, and no client is connected. */
async function untilAlone(box: Box): Promise<void> {
  await waitFor(
    async () => {
      const { vassals, router } = await box.status();
      return vassals[0]?.state === 'running' && vassals[0].instances.length === 1 && router.connections === 0;
    },
    { what: 'one generation to be left', timeoutMs: 60_000 },
  );
}

interface Inventory {
  readonly lasting: {
    readonly processes: number;
    readonly files: number;
    /** Unix sockets that are bound below the run directory. */
    readonly sockets: number;
  };
  readonly descriptors: Readonly<Record<'emperor' | 'router', number>>;
  readonly timers: Readonly<Record<'emperor' | 'router', number>>;
  readonly rss: Readonly<Record<'emperor' | 'router', number>>;
}

async function inventory(
  box: Box,
  pids: Readonly<Record<'emperor' | 'router', number>>,
  inspectors: Readonly<Record<'emperor' | 'router', Inspector>>,
): Promise<Inventory> {
  const timers = { emperor: await inspectors.emperor.timers(), router: await inspectors.router.timers() };
  const bound = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.includes(box.runDir) && line.includes(' 00010000 '));
  return {
    lasting: {
      processes: processesOf(box.runDir).length,
      files: readdirSync(box.runDir, { recursive: true }).length,
      sockets: bound.length,
    },
    descriptors: { emperor: descriptorCount(pids.emperor), router: descriptorCount(pids.router) },
    timers,
    rss: { emperor: residentBytes(pids.emperor), router: residentBytes(pids.router) },
  };
}
