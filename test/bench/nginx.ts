// nginx as the peer (a proxy with keep-alive to its upstream) and as the upstream that every router is measured with.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendantsOf, startProcess } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { tempDir } from '../harness/temp-dir.ts';
import { waitFor } from '../harness/wait-for.ts';
import { ask, type Endpoint } from '../harness/http-client.ts';

export interface Nginx {
  /** The worker's pid, whose CPU time counts. */
  readonly workerPid: number;
}

/** Answers every request with 12 bytes on a unix socket. */
export async function startUpstream(scope: Scope, socket: string): Promise<Nginx> {
  return startNginx(
    scope,
    `server { listen unix:${socket}; keepalive_requests 1000000000; location / { return 200 "hello world\\n"; } }`,
    socket,
  );
}

/** Proxies `port` to the upstream with what our router does as well: keep-alive and X-Forwarded-For. */
export async function startProxy(scope: Scope, port: number, upstream: string): Promise<Nginx> {
  const http = `
    upstream app { server unix:${upstream}; keepalive 128; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port}; server_name a.test; keepalive_requests 1000000000;
      location / {
        proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      }
    }`;
  return startNginx(scope, http, port);
}

async function startNginx(scope: Scope, http: string, endpoint: Endpoint): Promise<Nginx> {
  const dir = tempDir(scope);
  // Its workers would else be nobody, who may not enter the private directory of the upstream's socket.
  const asRoot = process.getuid?.() === 0 ? 'user root;' : '';
  const file = join(dir, 'nginx.conf');
  writeFileSync(
    file,
    `${asRoot} daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s; ${http} }`,
  );
  const nginx = startProcess(scope, 'nginx', ['-p', dir, '-c', file, '-e', join(dir, 'error.log')]);
  await waitFor(async () => (await ask(endpoint, { host: 'a.test' }).catch(() => undefined))?.status === 200, {
    what: `nginx to answer; ${nginx.stderr}`,
  });
  const [workerPid] = descendantsOf(nginx.pid);
  if (workerPid === undefined) throw new Error('nginx has no worker');
  return { workerPid };
}
