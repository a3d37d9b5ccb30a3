// nginx as the upstream that every router is measured with: it answers from memory, on a unix socket.
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { nginxVersion, runNginx } from '../contenders/nginx.ts';
import { cores } from '../cores.ts';
import { NotInstalled } from '../missing.ts';

/** The size of `/file`. */
export const fileBytes = 100 * 1024 * 1024;

/**
 * Resolves with the socket's path. `/` has 12 bytes; `/page` has 4 KB and eight header fields, of which nginx adds
 * five: Server, Date, Content-Type, Content-Length and Connection; `/file` is large. Rejects with NotInstalled.
 */
export async function startUpstream(scope: Scope): Promise<string> {
  if (nginxVersion() === undefined)
    throw new NotInstalled('nginx, the upstream, is not installed (package nginx-light)');
  const dir = tempDir(scope);
  const socket = join(dir, 'up.sock');
  const file = join(dir, 'file');
  writeFileSync(file, '');
  truncateSync(file, fileBytes);
  const kilobyte = 'a'.repeat(1024);
  const http = `
    access_log off; sendfile on; sendfile_max_chunk 1m; default_type text/html;
    server {
      listen unix:${socket} backlog=4096; keepalive_requests 1000000000; keepalive_timeout 1h; client_max_body_size 0;
      location / { default_type text/plain; return 200 "hello world\\n"; }
      location = /page {
        set $kilobyte "${kilobyte}";
        add_header Cache-Control "private, max-age=0"; add_header ETag '"5f0c6e9a-1000"';
        add_header Set-Cookie "session=0123456789abcdef; Path=/; HttpOnly";
        return 200 $kilobyte$kilobyte$kilobyte$kilobyte;
      }
      location = /file { root ${dir}; etag off; }
    }`;
  await runNginx(scope, { http, endpoint: socket, cores: cores.load });
  return socket;
}
