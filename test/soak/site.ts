// What is soaked: the emperor by its command line, one app on Node with two workers, and hand-off as it is by default.
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { fixtureApp } from '../harness/paths.ts';
import type { Scope } from '../harness/scope.ts';
import type { TransportWish } from '../../lib/transport-choice.ts';
import { waitFor } from '../harness/wait-for.ts';

const app = 'soak';
export const host = `${app}.localhost`;

/**
 * A connection that idles for a whole round must not be one too many, or be closed for its idleness: its end is a
 * failure here. The access log would be kept by whoever captures it.
 */
const config = (mostConnections: number): string => `log:
  access: false
router:
  idle-timeout: 1h
  max-connections: ${mostConnections}
`;

/** The pids of a site, by what they are. */
export type Processes = Readonly<Record<string, number>>;

export class Site {
  readonly emperor: EmperorProcess;
  readonly processes: Processes;

  constructor(emperor: EmperorProcess, processes: Processes) {
    this.emperor = emperor;
    this.processes = processes;
  }

  /** Resolves when its routers hold no client connection any more. */
  async untilAlone(): Promise<void> {
    await waitFor(async () => (await this.emperor.status()).router.connections === 0, {
      what: 'the routers to be rid of all clients',
      timeoutMs: 120_000,
    });
  }

  /** Lines of its log that tell of a fault of its own. */
  get faults(): readonly string[] {
    return this.emperor.process.stderr.split('\n').filter((line) => /"level":(?:50|60)/.test(line));
  }
}

/** `mostConnections`: of one router, at a time. */
export async function startSite(scope: Scope, transport: TransportWish, mostConnections: number): Promise<Site> {
  const emperor = await startEmperor(scope, {
    transport,
    config: config(mostConnections),
    vassals: { [`${app}.yaml`]: `app: ${fixtureApp('answers-in-phases')}/server.js\nprocesses: 2\n` },
  });
  const [instance] = (await emperor.appIs(app, 'running')).instances;
  const { router } = await emperor.status();
  if (instance === undefined) throw new Error('the app has no instance');
  const named = (what: string, pids: readonly number[]): [string, number][] =>
    pids.map((pid, index) => [pids.length === 1 ? what : `${what} ${index + 1}`, pid]);
  const workers = instance.workers.map(({ pid }) => pid);
  const all = [
    ...named('emperor', [emperor.process.pid]),
    ...named('router', router.pids),
    ...named('primary', [instance.pid]),
    ...named('worker', workers),
  ];
  return new Site(emperor, Object.fromEntries(all));
}
