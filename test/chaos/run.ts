// One run: a box with its apps, load on all of them, the script beside it, the end, and the judgement.
import { tempDir } from '../harness/temp-dir.ts';
import type { Scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Deed } from './actions/action.ts';
import { untilServed } from './actions/action.ts';
import { actedUpon, AppFiles, emperorYaml, withClients } from './apps.ts';
import { Box } from './box.ts';
import { loadApp } from './clients/all.ts';
import type { Connection } from './connection.ts';
import type { Evidence, Violation } from './evidence.ts';
import { History, type Fault } from './history.ts';
import { judge } from './invariants/all.ts';
import { leftovers } from './leftovers.ts';
import { Pace } from './pace.ts';
import { Random } from './random.ts';
import { Recorder } from './record.ts';
import type { Outcome } from './report.ts';
import { impossible, play } from './script.ts';

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly routers?: number;
}

/** Longer than a request may be held, and than a slow one takes: what has no answer by then gets none. */
const lastAnswerMs = 45_000;

export async function run(scope: Scope, { seed, seconds, routers }: RunOptions): Promise<Outcome> {
  const random = new Random(seed);
  const history = new History();
  const recorder = new Recorder();
  const pace = new Pace();
  const loadPace = new Pace();
  const opened = new Set<Connection>();
  const base = tempDir(scope);
  const box = new Box(scope, base, routers ?? random.integer(1, 2));
  const files = new AppFiles(box.directory, base);
  const deed: Deed = { box, files, history, random: random.fork('script'), pace };
  box.configure(emperorYaml(box.routers));
  await box.start();
  for (const app of withClients) await untilServed(deed, app);
  const verbs = await knownVerbs(box);

  const loads = withClients.map((app) => loadApp({ port: box.port, app, recorder, random, pace: loadPace, opened }));
  const over = setTimeout(() => {
    pace.end();
  }, seconds * 1000);
  await play(deed, verbs);
  clearTimeout(over);
  await calmDown({ ...deed, pace: new Pace() });
  loadPace.end();
  await ended(loads, opened);
  const evidence = collect({ box, files, history, recorder });
  const left = await leftovers(box);
  return {
    seed,
    evidence,
    violations: [...untried(verbs), ...judge(evidence), ...left],
    log: box.log,
    accessLog: box.accessLog,
  };
}

/** After the last action every app must come to rest at a last good edit, under load still. */
async function calmDown(deed: Deed): Promise<void> {
  const record = deed.history.begin('last edit', null);
  try {
    for (const app of actedUpon) deed.files.edit(app, 'good');
    for (const app of withClients) await untilServed(deed, app);
  } catch (error) {
    record.problem = error instanceof Error ? error.message : String(error);
  }
  record.endedAtMs = performance.now();
}

/** Waits for the last answers; a connection that still waits for one then is closed, and so becomes a violation. */
async function ended(loads: readonly Promise<void>[], opened: ReadonlySet<Connection>): Promise<void> {
  const all = Promise.all(loads);
  const giveUp = setTimeout(() => {
    for (const connection of opened) connection.close();
  }, lastAnswerMs);
  await all;
  clearTimeout(giveUp);
  await waitFor(() => opened.size === 0, { what: 'all connections to be closed' });
}

/** The verbs of the command line, by its own help. */
async function knownVerbs(box: Box): Promise<ReadonlySet<string>> {
  const { stdout } = await box.command('--help');
  return new Set([...stdout.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, verb]) => verb ?? ''));
}

function untried(verbs: ReadonlySet<string>): readonly Violation[] {
  return impossible(verbs).map((name) => ({
    invariant: 'everything is tried',
    atMs: 0,
    what: `"${name}" could not be tried: the command line has no such verb`,
  }));
}

interface Kept {
  readonly box: Box;
  readonly files: AppFiles;
  readonly history: History;
  readonly recorder: Recorder;
}

function collect({ box, files, history, recorder }: Kept): Evidence {
  const lists = new Map(withClients.map((app) => [app, files.lines(app)] as const));
  const deaths = [...lists].flatMap(([app, lines]) =>
    lines.flatMap((line): Fault[] =>
      line.what === 'died' ? [{ kind: 'worker', app, pid: line.pid, atMs: line.atMs }] : [],
    ),
  );
  return {
    routers: box.routers,
    connections: recorder.connections,
    exchanges: recorder.exchanges,
    sockets: recorder.sockets,
    actions: history.actions,
    faults: [...history.faults, ...deaths],
    portLosses: history.portLosses,
    announcements: box.announcements,
    lists,
  };
}
