// The real router process with the test in the emperor's place: it is started, configured, given routes and ended.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { entryPoints } from '../../lib/entry-points.ts';
import { formatListeners, listenersVariable } from '../../lib/listeners.ts';
import { logVariable } from '../../lib/log.ts';
import type { Probed, RoutesApplied, RouterStats } from '../../lib/router-messages.ts';
import type { AppRoute } from '../../lib/routes.ts';
import { emperorSchema, type RouterConfig } from '../../lib/spec/emperor-config.ts';
import type { TransportWish } from '../../lib/transport-choice.ts';
import { ControlListener, type ControlConnection } from './control-listener.ts';
import { startProcess, startProgram, type TestProcess } from './processes.ts';
import { tempDir } from './temp-dir.ts';
import { transportUnderTest } from './transport.ts';
import { waitFor } from './wait-for.ts';

export interface RouterOptions {
  readonly router?: Partial<RouterConfig>;
  readonly trustedProxies?: readonly string[];
  readonly accessLog?: boolean;
  readonly apps?: readonly Partial<AppRoute>[];
  /** Listens on this address; default a free TCP port. */
  readonly listen?: string;
  /** Inherited descriptors to accept on, instead of an address of its own. */
  readonly descriptors?: readonly { readonly fd: number; readonly address: string }[];
  readonly control?: ControlListener;
  /** A file, such as a named pipe, that becomes its standard output. */
  readonly stdout?: string;
  readonly id?: number;
  /** Default: the one under test (transport.ts). */
  readonly transport?: TransportWish;
  readonly env?: Readonly<Record<string, string>>;
}

const nodeBinary = process.execPath;

export type AccessLine = Readonly<Record<string, unknown>>;

/** A whole AppRoute: serves a.test unless told otherwise. */
export function route(app: Partial<AppRoute>): AppRoute {
  return {
    name: 'app',
    domains: ['a.test'],
    targets: [],
    hold: false,
    reason: '',
    limitPost: 0,
    maxConcurrency: 0,
    handoff: false,
    queue: 128,
    queueTimeoutMs: 10_000,
    next: null,
    drainMs: 10_000,
    ...app,
  };
}

/** A route with one target, the worker that listens at `socket`. */
export function routeTo(socket: string, app: Partial<AppRoute> = {}): AppRoute {
  return route({
    targets: [{ key: `${app.name ?? 'app'}/1/1`, address: `unix:${socket}`, weight: 1, handoff: null }],
    ...app,
  });
}

export class RouterProcess {
  readonly process: TestProcess;
  readonly control: ControlListener;
  connection: ControlConnection;
  /** The TCP port it accepts on, or the path of its unix socket. */
  readonly endpoint: number | string;
  #version = 0;
  #probes = 0;

  constructor(process: TestProcess, control: ControlListener, connection: ControlConnection) {
    this.process = process;
    this.control = control;
    this.connection = connection;
    const [address = ''] = connection.messages[0]?.['listen'] as string[];
    this.endpoint = address.startsWith('unix:') ? address.slice('unix:'.length) : Number(/\d+$/.exec(address)?.[0]);
  }

  get port(): number {
    assert.equal(typeof this.endpoint, 'number');
    return Number(this.endpoint);
  }

  configure(options: RouterOptions = {}): void {
    this.connection.send({
      type: 'configure',
      router: { ...emperorSchema.parse({}).router, ...options.router },
      trustedProxies: options.trustedProxies ?? [],
      accessLog: options.accessLog ?? false,
    });
  }

