// Caddy as the peer: its reverse proxy on one thread of Go.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../../harness/processes.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { cores, pinned } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { answers } from './answers.ts';
import type { StartContender } from './contender.ts';

const name = 'Caddy';

export const startCaddy: StartContender = async (scope, { upstream, accessLog }) => {
  const version = caddyVersion();
  if (version === undefined) return { name, missing: 'caddy is not installed (package caddy)' };
  const dir = tempDir(scope);
  const port = await freePort();
  const file = join(dir, 'Caddyfile');
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  ${accessLog ? `log {\n    output file ${dir}/access.log\n  }` : ''}
  reverse_proxy unix/${upstream} {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
  );
  const [program = '', ...args] = pinned(cores.router, ['caddy', 'run', '--config', file, '--adapter', 'caddyfile']);
  const env = { GOMAXPROCS: '1', HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
  const process = startProcess(scope, program, args, { env });
  await answers(name, process, port);
  return { name, version: `Caddy ${version}`, port, pids: [process.pid] };
};

/** Undefined where Caddy is not installed. */
function caddyVersion(): string | undefined {
  const { stdout, error } = spawnSync('caddy', ['version'], { encoding: 'utf8' });
  return error === undefined ? /v?([\d.]+)/.exec(stdout)?.[1] : undefined;
}
