// The real emperor, started by its command line in temporary directories. It is ready by its own events, and after
// every test it must end by itself and leave no process and no socket behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Scope } from './scope.ts';
import { entryPoints } from '../../lib/entry-points.ts';
import type { TransportWish } from '../../lib/transport-choice.ts';
import { ask, type Answer, type Ask } from './http-client.ts';
import { isAlive, startProgram, type Exit, type TestProcess } from './processes.ts';
import { tempDir } from './temp-dir.ts';
import { transportUnderTest } from './transport.ts';
import { waitFor } from './wait-for.ts';

export interface EmperorOptions {
  /** Files of the vassals' directory: name → content. */
  readonly vassals?: Readonly<Record<string, string>>;
  /** emperor.yaml's content. */
  readonly config?: string;
  /** Addresses given by flag; none: those of emperor.yaml. Default: any port of 127.0.0.1. */
  readonly listen?: readonly string[];
  /** Another build's entry point instead of ours. */
  readonly program?: string;
  /** Further flags of `emperor run`. */
  readonly flags?: readonly string[];
  /** Given by flag. Default: the one under test (transport.ts); null: none is given. */
  readonly transport?: TransportWish | null;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Use these directories instead of fresh ones (a second emperor in the place of a first). */
  readonly in?: { readonly directory: string; readonly runDir: string };
  /** True where the test ends the emperor itself; the leak checks then only clean up. */
  readonly endsItself?: boolean;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type EmperorEvent = Readonly<Record<string, unknown>>;

/** Parsed `status --json`; tests look into it freely. */
export interface StatusJson {
  readonly version: string;
  readonly emperor: {
    pid: number;
    uptime: number;
    directory: string;
    problems: { file: string; line: number | null; column: number | null; message: string; hint: string | null }[];
    degraded: string[];
    startedBy: string;
    upgrade: { id: string; from: string; result: string; reason: string | null } | null;
  };
  readonly router: {
    transport: string;
    transportReason: string | null;
    pids: number[];
    listen: string[];
    connections: number;
    requests: number;
    processes: { id: number; pid: number | null; transport: string | null; isEnding: boolean }[];
  };
  readonly vassals: VassalJson[];
}

export interface VassalJson {
  readonly name: string;
  readonly state: string;
  readonly generation: number | null;
  readonly domains: string[];
  readonly instances: {
    generation: number;
    state: string;
    pid: number;
    readyMs: number | null;
    readyBy: string | null;
    workers: {
      id: number;
      pid: number;
      state: string;
      requests: number;
      inFlight: number;
      rss: number | null;
      pss: number | null;
    }[];
  }[];
  readonly rollout: { step: number | null; share: number } | null;
  readonly lastDeploy: {
    generation: number;
    result: string;
    reason: string | null;
    tookMs: number;
    log: string[];
  } | null;
}

export class EmperorProcess {
  readonly directory: string;
  readonly runDir: string;
  readonly process: TestProcess;
  /** Everything GET /events told so far. */
  readonly events: EmperorEvent[] = [];
  #port = 0;

  constructor(directory: string, runDir: string, process: TestProcess) {
    this.directory = directory;
    this.runDir = runDir;
    this.process = process;
  }

  /** The first TCP port that clients connect to. */
  get port(): number {
    return this.#port;
  }

  get controlSocket(): string {
    return join(this.runDir, 'control.sock');
  }

  /** Waits until the control socket answers and the emperor serves. */
  async serving(): Promise<void> {
    await waitFor(
      () => {
        if (!this.process.isRunning) throw new Error(`the emperor ended: ${this.process.stderr}${this.process.stdout}`);
        // The socket file alone proves nothing: a dead emperor's may lie there.
        return this.#follow();
      },
      { what: 'control.sock to answer', timeoutMs: 20_000 },
    );
    await this.event('the emperor to serve', (event) => event['phase'] === 'serving', 30_000);
    const status = await this.status();
    this.#port = Number(
      status.router.listen.map((address) => /:(\d+)$/.exec(address)?.[1]).find((port) => port !== undefined),
    );
  }

  /** Resolves with the first event from index `from` on for which `accepts` holds. */
  async event(
    what: string,
    accepts: (event: EmperorEvent) => boolean,
    timeoutMs = 15_000,
    from = 0,
  ): Promise<EmperorEvent> {
    return waitFor(() => this.events.slice(from).find(accepts), {
      what: () =>
        `${what}; last events ${JSON.stringify(this.events.slice(-5))}; log ${this.process.stderr.slice(-2000)}`,
      timeoutMs,
    });
  }

  /** Waits for an app's state, be it reached already or still to come. */
  async appIs(name: string, state: string, timeoutMs = 20_000): Promise<VassalJson> {
    return waitFor(
      async () => (await this.status()).vassals.find((vassal) => vassal.name === name && vassal.state === state),
      {
        what: () => `${name} to be ${state}; log ${this.process.stderr.slice(-3000)}`,
        timeoutMs,
      },
    );
  }

