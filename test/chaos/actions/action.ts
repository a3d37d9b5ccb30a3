// What the script can do to the box. An action does it, notes its faults, and tells what did not come of it.
import type { AppFiles } from '../apps.ts';
import type { Box } from '../box.ts';
import { Connection } from '../connection.ts';
import type { ActionRecord, History } from '../history.ts';
import type { Pace } from '../pace.ts';
import type { Random } from '../random.ts';
import { Recorder } from '../record.ts';
import { waitFor, within } from '../../harness/wait-for.ts';

export interface Deed {
  readonly box: Box;
  readonly files: AppFiles;
  readonly history: History;
  readonly random: Random;
  readonly pace: Pace;
}

export interface Action {
  readonly name: string;
  /** How many of a deck's cards it has. */
  readonly weight: number;
  /** The verb of the command line that it needs. */
  readonly verb?: string;
  run(deed: Deed): Promise<void>;
}

/** So long a deploy may take on a busy machine, with others before it in the queue. */
export const deployTimeoutMs = 60_000;

/** Does something and puts it down, with what went wrong. */
export async function perform(
  { history }: Deed,
  about: { readonly name: string; readonly app: string | null; readonly detail?: string },
  act: (record: ActionRecord) => Promise<void>,
): Promise<void> {
  const record = history.begin(about.name, about.app, about.detail);
  try {
    await act(record);
  } catch (error) {
    record.problem = error instanceof Error ? error.message : String(error);
  }
  record.endedAtMs = performance.now();
}

/** The version of the app that answers a request of our own. */
export async function servedVersion({ box }: Pick<Deed, 'box'>, app: string): Promise<number | undefined> {
  const connection = new Connection(new Recorder(), box.port, app);
  let version: number | undefined;
  const { ended } = connection.request({
    kind: 'get-new',
    path: '/',
    onHead: ({ fields }) => {
      version = Number(fields.get('x-chaos-version'));
    },
  });
  try {
    await within(ended, { what: `an answer of ${app}`, timeoutMs: deployTimeoutMs });
  } finally {
    connection.close();
  }
  return version;
}

/** Waits until the app runs nothing but what its file says, seen through the public port. */
export async function untilServed(deed: Pick<Deed, 'box' | 'files'>, app: string): Promise<void> {
  const { version } = deed.files.content(app);
  let last = '';
  await waitFor(
    async () => {
      const vassal = await deed.box.vassal(app);
      const served = await servedVersion(deed, app);
      last = `${app} is ${vassal?.state ?? 'unknown'} (${JSON.stringify(vassal?.lastDeploy ?? null)}) and serves version ${served ?? 'none'}`;
      return vassal?.state === 'running' && served === version;
    },
    { what: () => `version ${version} of ${app} to be served; ${last}`, timeoutMs: deployTimeoutMs },
  );
}
