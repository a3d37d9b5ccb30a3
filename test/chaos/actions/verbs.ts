// What operators say on the command line, and the signal that re-reads emperor.yaml.
import { actedUpon, emperorYaml } from '../apps.ts';
import type { CommandResult } from '../../harness/emperor-process.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { deployTimeoutMs, perform, servedVersion, untilServed, type Action, type Deed } from './action.ts';

/** Runs the command, which must exit with one of `codes`. */
async function command(deed: Deed, args: readonly string[], codes: readonly number[] = [0]): Promise<CommandResult> {
  const result = await deed.box.command(...args);
  if (!codes.includes(result.code)) {
    throw new Error(`exit code ${result.code}: ${result.stdout.slice(-1000)}${result.stderr.slice(-1000)}`);
  }
  return result;
}

const reload: Action = {
  name: 'reload --wait',
  weight: 3,
  verb: 'reload',
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    await perform(deed, { name: 'reload --wait', app }, async () => {
      const sinceMs = performance.now();
      const { mode } = deed.files.content(app);
      // A version that crashes later may be reported live, or have crashed by then.
      const { code } = await command(
        deed,
        ['reload', app, '--wait'],
        mode === 'good' ? [0] : mode === 'dies' ? [0, 1] : [1],
      );
      if (code !== 0) return;
      await deed.box.announced(
        `the deploy of ${app} that reload says is done`,
        0,
        ({ type, name, result }, { atMs }) => atMs > sinceMs && type === 'deploy' && name === app && result === 'live',
        5000,
      );
    });
  },
};

const rollback: Action = {
  name: 'rollback',
  weight: 2,
  verb: 'rollback',
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    await perform(deed, { name: 'rollback', app }, async () => {
      deed.files.edit(app, 'good');
      await untilServed(deed, app);
      const { version } = deed.files.content(app);
      await command(deed, ['rollback', app, '--wait']);
      const served = await servedVersion(deed, app);
      if (served === undefined || served >= version) {
        throw new Error(`version ${version} was rolled back, and ${served ?? 'none'} is served`);
      }
    });
  },
};

const scale: Action = {
  name: 'scale',
  weight: 2,
  verb: 'scale',
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    const count = deed.random.integer(1, 4);
    await perform(deed, { name: 'scale', app, detail: String(count) }, async () => {
      await command(deed, ['scale', app, String(count), ...(deed.random.chance(0.5) ? ['--wait'] : [])]);
      await waitFor(
        async () => {
          const vassal = await deed.box.vassal(app);
          const live = vassal?.instances.find(({ generation }) => generation === vassal.generation);
          return live?.workers.filter(({ state }) => state === 'ready').length === count;
        },
        { what: `${app} to have ${count} workers`, timeoutMs: deployTimeoutMs },
      );
    });
  },
};

const pauseAndResume: Action = {
  name: 'pause and resume',
  weight: 2,
  verb: 'pause',
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    const isAwaited = deed.random.chance(0.5);
    await perform(deed, { name: 'pause and resume', app, detail: isAwaited ? 'and wait' : '' }, async () => {
      await command(deed, ['pause', app, ...(isAwaited ? ['--wait'] : [])]);
      const before = isAwaited ? executions(deed, app) : [];
      await deed.pace.pause(deed.random.integer(0, 1500));
      const after = isAwaited ? executions(deed, app) : [];
      await command(deed, ['resume', app]);
      if (after.length > before.length) {
        throw new Error(`executed although it was paused: ${after.slice(before.length).join(', ')}`);
      }
    });
  },
};

/** The requests that the app began to execute, in order. */
function executions({ files }: Deed, app: string): readonly string[] {
  return files.lines(app).flatMap((line) => (line.what === 'begin' ? [line.id] : []));
}

const reconfigure: Action = {
  name: 'HUP',
  weight: 1,
  run: async (deed) => {
    await perform(deed, { name: 'HUP', app: null }, async () => {
      const from = deed.box.log.length;
      const level = deed.random.pick(['info', 'debug'] as const);
      deed.box.configure(emperorYaml(deed.box.routers, level));
      process.kill(deed.box.emperorPid, 'SIGHUP');
      await waitFor(() => deed.box.log.slice(from).includes('emperor.yaml was read again'), {
        what: 'emperor.yaml to be read again',
      });
    });
  },
};

const upgrade: Action = {
  name: 'upgrade',
  weight: 2,
  verb: 'upgrade',
  run: async (deed) => {
    await perform(deed, { name: 'upgrade', app: null }, async () => {
      const workers = await bystanders(deed);
      const { pids } = (await deed.box.status()).router;
      await command(deed, ['upgrade', '--wait']);
      const after = await bystanders(deed);
      if (workers !== after) throw new Error(`vassals were touched: ${workers} became ${after}`);
      const { router } = await deed.box.status();
      const fresh = router.pids.filter((pid) => !pids.includes(pid));
      if (fresh.length < deed.box.routers) throw new Error(`routers ${pids.join()} became ${router.pids.join()}`);
    });
  },
};

/** The processes of the app that nothing else is done to, as text. */
async function bystanders({ box }: Deed): Promise<string> {
  const calm = await box.vassal('calm');
  return JSON.stringify(calm?.instances.map(({ pid, workers }) => [pid, workers.map((worker) => worker.pid)]));
}

export const verbs: readonly Action[] = [reload, rollback, scale, pauseAndResume, reconfigure, upgrade];
