// nginx as the peer: a proxy of one worker with keep-alive to its upstream.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendantsOf, startProcess, type TestProcess } from '../../harness/processes.ts';
import type { Endpoint } from '../../harness/http-client.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { cores, pinned } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { answers } from './answers.ts';
import { mostConnections, siteHost, type StartContender } from './contender.ts';

const name = 'nginx';

export const startNginx: StartContender = async (scope, { upstream, accessLog }) => {
  const version = nginxVersion();
  if (version === undefined) return { name, missing: 'nginx is not installed (package nginx-light)' };
  const port = await freePort();
  const master = await runNginx(scope, {
    http: proxy(port, upstream, accessLog),
    endpoint: port,
    cores: cores.router,
  });
  return { name, version: `nginx ${version}`, port, pids: [master.pid, ...descendantsOf(master.pid)] };
};

/**
 * It does what our router does as well: keep-alive to the upstream, the client's address in X-Forwarded-For. Bodies are
 * not written to a disk first: small ones fit the buffer, large ones pass through, in pieces of a size that was the
 * cheapest when it was tried. The tunnel has a location of its own, so that nobody else pays for
 * what it needs.
 */
function proxy(port: number, upstream: string, accessLog: boolean): string {
  return `
    access_log ${accessLog ? 'access.log combined buffer=64k flush=1s' : 'off'};
    upstream app { server unix:${upstream}; keepalive 128; keepalive_requests 1000000000; }
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    server {
      listen 127.0.0.1:${port} backlog=4096; server_name ${siteHost}; keepalive_requests 1000000000;
      client_max_body_size 0; client_body_buffer_size 64k;
      location / { proxy_pass http://app; }
      location = /file {
        proxy_pass http://app; proxy_request_buffering off; proxy_max_temp_file_size 0;
        proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 512k; client_body_buffer_size 256k;
      }
      location = /echo {
        proxy_pass http://app; proxy_read_timeout 1h;
        proxy_http_version 1.1; proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      }
    }`;
}

export interface NginxOptions {
  /** The inside of its http block. */
  readonly http: string;
  /** Where it answers / with 200 when it is ready. */
  readonly endpoint: Endpoint;
  readonly cores: string | undefined;
}

/** Starts nginx with one worker, in a directory of its own. */
export async function runNginx(scope: Scope, options: NginxOptions): Promise<TestProcess> {
  const dir = tempDir(scope);
  // Its workers would else be nobody, who may not enter the private directory of the upstream's socket.
  const asRoot = process.getuid?.() === 0 ? 'user root;' : '';
  const file = join(dir, 'nginx.conf');
  writeFileSync(
    file,
    `${asRoot} daemon off; worker_processes 1; worker_rlimit_nofile ${mostConnections + 1000}; pid ${dir}/pid;
error_log ${dir}/error.log;
events { worker_connections ${mostConnections}; }
http {
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi; ${options.http}
}
`,
  );
  const command = ['nginx', '-p', dir, '-c', file, '-e', join(dir, 'error.log')];
  const [program = '', ...args] = pinned(options.cores, command);
  const nginx = startProcess(scope, program, args);
  await answers(name, nginx, options.endpoint);
  return nginx;
}

/** Undefined where nginx is not installed. */
export function nginxVersion(): string | undefined {
  const { stderr, error } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return error === undefined ? /nginx\/([\d.]+)/.exec(stderr)?.[1] : undefined;
}