  /** Publishes a table and waits until the router serves by it. */
  async publish(...apps: readonly Partial<AppRoute>[]): Promise<RoutesApplied> {
    this.#version++;
    this.connection.send({ type: 'routes', version: this.#version, apps: apps.map(route) });
    return this.applied(() => true);
  }

  /** The newest acknowledgement of the present table for which `accepts` holds. */
  async applied(accepts: (applied: RoutesApplied) => boolean): Promise<RoutesApplied> {
    const version = this.#version;
    return (await waitFor(
      () =>
        this.connection.messages.findLast(
          (message) =>
            message['type'] === 'applied' &&
            message['version'] === version &&
            accepts(message as unknown as RoutesApplied),
        ),
      { what: `routes ${version} to be applied; log ${this.process.stderr.slice(-2000)}` },
    )) as unknown as RoutesApplied;
  }

  async stats(what: string, accepts: (stats: RouterStats) => boolean): Promise<RouterStats> {
    return (await this.connection.message(
      what,
      (message) => message['type'] === 'stats' && accepts(message as unknown as RouterStats),
    )) as unknown as RouterStats;
  }

  /** Asks it to reach a worker of the app, as the emperor does after a deploy. */
  async probe(app: string): Promise<Probed> {
    const id = ++this.#probes;
    this.connection.send({ type: 'probe', id, app });
    return (await this.connection.message(
      `the answer to probe ${id}`,
      (message) => message['type'] === 'probed' && message['id'] === id,
    )) as unknown as Probed;
  }

  /** The lines of its log that contain `text`. */
  logged(text: string): string[] {
    return this.process.stderr.split('\n').filter((line) => line.includes(text));
  }

  /** The access lines written so far. */
  get accessLines(): AccessLine[] {
    return this.process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AccessLine);
  }

  async accessLine(what: string, accepts: (line: AccessLine) => boolean): Promise<AccessLine> {
    return waitFor(() => this.accessLines.find(accepts), { what: `${what}; got ${this.process.stdout.slice(-2000)}` });
  }

  /** Asks it to end, and checks that it does so in order. */
  async shutdown(graceMs = 5000, idleMs = 0): Promise<void> {
    this.connection.send({ type: 'shutdown', graceMs, idleMs });
    assert.deepEqual(await this.process.exit(), { code: 0, signal: null }, this.process.stderr);
  }
}

/** Starts a router that serves `apps`. It is killed after the test if it still runs; it must have logged no fault of its own. */
export async function startRouter(t: TestContext, options: RouterOptions = {}): Promise<RouterProcess> {
  const control = options.control ?? (await ControlListener.start(t));
  const router = await launchRouter(t, control, options);
  router.configure(options);
  await router.publish(...(options.apps ?? []));
  return router;
}

/** Starts a router that nobody has configured yet. */
export async function launchRouter(
  t: TestContext,
  control: ControlListener,
  options: RouterOptions = {},
): Promise<RouterProcess> {
  const nth = control.connections.length;
  const inherited = options.descriptors ?? [];
  const listeners =
    inherited.length > 0
      ? inherited.map(({ address }, index) => ({ fd: 3 + index, address }))
      : [{ fd: undefined, address: options.listen ?? '127.0.0.1:0' }];
  const transport = options.transport ?? transportUnderTest;
  const args = ['--id', String(options.id ?? 1), '--control', control.path, '--transport', transport];
  const startOptions = {
    env: { [listenersVariable]: formatListeners(listeners), [logVariable]: 'debug:json', ...options.env },
    descriptors: inherited.map(({ fd }) => fd),
  };
  const process =
    options.stdout === undefined
      ? startProgram(t, entryPoints.router, args, startOptions)
      : startProcess(
          t,
          '/bin/sh',
          ['-c', `exec "$@" > '${options.stdout}'`, 'sh', nodeBinary, entryPoints.router, ...args],
          startOptions,
        );
  t.after(() => {
    assert.doesNotMatch(process.stderr, /"level":(50|60)/, 'the router logged no error');
  });
  const connection = await control.child(nth);
  checkTransport(transport, connection.messages[0]);
  return new RouterProcess(process, control, connection);
}

/**
 * A file that is run once over each transport must not run twice over the same: every router runs what it was told to,
 * and some router was told what the whole file was.
 */
function checkTransport(wish: TransportWish, hello: Readonly<Record<string, unknown>> | undefined): void {
  if (wish !== 'auto') assert.equal(hello?.['transport'], wish, 'the router runs the transport that it was told to');
  if (wish === transportUnderTest) hasRunUnderTest = true;
}

let hasRunUnderTest = false;
if (transportUnderTest !== 'auto') {
  process.once('exit', () => {
    if (hasRunUnderTest) return;
    console.error(`no router ran over the transport under test, ${transportUnderTest}`);
    process.exitCode = 1;
  });
}

export function socketPath(t: TestContext, name = 'w.sock'): string {
  return join(tempDir(t), name);
}
