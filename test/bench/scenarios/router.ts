// Router CPU per request next to nginx: the same upstream, the same load, rounds A B A B in one run.
import { join } from 'node:path';
import { entryPoints } from '../../../lib/entry-points.ts';
import { formatListeners, listenersVariable } from '../../../lib/listeners.ts';
import type { AppRoute } from '../../../lib/messages.ts';
import { emperorSchema } from '../../../lib/spec/emperor-config.ts';
import { ControlListener } from '../../harness/control-listener.ts';
import { ask } from '../../harness/http-client.ts';
import { startProgram } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { cpuMs } from '../cpu-time.ts';
import { freePort } from '../free-port.ts';
import { startProxy, startUpstream } from '../nginx.ts';
import { median } from '../statistics.ts';
import { wrk } from '../wrk.ts';

const rounds = 5;
const seconds = 4;
const connections = 64;
const host = 'a.test';

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

export async function router(scope: Scope): Promise<void> {
  const upstream = join(tempDir(scope), 'up.sock');
  await startUpstream(scope, upstream);
  const nginxPort = await freePort();
  const nginx = await startProxy(scope, nginxPort, upstream);
  const contenders = [
    { name: 'nginx', port: nginxPort, pid: nginx.workerPid },
    await startOurs(scope, upstream, 'emperor, portable', false),
    await startOurs(scope, upstream, 'emperor, portable, access log', true),
  ];
  console.log(
    `GET, 12-byte answer, keep-alive, ${connections} connections, ${rounds} rounds of ${seconds} s each, interleaved`,
  );
  const results = new Map(
    contenders.map(({ name }) => [name, { cpu: [] as number[], rate: [] as number[], p99: [] as number[] }]),
  );
  for (const contender of contenders) await wrk({ port: contender.port, host, seconds: 1, connections });
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) await measure(contender, results.get(contender.name));
  }
  report(contenders, results);
}

type Samples = { readonly cpu: number[]; readonly rate: number[]; readonly p99: number[] } | undefined;

async function measure({ name, port, pid }: Contender, samples: Samples): Promise<void> {
  const before = cpuMs([pid]);
  const load = await wrk({ port, host, seconds, connections });
  samples?.cpu.push(((cpuMs([pid]) - before) * 1000) / load.requests);
  samples?.rate.push(load.perSecond);
  samples?.p99.push(load.p99Ms);
  if (load.faults !== '') console.log(`${name}: ${load.faults}`);
}

function report(contenders: readonly Contender[], results: ReadonlyMap<string, Samples>): void {
  const peer = median(results.get('nginx')?.cpu ?? []);
  console.log(
    `${'router'.padEnd(32)} ${'CPU µs/request'.padStart(15)} ${'req/s'.padStart(9)} ${'p99 ms'.padStart(8)} ${'CPU / nginx'.padStart(12)}`,
  );
  for (const { name } of contenders) {
    const { cpu = [], rate = [], p99 = [] } = results.get(name) ?? {};
    console.log(
      `${name.padEnd(32)} ${median(cpu).toFixed(1).padStart(15)} ${median(rate).toFixed(0).padStart(9)} ${median(p99).toFixed(2).padStart(8)} ${(median(cpu) / peer).toFixed(2).padStart(12)}`,
    );
  }
}

async function startOurs(scope: Scope, upstream: string, name: string, accessLog: boolean): Promise<Contender> {
  const control = await ControlListener.start(scope);
  const port = await freePort();
  const listeners = formatListeners([{ address: `127.0.0.1:${port}`, fd: undefined }]);
  const process = startProgram(scope, entryPoints.router, ['--id', '1', '--control', control.path], {
    env: { [listenersVariable]: listeners },
  });
  process.child.stdout?.resume();
  const emperor = await control.child();
  const config = emperorSchema.parse({});
  emperor.send({ type: 'configure', router: config.router, trustedProxies: [], accessLog });
  const app: AppRoute = {
    name: 'a',
    domains: [host],
    targets: [{ key: 'a/1/1', address: `unix:${upstream}`, weight: 1, handoff: null }],
    hold: true,
    reason: '',
    limitPost: 0,
    maxConcurrency: 0,
    handoff: false,
    queue: 128,
    queueTimeoutMs: 30_000,
    next: null,
    drainMs: 30_000,
  };
  emperor.send({ type: 'routes', version: 1, apps: [app] });
  await emperor.message('applied', ({ type }) => type === 'applied');
  await waitFor(async () => (await ask(port, { host }).catch(() => undefined))?.status === 200, {
    what: `${name} to answer`,
  });
  return { name, port, pid: process.pid };
}
