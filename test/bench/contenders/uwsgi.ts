// uWSGI's http router as the peer. It speaks to uWSGI apps only, so its upstream is one: in Python, one process.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendantsOf, startProcess } from '../../harness/processes.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { cores, pinned } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { answers } from './answers.ts';
import type { StartContender } from './contender.ts';
import { existsSync } from 'node:fs';

const name = 'uWSGI http router';

/** Answers what the upstream of the others answers; see upstreams/nginx.ts. */
const app = `
headers = [('Content-Type', 'text/plain'), ('Content-Length', '12')]
page = [('Content-Type', 'text/html'), ('Content-Length', '4096'), ('Cache-Control', 'private, max-age=0'),
        ('ETag', '"5f0c6e9a-1000"'), ('Set-Cookie', 'session=0123456789abcdef; Path=/; HttpOnly'),
        ('Server', 'bench'), ('Date', 'Thu, 01 Jan 1970 00:00:00 GMT'), ('Vary', 'Accept-Encoding')]
def application(environ, start_response):
    if environ['PATH_INFO'] == '/page':
        start_response('200 OK', page)
        return [b'a' * 4096]
    start_response('200 OK', headers)
    return [b'hello world\\n']
`;

export const startUwsgi: StartContender = async (scope, { accessLog }) => {
  const version = uwsgiVersion();
  if (version === undefined) return { name, missing: 'uwsgi is not installed, or lacks its plugins python3 and http' };
  if (accessLog) return { name, missing: 'its router writes no access log; its apps do' };
  const dir = tempDir(scope);
  const file = join(dir, 'app.py');
  const socket = join(dir, 'app.sock');
  writeFileSync(file, app);
  const uwsgi = (list: string | undefined, flags: readonly string[]) => {
    const [program = '', ...args] = pinned(list, ['uwsgi', '--listen', '1024', '--disable-logging', ...flags]);
    return startProcess(scope, program, args);
  };
  uwsgi(cores.load, ['--plugins', 'python3', '--socket', socket, '--wsgi-file', file, '--need-app']);
  await waitFor(() => existsSync(socket), { what: "uWSGI's app to listen" });
  const port = await freePort();
  const http = ['--http', `127.0.0.1:${port}`, '--http-to', socket, '--http-keepalive', '--http-events', '1024'];
  const router = uwsgi(cores.router, ['--plugins', 'http', '--master', ...http]);
  await answers(name, router, port);
  return { name, version: `uWSGI ${version}`, port, pids: [router.pid, ...descendantsOf(router.pid)] };
};

/** Undefined where uwsgi or a plugin is missing: then it says so on standard error, and ends with 0 all the same. */
function uwsgiVersion(): string | undefined {
  const flags = ['--plugins', 'http,python3', '--version'];
  const { status, stdout, stderr } = spawnSync('uwsgi', flags, { encoding: 'utf8' });
  return status === 0 && !stderr.includes('UNABLE to load') ? stdout.trim() : undefined;
}
