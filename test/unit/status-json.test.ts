import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildStatus, pidsOf, type StatusFacts } from '../../emperor/status.ts';
import type { VassalState } from '../../lib/vassal-messages.ts';

const report: VassalState = {
  type: 'state',
  phase: 'ready',
  readyMs: 132,
  readyBy: 'listen',
  processes: 2,
  workers: [
    {
      id: 1,
      pid: 41,
      state: 'ready',
      address: 'unix:/r/worker-1.sock',
      weight: 1,
      handoff: null,
      restarts: 0,
      lastExit: null,
    },
    {
      id: 2,
      pid: null,
      state: 'backoff',
      address: 'unix:/r/worker-2.sock',
      weight: 1,
      handoff: null,
      restarts: 3,
      lastExit: 'exit code 1',
    },
  ],
  failure: null,
  logProblem: null,
};

const facts: StatusFacts = {
  version: '1.2.3',
  pid: 10,
  uptimeMs: 61_900,
  phase: 'serving',
  directory: '/etc/vassals',
  runDir: '/run/emperor',
  problems: [],
  nativeMissing: undefined,
  origin: { startedBy: 'start', upgrade: null },
  degraded: [],
  listen: [':8080'],
  routers: [
    {
      id: 1,
      pid: 20,
      hello: undefined,
      isEnding: false,
      stats: { type: 'stats', connections: 2, requests: 5, apps: [] },
    },
    {
      id: 2,
      pid: 21,
      hello: undefined,
      isEnding: false,
      stats: { type: 'stats', connections: 1, requests: 7, apps: [] },
    },
    { id: 3, pid: undefined, hello: undefined, isEnding: false, stats: undefined },
  ],
  apps: [
    {
      name: 'shop',
      file: '/etc/vassals/shop.yaml',
      state: 'running',
      generation: 7,
      domains: ['shop.localhost'],
      runtime: 'node',
      digest: 'abc',
      reason: null,
      instances: [{ key: 'shop/7', generation: 7, state: 'ready', pid: 40, report }],
      lastDeploy: { generation: 7, result: 'live', reason: null, tookMs: 142, log: [] },
      processes: 2,
      isPaused: true,
      rollout: null,
      goodGenerations: [5, 7],
      notes: [],
      stats: [
        {
          name: 'shop',
          requests: 5,
          queued: 1,
          workers: [{ key: 'shop/7/1', requests: 5, inFlight: 1 }],
          generations: [],
        },
        {
          name: 'shop',
          requests: 7,
          queued: 2,
          workers: [
            { key: 'shop/7/1', requests: 6, inFlight: 0 },
            { key: 'shop/6/1', requests: 1, inFlight: 1 },
          ],
          generations: [],
        },
      ],
    },
  ],
  memory: new Map([
    [10, { rss: 100, pss: 90 }],
    [41, { rss: 50, pss: null }],
  ]),
};

describe('status', () => {
  it('has the fields that monitoring reads', () => {
    const { version, emperor, router, vassals } = buildStatus(facts);
    assert.equal(version, '1.2.3');
    assert.deepEqual([emperor.pid, emperor.uptime, emperor.directory, emperor.problems], [10, 61, '/etc/vassals', []]);
    assert.deepEqual([router.pids, router.listen, router.transport], [[20, 21], [':8080'], 'none']);
    const [shop] = vassals;
    assert.deepEqual(
      [shop?.name, shop?.state, shop?.generation, shop?.domains, shop?.runtime],
      ['shop', 'running', 7, ['shop.localhost'], 'node'],
    );
    assert.deepEqual([shop?.processes, shop?.paused, shop?.rollout, shop?.goodGenerations], [2, true, null, [5, 7]]);
    assert.deepEqual(shop?.lastDeploy, { generation: 7, result: 'live', reason: null, tookMs: 142, log: [] });
  });

  it('tells the transport of a router that accepts, and why it runs', () => {
    const hello = { type: 'hello', role: 'router', protocol: 3, pid: 20, listen: [], routesVersion: 1 } as const;
    const ends = { ...hello, id: 1, isEnding: true, transport: 'portable', transportReason: 'it was asked for' };
    const accepts = { ...hello, id: 2, isEnding: false, transport: 'reactor', transportReason: 'the addon has it' };
    const of = (...hellos: (typeof ends)[]): unknown[] => {
      const routers = hellos.map((one) => ({
        id: one.id,
        pid: 20,
        hello: one,
        isEnding: one.isEnding,
        stats: undefined,
      }));
      const { router } = buildStatus({ ...facts, routers });
      return [router.transport, router.transportReason];
    };
    assert.deepEqual(of(ends, accepts), ['reactor', 'the addon has it']);
    assert.deepEqual(of(ends), ['portable', 'it was asked for']);
    assert.deepEqual(of(), ['none', null]);
  });

  it("sums the routers' counters, for each worker by its own key", () => {
    const { router, vassals } = buildStatus(facts);
    assert.deepEqual([router.connections, router.requests], [3, 12]);
    assert.deepEqual([vassals[0]?.requests, vassals[0]?.queued], [12, 3]);
    const [first, second] = vassals[0]?.instances[0]?.workers ?? [];
    assert.deepEqual([first?.requests, first?.inFlight], [11, 1]);
    assert.deepEqual([second?.requests, second?.pid, second?.lastExit], [0, null, 'exit code 1']);
  });

  it('a memory figure that is not there is null', () => {
    const { emperor, vassals } = buildStatus(facts);
    assert.deepEqual([emperor.rss, emperor.pss], [100, 90]);
    const [instance] = vassals[0]?.instances ?? [];
    assert.deepEqual([instance?.rss, instance?.pss], [null, null]);
    assert.deepEqual([instance?.workers[0]?.rss, instance?.workers[0]?.pss], [50, null]);
  });

  it('names every process once for the memory sampler', () => {
    assert.deepEqual(pidsOf(facts), [10, 20, 21, 40, 41]);
  });

  it('is plain JSON: nothing is lost by printing it', () => {
    const status = buildStatus(facts);
    assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
  });
});
