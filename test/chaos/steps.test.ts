// Invariant 8: kill -9 of the router, the emperor or both at each step of a deploy, observed in the log. The old or the
// new generation serves, never a mixture; in the end the new one serves alone, and nothing is orphaned.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';
import { untilServed } from './actions/action.ts';
import { AppFiles, emperorYaml } from './apps.ts';
import { Box } from './box.ts';
import type { ClientOptions } from './clients/client.ts';
import { getOnKeptConnections } from './clients/get.ts';
import { post } from './clients/post.ts';
import type { Connection } from './connection.ts';
import { History } from './history.ts';
import { judge } from './invariants/all.ts';
import { leftovers } from './leftovers.ts';
import { Pace } from './pace.ts';
import { killNow, killRouter } from './processes.ts';
import { Random } from './random.ts';
import { Recorder } from './record.ts';

/** Apps by their rollout: the judgement knows what to expect of each. */
const rollouts = [
  { app: 'shop', rollout: 'all' },
  { app: 'blog', rollout: 'chain' },
  { app: 'mail', rollout: '{canary: [50%, 100%], pause: 200ms}' },
];

/** A line of the log that shows that the deploy is at this step; `next`: of the new generation, else of the old one. */
interface Step {
  readonly text: string;
  readonly of: 'next' | 'old';
}

const steps: readonly Step[] = [
  { text: 'starting a generation', of: 'next' },
  { text: 'worker backoff -> starting', of: 'next' },
  { text: 'worker starting -> ready', of: 'next' },
  { text: 'starting -> ready', of: 'next' },
  { text: 'it gets the whole traffic', of: 'next' },
  { text: 'ready -> draining', of: 'old' },
  { text: 'it stood its probation', of: 'next' },
  { text: 'draining -> stopping', of: 'old' },
  { text: 'stopping -> exited', of: 'old' },
];

type Victim = 'router' | 'emperor';

for (const victims of [['router'], ['emperor'], ['router', 'emperor']] as const) {
  describe(`kill -9 of ${victims.join(' and ')}`, () => {
    for (const { app, rollout } of rollouts) {
      it(`at each step of a deploy by ${rollout} leaves one generation, and nothing behind`, async (t) => {
        await throughAllSteps(t, victims, { app, rollout });
      });
    }
  });
}

async function throughAllSteps(
  t: TestContext,
  victims: readonly Victim[],
  { app, rollout }: (typeof rollouts)[number],
): Promise<void> {
  const base = tempDir(t);
  const box = new Box(t, base, 1);
  const keys = { rollout, settle: '300ms', 'drain-timeout': '2s' };
  const files = new AppFiles(box.directory, base, { apps: [app], keys });
  box.configure(emperorYaml(1));
  await box.start();
  await untilServed({ box, files }, app);
  const history = new History();
  const recorder = new Recorder();
  const pace = new Pace();
  const opened = new Set<Connection>();
  const options: ClientOptions = { port: box.port, app, recorder, random: new Random(8), pace, opened };
  const load = Promise.all([getOnKeptConnections(options), post(options)]);
  try {
    for (const step of steps) await deployAndKill({ box, files, history, app }, step, victims);
  } finally {
    pace.end();
    await load;
  }
  const { connections, exchanges, sockets } = recorder;
  const { actions, faults, portLosses } = history;
  const violations = judge({
    routers: 1,
    connections,
    exchanges,
    sockets,
    actions,
    faults,
    portLosses,
    announcements: box.announcements,
    lists: new Map([[app, files.lines(app)]]),
  });
  const left = await leftovers(box);
  assert.deepEqual(
    [...violations, ...left].slice(0, 10).map(({ invariant, what }) => `[${invariant}] ${what}`),
    [],
    box.log.slice(-6000),
  );
}

interface Place {
  readonly app: string;
  readonly box: Box;
  readonly files: AppFiles;
  readonly history: History;
}

async function deployAndKill(place: Place, step: Step, victims: readonly Victim[]): Promise<void> {
  const { box, files, app } = place;
  const { generation } = (await box.vassal(app)) ?? {};
  const at = step.of === 'next' ? (generation ?? 0) + 1 : (generation ?? 0);
  const from = box.log.length;
  const [router = 0] = (await box.status()).router.pids;
  files.edit(app, 'good');
  await waitFor(
    () =>
      box.log
        .slice(from)
        .split('\n')
        .some((line) => line.includes(`"${step.text}"`) && line.includes(`"generation":${at},`)),
    { what: () => `"${step.text}" of generation ${at}; log ${box.log.slice(from)}`, timeoutMs: 30_000 },
  );
  await kill(place, router, victims);
  await untilServed(place, app);
  await waitFor(async () => (await box.vassal(app))?.instances.length === 1, {
    what: () => `one generation to be left after a kill at "${step.text}"; log ${box.log.slice(from)}`,
    timeoutMs: 30_000,
  });
}

async function kill({ box, history }: Place, router: number, victims: readonly Victim[]): Promise<void> {
  const emperor = box.emperorPid;
  if (victims.includes('router')) {
    history.faults.push({ kind: 'router', pid: router, ...killRouter(router, box.port) });
  }
  if (!victims.includes('emperor')) return;
  history.faults.push({ kind: 'emperor', pid: emperor, atMs: performance.now() });
  killNow(emperor);
  // The one router and the emperor were all that held the ports.
  const loss = { fromMs: performance.now(), untilMs: Infinity };
  if (victims.includes('router')) history.portLosses.push(loss);
  await box.start();
  loss.untilMs = performance.now();
}
