// How a worker of any language is started: PORT and HOST for those that bind by themselves, LISTEN_FDS for those
// that take a socket as systemd passes it. Which of the two it uses is seen by where it answers.
import type { IOType, StdioNull } from 'node:child_process';
import { accessSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatAddress } from '../../../lib/address.ts';
import { errnoOf } from '../../../lib/errors.ts';
import type { Variables } from '../../environment.ts';
import { findInPath, isRunnable, usualPath } from '../../executable.ts';
import type { LaunchRequest, LaunchResult } from '../../launch.ts';
import type { WorkerSockets } from '../../sockets.ts';
import { commandLine } from './command-line.ts';
import { findFreePort } from './free-port.ts';

/** util-linux's setpriv: KILL reaches the program when the primary dies, even if nobody is left to send it. */
const setpriv = '/usr/bin/setpriv';

export async function launchCommand(request: LaunchRequest, random: () => number): Promise<LaunchResult> {
  const { spec, sockets, env } = request;
  if (spec.command === undefined) return { problem: 'the spec names no command' };
  const line = commandLine(spec.command);
  const missing = line.program === undefined ? undefined : whyNotRunnable(line.program, spec.chdir, env['PATH']);
  if (missing !== undefined) return { problem: `command ${JSON.stringify(line.program)}: ${missing}` };
  const port = await findFreePort(random);
  if (port === undefined) return { problem: 'no free port was found for it on 127.0.0.1' };
  const stdio: (StdioNull | IOType | number)[] = ['ignore', 'pipe', 'pipe'];
  const passed = passSockets(sockets, stdio);
  const launcher = isRunnable(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
  const [command = line.command, ...args] = [...launcher, line.command, ...line.args];
  return {
    command,
    args,
    cwd: spec.chdir,
    // `env` of the spec comes before: a PORT that the user wrote would make two workers clash.
    env: { ...env, HOST: '127.0.0.1', PORT: String(port), ...passed },
    stdio,
    what: `the command ${JSON.stringify(spec.command)}`,
    address: formatAddress({ kind: 'unix', path: sockets.own.path }),
    port,
    protocol: 'http',
    capacity: null,
    runtime: 'command',
    tellsListening: false,
    handoff: undefined,
    signalsTree: line.keepsShell,
  };
}

function passSockets(sockets: WorkerSockets, stdio: (StdioNull | IOType | number)[]): Variables {
  if (sockets.own.fd === undefined || sockets.shared?.fd === undefined) return {};
  stdio.push(sockets.own.fd, sockets.shared.fd);
  // LISTEN_PID is set by the shell: only the process itself knows its pid.
  return { LISTEN_FDS: '2', LISTEN_FDNAMES: 'worker:app' };
}

/** Looks the program up as execvp would; undefined where it can be run. */
function whyNotRunnable(program: string, cwd: string, path = usualPath): string | undefined {
  if (program.includes('/')) {
    const file = resolve(cwd, program);
    if (isRunnable(file)) return undefined;
    return exists(file) ? `${file} is not executable` : `there is no file ${file}`;
  }
  return findInPath(program, cwd, path) === undefined ? `it is in no directory of PATH (${path})` : undefined;
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
}
