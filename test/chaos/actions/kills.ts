// kill -9 of any of our processes, alone and two in the same moment; a killed emperor is followed by a new one.
import { actedUpon } from '../apps.ts';
import { childrenOf, killNow, killRouter, listensOn } from '../processes.ts';
import type { VassalJson } from '../../harness/emperor-process.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { deployTimeoutMs, perform, type Action, type Deed } from './action.ts';

type Victim = 'worker' | 'primary' | 'router' | 'emperor';

/** Kills what was looked up, at once, and notes the fault. */
type Kill = () => void;

const aim: Readonly<Record<Victim, (deed: Deed) => Promise<Kill>>> = {
  worker: async (deed) => {
    const { app, instance } = await victimInstance(deed);
    const pids = instance.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid);
    const pid = pids.length === 0 ? undefined : deed.random.pick(pids);
    return () => {
      const atMs = performance.now();
      if (pid !== undefined && killNow(pid)) deed.history.faults.push({ kind: 'worker', app, pid, atMs });
    };
  },
  primary: async (deed) => {
    const { app, instance } = await victimInstance(deed);
    return () => {
      const workers = childrenOf(instance.pid);
      const atMs = performance.now();
      if (killNow(instance.pid)) deed.history.faults.push({ kind: 'primary', app, pid: instance.pid, atMs, workers });
    };
  },
  router: async (deed) => {
    const pid = deed.random.pick((await deed.box.status()).router.pids);
    return () => {
      const { atMs, ports } = killRouter(pid, deed.box.port);
      deed.history.faults.push({ kind: 'router', pid, atMs, ports });
    };
  },
  emperor: async (deed) => {
    const pid = await Promise.resolve(deed.box.emperorPid);
    return () => {
      const atMs = performance.now();
      if (killNow(pid)) deed.history.faults.push({ kind: 'emperor', pid, atMs });
    };
  },
};

/** One instance of an app, of any state: a deploy may be under way. */
async function victimInstance({
  box,
  random,
}: Deed): Promise<{ app: string; instance: VassalJson['instances'][number] }> {
  const app = random.pick(actedUpon);
  const instances = await waitFor(
    async () => {
      const all = (await box.vassal(app))?.instances ?? [];
      return all.length > 0 && all;
    },
    { what: `an instance of ${app}`, timeoutMs: deployTimeoutMs },
  );
  return { app, instance: random.pick(instances) };
}

async function strike(deed: Deed, victims: readonly Victim[]): Promise<void> {
  const kills: Kill[] = [];
  for (const victim of victims) kills.push(await aim[victim](deed));
  const routersBefore = (await deed.box.status()).router.pids;
  const faultsBefore = deed.history.faults.length;
  for (const kill of kills) kill();
  // What was killed can still be seen for a moment.
  const killed = new Set(deed.history.faults.slice(faultsBefore).map(({ pid }) => pid));
  if (!victims.includes('emperor')) {
    if (victims.includes('router')) await routersAreBack(deed);
    return;
  }
  // With every holder of the listening sockets the ports go, too.
  const isPortLost = !routersBefore.some((pid) => !killed.has(pid) && listensOn(pid, deed.box.port));
  const loss = { fromMs: performance.now(), untilMs: Infinity };
  if (isPortLost) deed.history.portLosses.push(loss);
  await deed.pace.pause(deed.random.integer(0, 1000));
  await deed.box.start();
  loss.untilMs = performance.now();
}

/** As many as wanted listen, whoever started them. */
async function routersAreBack({ box }: Deed): Promise<void> {
  await waitFor(
    async () => {
      const { router } = await box.status();
      return router.pids.filter((pid) => listensOn(pid, box.port)).length >= box.routers;
    },
    { what: 'the killed router to be replaced', timeoutMs: deployTimeoutMs },
  );
}

const kill = (name: string, weight: number, choose: (deed: Deed) => readonly Victim[]): Action => ({
  name,
  weight,
  run: async (deed) => {
    const victims = choose(deed);
    await perform(deed, { name, app: null, detail: victims.join(' and ') }, async () => {
      await strike(deed, victims);
    });
  },
});

const pairs: readonly (readonly Victim[])[] = [
  ['worker', 'primary'],
  ['worker', 'router'],
  ['worker', 'emperor'],
  ['primary', 'router'],
  ['primary', 'emperor'],
  ['router', 'emperor'],
];

export const kills: readonly Action[] = [
  kill('kill a worker', 3, () => ['worker']),
  kill('kill a primary', 2, () => ['primary']),
  kill('kill a router', 2, () => ['router']),
  kill('kill the emperor', 2, () => ['emperor']),
  kill('kill two', 2, ({ random }) => random.pick(pairs)),
];