  /** Waits until an app's live generation is `generation` or later. */
  async generationIs(name: string, generation: number): Promise<VassalJson> {
    return waitFor(
      async () =>
        (await this.status()).vassals.find(
          (vassal) => vassal.name === name && vassal.state === 'running' && (vassal.generation ?? 0) >= generation,
        ),
      { what: () => `generation ${generation} of ${name}; log ${this.process.stderr.slice(-3000)}`, timeoutMs: 20_000 },
    );
  }

  write(file: string, content: string): void {
    writeFileSync(join(this.directory, file), content);
  }

  remove(file: string): void {
    rmSync(join(this.directory, file));
  }

  /** One request to the public port. */
  async ask(options: Ask = {}): Promise<Answer> {
    return ask(this.#port, options);
  }

  async status(): Promise<StatusJson> {
    const answer = await ask(this.controlSocket, { path: '/status' });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body) as StatusJson;
  }

  /** Runs `emperor <args>` against this emperor. */
  async command(...args: string[]): Promise<CommandResult> {
    return runCommand(args, { EMPEROR_RUN_DIR: this.runDir });
  }

  /** Asks the emperor to end (TERM) and waits for it. */
  async stop(): Promise<Exit> {
    if (this.process.isRunning) this.process.kill('SIGTERM');
    return this.process.exit(40_000);
  }

  /** Collects events from now on; false where nobody answers yet. */
  async #follow(): Promise<boolean> {
    return new Promise((resolve) => {
      const events = request({ socketPath: this.controlSocket, path: '/events', agent: false }, (response) => {
        let rest = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line !== '') this.events.push(JSON.parse(line) as EmperorEvent);
        });
        response.on('error', () => undefined);
        resolve(true);
      });
      events.on('error', () => {
        resolve(false);
      });
      events.end();
    });
  }
}

/** Starts the emperor, waits until it serves, and checks after the test that nothing of it is left. */
export async function startEmperor(t: Scope, options: EmperorOptions = {}): Promise<EmperorProcess> {
  const emperor = launchEmperor(t, options);
  await emperor.serving();
  return emperor;
}

/** Starts the emperor without waiting, for tests of its start. */
export function launchEmperor(t: Scope, options: EmperorOptions = {}): EmperorProcess {
  const base = tempDir(t);
  const directory = options.in?.directory ?? join(base, 'vassals');
  const runDir = options.in?.runDir ?? join(base, 'run');
  if (options.in === undefined) mkdirSync(directory);
  for (const [file, content] of Object.entries(options.vassals ?? {})) writeFileSync(join(directory, file), content);
  const config = join(base, 'emperor.yaml');
  writeFileSync(config, options.config ?? '');
  const args = ['run', directory, '--run-dir', runDir, '--config', config, ...flagsOf(options)];
  const process = startProgram(t, options.program ?? entryPoints.emperor, args, {
    env: { EMPEROR_RUN_DIR: undefined, ...options.env },
  });
  const emperor = new EmperorProcess(directory, runDir, process);
  t.after(async () => {
    await leavesNothing(emperor, options.endsItself === true);
  });
  return emperor;
}

function flagsOf(options: EmperorOptions): readonly string[] {
  const { listen = ['127.0.0.1:0'], flags = [], transport = transportUnderTest } = options;
  return [
    ...listen.flatMap((address) => ['--listen', address]),
    ...(transport === null || transport === 'auto' ? [] : ['--transport', transport]),
    ...flags,
  ];
}

/** Runs one `emperor` command to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--enable-source-maps', entryPoints.emperor, ...args],
      { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Pids of living processes that were started for this run directory. */
export function processesOf(runDir: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const own =
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(runDir) ||
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(runDir);
        return own && isAlive(pid) && pid !== process.pid;
      } catch {
        return false;
      }
    });
}

async function leavesNothing(emperor: EmperorProcess, endsItself: boolean): Promise<void> {
  const wasRunning = emperor.process.isRunning;
  try {
    if (wasRunning && !endsItself) {
      const exit = await emperor.stop();
      assert.deepEqual(
        exit,
        { code: 0, signal: null },
        `the emperor ends with code 0\n${emperor.process.stderr.slice(-4000)}`,
      );
      assert.deepEqual(
        processesOf(emperor.runDir),
        [],
        `no process of ${emperor.runDir} is left\n${emperor.process.stderr.slice(-4000)}`,
      );
      assert.equal(existsSync(emperor.controlSocket), false, 'control.sock is gone');
    }
  } finally {
    for (const pid of processesOf(emperor.runDir)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended between the two looks.
      }
    }
  }
}
