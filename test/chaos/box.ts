// One box under chaos: the emperor that runs now, those that ran before it, and what all of them announced. A new
// emperor can take the place of a killed one; routers and vassals go on meanwhile.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { entryPoints } from '../../lib/entry-points.ts';
import {
  processesOf,
  runCommand,
  type CommandResult,
  type StatusJson,
  type VassalJson,
} from '../harness/emperor-process.ts';
import { ask } from '../harness/http-client.ts';
import { startProgram, type TestProcess } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { transportUnderTest } from '../harness/transport.ts';
import { waitFor } from '../harness/wait-for.ts';
import { killNow } from './processes.ts';

/** An event of GET /events, and when we heard it. */
export interface Announcement {
  readonly atMs: number;
  /** Counts emperors: the snapshot of each begins a new list of truths. */
  readonly emperor: number;
  readonly event: Readonly<Record<string, unknown>>;
}

/** An emperor answers at once. */
const silentMs = 10_000;

export class Box {
  readonly directory: string;
  readonly base: string;
  readonly runDir: string;
  readonly announcements: Announcement[] = [];
  readonly emperors: TestProcess[] = [];
  /** Router processes that emperor.yaml asks for. */
  readonly routers: number;
  readonly #scope: Scope;
  readonly #config: string;
  readonly #env: Readonly<Record<string, string>>;
  #port = 0;
  /** Emperors, and programs that one became, whose events were heard. */
  #followed = 0;

  constructor(scope: Scope, base: string, routers: number, env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    this.routers = routers;
    this.#scope = scope;
    this.base = base;
    this.directory = join(base, 'vassals');
    this.runDir = join(base, 'run');
    this.#config = join(base, 'emperor.yaml');
    mkdirSync(this.directory);
    // Where a run fails early: routers and vassals outlive their emperor.
    scope.after(() => {
      for (const pid of processesOf(this.runDir)) killNow(pid);
    });
  }

  /** The public port. */
  get port(): number {
    return this.#port;
  }

  get emperor(): TestProcess {
    const emperor = this.emperors.at(-1);
    if (emperor === undefined) throw new Error('no emperor was started');
    return emperor;
  }

  /** The emperor by its run directory's word: after an upgrade it is no child of ours. */
  get emperorPid(): number {
    return Number(readFileSync(join(this.runDir, 'emperor.pid'), 'utf8').trim().split(/\s/)[0]);
  }

  get controlSocket(): string {
    return join(this.runDir, 'control.sock');
  }

  configure(yaml: string): void {
    writeFileSync(this.#config, yaml);
  }

  /** Starts an emperor and waits until it serves. */
  async start(): Promise<void> {
    const listen = ['--listen', this.#port === 0 ? '127.0.0.1:0' : `127.0.0.1:${this.#port}`];
    const flags = [...listen, '--transport', transportUnderTest];
    const args = ['run', this.directory, '--run-dir', this.runDir, '--config', this.#config, ...flags];
    const emperor = startProgram(this.#scope, entryPoints.emperor, args, {
      env: { ...this.#env, EMPEROR_RUN_DIR: undefined },
    });
    this.emperors.push(emperor);
    const before = this.#followed;
    await waitFor(
      () => {
        if (!emperor.isRunning) throw new Error(`the emperor ended: ${emperor.stderr.slice(-3000)}`);
        return this.#follow();
      },
      { what: 'control.sock to answer', timeoutMs: 40_000 },
    );
    await this.announced(
      'the emperor to serve',
      0,
      (event, one) => one.emperor > before && event['phase'] === 'serving',
    );
    const { router } = await this.status();
    this.#port = Number(/:(\d+)$/.exec(router.listen[0] ?? '')?.[1]);
  }

  /** Resolves with the first announcement from `from` on for which `accepts` holds. */
  async announced(
    what: string,
    from: number,
    accepts: (event: Announcement['event'], announcement: Announcement) => boolean,
    timeoutMs = 30_000,
  ): Promise<Announcement> {
    return waitFor(() => this.announcements.slice(from).find((one) => accepts(one.event, one)), {
      what: () => `${what}; last events ${JSON.stringify(this.announcements.slice(-6).map(({ event }) => event))}`,
      timeoutMs,
    });
  }

  async status(): Promise<StatusJson> {
    const answer = await ask(this.controlSocket, { path: '/status' });
    return JSON.parse(answer.body) as StatusJson;
  }

  async vassal(app: string): Promise<VassalJson | undefined> {
    return (await this.status()).vassals.find(({ name }) => name === app);
  }

  async command(...args: string[]): Promise<CommandResult> {
    return runCommand(args, { EMPEROR_RUN_DIR: this.runDir });
  }

  /** Everything that our processes logged: the emperors' children share their standard error. */
  get log(): string {
    return this.emperors.map(({ stderr }) => stderr).join('');
  }

  get accessLog(): string {
    return this.emperors.map(({ stdout }) => stdout).join('');
  }

  /**
   * Hears an emperor's events until they end; false where nobody answers. An emperor that is replaced under its pid ends
   * them, too: then the next one is heard.
   */
  async #follow(): Promise<boolean> {
    const before = this.#followed;
    return new Promise((resolve) => {
      const events = request({ socketPath: this.controlSocket, path: '/events', agent: false }, (response) => {
        this.#followed += 1;
        const emperor = this.#followed;
        let rest = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          const atMs = performance.now();
          for (const line of lines.filter((one) => one !== '')) {
            this.announcements.push({ atMs, emperor, event: JSON.parse(line) as Announcement['event'] });
          }
        });
        response.on('error', () => undefined);
        response.on('close', () => {
          void this.#followSuccessor(this.emperors.at(-1), emperor);
        });
        resolve(true);
      });
      events.on('error', () => {
        resolve(false);
      });
      // Somebody who accepts and says nothing must not hold us up for ever.
      const giveUp = setTimeout(() => {
        if (this.#followed === before) events.destroy();
      }, silentMs);
      events.on('close', () => {
        clearTimeout(giveUp);
        resolve(false);
      });
      events.end();
    });
  }

  async #followSuccessor(process: TestProcess | undefined, emperor: number): Promise<void> {
    const isOver = (): boolean => process?.isRunning !== true || this.emperors.at(-1) !== process;
    await waitFor(async () => isOver() || this.#followed > emperor || this.#follow(), {
      what: 'the events of a successor',
      timeoutMs: 60_000,
    }).catch(() => undefined);
  }
}
