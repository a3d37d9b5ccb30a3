// How a Node worker is started: Node itself with the app's node-args, our worker-main, the sockets as descriptors 3
// and 4, and the IPC channel behind them. The app is loaded by the worker, never here.
import type { IOType } from 'node:child_process';
import { resolve } from 'node:path';
import { entryPoints } from '../../../lib/entry-points.ts';
import { formatAddress } from '../../../lib/address.ts';
import type { LaunchRequest, LaunchResult } from '../../launch.ts';
import { passSockets } from '../../passed-sockets.ts';
import { bootVariable } from '../../worker-messages.ts';
import type { WorkerBoot } from './worker-boot.ts';

export function launchNode(request: LaunchRequest): LaunchResult {
  const { spec, worker, processes, sockets, env, hasAddon } = request;
  if (spec.app === undefined) return { problem: 'the spec names no app' };
  const node = spec.node ?? process.execPath;
  const stdio: (IOType | 'ipc' | number)[] = ['ignore', 'pipe', 'pipe'];
  const boot: WorkerBoot = {
    app: resolve(spec.chdir, spec.app),
    worker,
    processes,
    ...passSockets(sockets, stdio),
    handoff: sockets.handoff ?? null,
    stopSignal: `SIG${spec['stop-signal']}`,
    stopTimeoutMs: spec['stop-timeout'],
    hasAddon,
    primaryPid: process.pid,
  };
  stdio.push('ipc');
  return {
    command: node,
    args: [...spec['node-args'], entryPoints.nodeWorker],
    cwd: spec.chdir,
    env: { ...env, [bootVariable]: JSON.stringify(boot) },
    stdio,
    what: `Node (${node})`,
    address: formatAddress({ kind: 'unix', path: sockets.own.path }),
    handoff: sockets.handoff,
    port: undefined,
    protocol: 'http',
    capacity: null,
    runtime: 'node',
    tellsListening: true,
    signalsTree: false,
  };
}
