// The real vassal program with the test as its emperor. After every test it must be gone with all its descendants,
// and its sockets with it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { entryPoints } from '../../lib/entry-points.ts';
import { logFile, workerSocket } from '../../lib/run-dir.ts';
import { appKeys, vassalSchema, type VassalSpec } from '../../lib/spec/vassal-spec.ts';
import type { Registration, VassalState } from '../../lib/vassal-messages.ts';
import { ControlListener, type ControlConnection } from './control-listener.ts';
import { fixtureApp } from './paths.ts';
import { descendantsOf, gone, isAlive, startProgram, type TestProcess } from './processes.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export interface VassalSetup {
  /** The fixture app that `chdir` points to. */
  readonly fixture: string;
  /** Keys of the spec as a config file has them; `app` defaults to `./server.js`. */
  readonly keys?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly dir?: string;
  /** How many workers to begin with; default: as the spec says. */
  readonly processes?: number;
  readonly registrations?: readonly Registration[];
}

export interface LogLine {
  readonly time: string;
  readonly app: string;
  readonly generation: number;
  readonly worker: number | null;
  readonly stream: 'out' | 'err';
  readonly line: string;
}

export class VassalProcess {
  readonly dir: string;
  readonly process: TestProcess;
  readonly control: ControlListener;
  connection: ControlConnection;
  /** Every pid that was ever seen below it. */
  readonly seen = new Set<number>();

  constructor(parts: { dir: string; process: TestProcess; control: ControlListener; connection: ControlConnection }) {
    this.dir = parts.dir;
    this.process = parts.process;
    this.control = parts.control;
    this.connection = parts.connection;
  }

  /** Its latest state. */
  get state(): VassalState | undefined {
    return this.connection.messages.findLast(({ type }) => type === 'state') as VassalState | undefined;
  }

  /** Waits for a state (the latest one counts) for which `accepts` holds. */
  async until(what: string, accepts: (state: VassalState) => boolean, timeoutMs = 20_000): Promise<VassalState> {
    return waitFor(
      () => {
        for (const pid of descendantsOf(this.process.pid)) this.seen.add(pid);
        return this.state !== undefined && accepts(this.state) ? this.state : undefined;
      },
      { what: `${what}; last ${JSON.stringify(this.state)}; log ${this.process.stderr.slice(-3000)}`, timeoutMs },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(this.state)}\n${this.process.stderr.slice(-4000)}`);
    });
  }

  async ready(): Promise<VassalState> {
    return this.until('all workers to be ready', ({ phase }) => phase === 'ready');
  }

  /** The socket path, or port, of a ready worker. */
  endpoint(worker = 1): string | number {
    const address = this.state?.workers.find(({ id }) => id === worker)?.address ?? '';
    return address.startsWith('unix:') ? address.slice('unix:'.length) : Number(address.split(':').at(-1));
  }

  socket(worker = 1): string {
    return workerSocket(this.dir, worker);
  }

  pid(worker = 1): number {
    const pid = this.state?.workers.find(({ id }) => id === worker)?.pid;
    assert.ok(typeof pid === 'number', `worker ${worker} has a process`);
    return pid;
  }

  log(): LogLine[] {
    if (!existsSync(logFile(this.dir))) return [];
    return readFileSync(logFile(this.dir), 'utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as LogLine);
  }

  /** Waits for a line of the app's log. */
  async logged(what: string | RegExp): Promise<LogLine> {
    const matches = ({ line }: LogLine): boolean => (typeof what === 'string' ? line.includes(what) : what.test(line));
    return waitFor(() => this.log().find(matches), { what: `a log line with ${String(what)}` });
  }

  stop(): void {
    for (const pid of descendantsOf(this.process.pid)) this.seen.add(pid);
    this.connection.send({ type: 'stop' });
  }
}

export function specOf(keys: Readonly<Record<string, unknown>>, chdir: string): VassalSpec {
  const isNamed = appKeys.some((key) => key in keys);
  const spec = vassalSchema.parse({ ...(!isNamed ? { app: './server.js' } : {}), ...keys });
  return { ...spec, chdir, domains: spec.domains ?? ['test.localhost'] };
}

/** Starts a vassal and tells it to start the app; waits for nothing more. */
export async function startVassal(t: Scope, setup: VassalSetup): Promise<VassalProcess> {
  // Hooks run in the order they were given: before those that remove the directory and kill the program.
  const started: VassalProcess[] = [];
  t.after(async () => {
    for (const vassal of started) await leavesNothing(vassal);
  });
  const base = tempDir(t);
  const dir = setup.dir ?? join(base, '1');
  if (setup.dir === undefined) mkdirSync(dir);
  const control = await ControlListener.start(t, join(base, 'control.sock'));
  const args = ['--name', 'test', '--generation', '1', '--control', control.path];
  const process = startProgram(t, entryPoints.vassal, args, { env: { EMPEROR_LOG: 'info:json', ...setup.env } });
  const connection = await control.child();
  const vassal = new VassalProcess({ dir, process, control, connection });
  started.push(vassal);
  const spec = specOf(setup.keys ?? {}, fixtureApp(setup.fixture));
  const { processes = spec.processes, registrations = [] } = setup;
  connection.send({ type: 'start', spec, digest: 'digest', dir, processes, registrations });
  return vassal;
}

async function leavesNothing(vassal: VassalProcess): Promise<void> {
  const { process, seen, dir } = vassal;
  if (process.isRunning) {
    for (const pid of descendantsOf(process.pid)) seen.add(pid);
    process.kill('SIGTERM');
    await process.exit();
  }
  const wasKilled = process.child.signalCode === 'SIGKILL';
  for (const pid of seen) if (wasKilled) await gone(pid);
  const alive = [...seen].filter(isAlive);
  for (const pid of alive) globalThis.process.kill(pid, 'SIGKILL');
  assert.deepEqual(alive, [], `nothing below the vassal survives\n${process.stderr.slice(-3000)}`);
  if (wasKilled || !existsSync(dir)) return;
  const left = readdirSync(dir).filter((name) => name.endsWith('.sock'));
  assert.deepEqual(left, [], 'the sockets are removed');
}
