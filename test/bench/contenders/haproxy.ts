// HAProxy as the peer: one thread, any idle connection to the upstream is used again.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../../harness/processes.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { cores, pinned } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { answers } from './answers.ts';
import { mostConnections, type StartContender } from './contender.ts';

const name = 'HAProxy';

export const startHaproxy: StartContender = async (scope, { upstream, accessLog }) => {
  const version = haproxyVersion();
  if (version === undefined) return { name, missing: 'haproxy is not installed (package haproxy)' };
  const dir = tempDir(scope);
  const port = await freePort();
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn ${mostConnections}
  no strict-limits
  tune.bufsize 65536
  ${accessLog ? 'log stdout format raw local0' : ''}
defaults
  mode http
  http-reuse always
  option forwardfor
  option splice-auto
  ${accessLog ? 'log global\n  option httplog' : ''}
  timeout connect 5s
  timeout client 75s
  timeout http-keep-alive 75s
  timeout server 60s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  default_backend app
backend app
  server upstream unix@${upstream}
`,
  );
  // It wants two descriptors per connection and would not start with fewer; connections to the upstream are shared here.
  const haproxy = ['haproxy', '-db', '-f', file];
  // A shell puts the log into a file: who else would read it shares the load's cores.
  const command = accessLog ? ['/bin/sh', '-c', 'exec "$@" > "$0"', join(dir, 'access.log'), ...haproxy] : haproxy;
  const [program = '', ...args] = pinned(cores.router, command);
  const process = startProcess(scope, program, args);
  await answers(name, process, port);
  return { name, version: `HAProxy ${version}`, port, pids: [process.pid] };
};

/** Undefined where HAProxy is not installed. */
function haproxyVersion(): string | undefined {
  const { stdout, error } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
  return error === undefined ? /version ([\d.]+)/.exec(stdout)?.[1] : undefined;
}
