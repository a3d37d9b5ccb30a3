// How a Python worker is started: the app's Python runs our worker.py, with the sockets as descriptors 3 and 4 and the
// IPC channel behind them. The app is loaded by the worker, never here.
import type { IOType } from 'node:child_process';
import { join, resolve } from 'node:path';
import { formatAddress } from '../../../lib/address.ts';
import { entryPoints } from '../../../lib/entry-points.ts';
import type { VassalSpec } from '../../../lib/spec/vassal-spec.ts';
import { findInPath, isRunnable, usualPath } from '../../executable.ts';
import type { LaunchRequest, LaunchResult } from '../../launch.ts';
import { passSockets, type PassedSockets } from '../../passed-sockets.ts';
import { bootVariable } from '../../worker-messages.ts';

/** What emperor_worker/boot.py reads. */
interface WorkerBoot extends PassedSockets {
  readonly worker: number;
  readonly processes: number;
  readonly threads: number;
  /** One of the two is set. */
  readonly module: string | null;
  readonly file: string | null;
  readonly callable: string;
  readonly pythonpath: readonly string[];
  readonly stopSignal: NodeJS.Signals;
}

const usualCallable = 'application';

export function launchPython(request: LaunchRequest): LaunchResult {
  const { spec, worker, processes, sockets, env } = request;
  const python = findPython(spec, env['PATH']);
  if ('problem' in python) return python;
  const stdio: (IOType | 'ipc' | number)[] = ['ignore', 'pipe', 'pipe'];
  const boot: WorkerBoot = {
    ...whichApp(spec),
    worker,
    processes,
    threads: spec.threads,
    pythonpath: spec.pythonpath.map((path) => resolve(spec.chdir, path)),
    ...passSockets(sockets, stdio),
    stopSignal: `SIG${spec['stop-signal']}`,
  };
  stdio.push('ipc');
  return {
    command: python.path,
    args: [entryPoints.pythonWorker],
    cwd: spec.chdir,
    env: { ...env, [bootVariable]: JSON.stringify(boot) },
    stdio,
    what: `Python (${python.path})`,
    address: formatAddress({ kind: 'unix', path: sockets.own.path }),
    protocol: 'gateway',
    capacity: spec.threads,
    handoff: undefined,
    port: undefined,
    runtime: 'python',
    tellsListening: true,
    signalsTree: false,
  };
}

function whichApp(spec: VassalSpec): Pick<WorkerBoot, 'module' | 'file' | 'callable'> {
  const [module = '', named] = spec.module?.split(':') ?? [];
  return {
    module: spec.module === undefined ? null : module,
    file: spec['wsgi-file'] === undefined ? null : resolve(spec.chdir, spec['wsgi-file']),
    callable: spec.callable ?? named ?? usualCallable,
  };
}

/** The interpreter; a virtual environment is one by being run by its own. */
function findPython(spec: VassalSpec, path = usualPath): { path: string } | { problem: string } {
  const { virtualenv, python = 'python3', chdir } = spec;
  if (virtualenv !== undefined) {
    const own = join(resolve(chdir, virtualenv), 'bin/python');
    return isRunnable(own) ? { path: own } : { problem: `virtualenv: there is no Python that can be run at ${own}` };
  }
  if (python.includes('/')) {
    const own = resolve(chdir, python);
    return isRunnable(own) ? { path: own } : { problem: `python: there is no Python that can be run at ${own}` };
  }
  const found = findInPath(python, chdir, path);
  return found === undefined ? { problem: `python: ${python} is in no directory of PATH (${path})` } : { path: found };
}
