// What people do to files: good edits, bad ones, many at once, touches, and a file that goes and comes back under load.
import { actedUpon, guest, type Mode } from '../apps.ts';
import { deployTimeoutMs, perform, untilServed, type Action, type Deed } from './action.ts';
import { waitFor } from '../../harness/wait-for.ts';

const edit: Action = {
  name: 'edit',
  weight: 4,
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    const isAwaited = deed.random.chance(0.5);
    await perform(deed, { name: 'edit', app, detail: isAwaited ? 'and wait' : '' }, async () => {
      deed.files.edit(app, 'good');
      if (isAwaited) await untilServed(deed, app);
    });
  },
};

const editAllAtOnce: Action = {
  name: 'edit all',
  weight: 1,
  run: async (deed) => {
    await perform(deed, { name: 'edit all', app: null }, async () => {
      for (const app of actedUpon) deed.files.edit(app, 'good');
      for (const app of actedUpon) await untilServed(deed, app);
    });
  },
};

const editOften: Action = {
  name: 'edit often',
  weight: 1,
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    await perform(deed, { name: 'edit often', app, detail: '30 times' }, async () => {
      for (let count = 0; count < 30; count += 1) {
        deed.files.edit(app, 'good');
        await deed.pace.pause(deed.random.integer(0, 30));
      }
      await untilServed(deed, app);
    });
  },
};

const typo: Action = {
  name: 'typo',
  weight: 2,
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    const kind = deed.random.pick(['typo', 'syntax', 'empty'] as const);
    await perform(deed, { name: 'typo', app, detail: kind }, async () => {
      deed.files.breakFile(app, kind);
      await rejected(deed, app);
      await deed.pace.pause(deed.random.integer(0, 500));
      deed.files.mend(app);
    });
  },
};

async function rejected({ box }: Deed, app: string): Promise<void> {
  await waitFor(async () => (await box.status()).emperor.problems.some(({ file }) => file.includes(app)), {
    what: `the broken file of ${app} to be reported`,
    timeoutMs: deployTimeoutMs,
  });
}

/** An edit whose app does not come up, or does not stay up. */
const failingEdit = (mode: Mode): Action => ({
  name: `edit that ${mode}`,
  weight: mode === 'hangs' ? 1 : 2,
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    const isAwaited = deed.random.chance(0.5);
    await perform(deed, { name: `edit that ${mode}`, app, detail: isAwaited ? 'and wait' : '' }, async () => {
      const sinceMs = performance.now();
      deed.files.edit(app, mode);
      if (!isAwaited) return;
      await deed.box.announced(
        `the deploy of ${app} to fail`,
        0,
        ({ type, name, result }, { atMs }) =>
          atMs > sinceMs &&
          type === 'deploy' &&
          name === app &&
          (result === 'failed' || (mode === 'dies' && result === 'live')),
        deployTimeoutMs,
      );
    });
  },
});

const touch: Action = {
  name: 'touch',
  weight: 2,
  run: async (deed) => {
    const app = deed.random.pick(actedUpon);
    await perform(deed, { name: 'touch', app }, async () => {
      deed.files.touch(app);
      await Promise.resolve();
    });
  },
};

const deleteAndAdd: Action = {
  name: 'delete and add',
  weight: 2,
  run: async (deed) => {
    await perform(deed, { name: 'delete and add', app: guest }, async () => {
      deed.files.remove(guest);
      await waitFor(async () => (await deed.box.vassal(guest)) === undefined, {
        what: `${guest} to be gone`,
        timeoutMs: deployTimeoutMs,
      });
      deed.files.edit(guest, 'good');
      await untilServed(deed, guest);
    });
  },
};

export const edits: readonly Action[] = [
  edit,
  editAllAtOnce,
  editOften,
  typo,
  failingEdit('crashes'),
  failingEdit('hangs'),
  failingEdit('dies'),
  touch,
  deleteAndAdd,
];
