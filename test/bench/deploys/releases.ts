// The hello app that every system serves, and a broken release of it. The Node app is one and the same file for Emperor
// and pm2: it listens, says that it is ready, and ends on pm2's signal as pm2's documentation asks of a graceful app.
import { renameSync, writeFileSync } from 'node:fs';
import type { Release } from './contender.ts';

export const firstRelease: Release = { version: '0', isBroken: false };

/** The version that an answer's body bears. */
export function versionOf(body: string): string | undefined {
  return /^version (\S+);/.exec(body)?.[1];
}

export function nodeApp({ version, isBroken }: Release): string {
  return `'use strict';
const { createServer } = require('node:http');
${isBroken ? "throw new Error('a broken release');" : ''}
const body = 'version ${version}; ' + process.pid + '\\n';
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length });
  response.end(body);
});
server.listen(Number(process.env.PORT || 3000), '127.0.0.1', () => {
  if (process.send) process.send('ready');
});
process.once('SIGINT', () => {
  server.close(() => process.exit(0));
});
`;
}

export function pythonApp({ version, isBroken }: Release): string {
  return `import os
${isBroken ? "raise RuntimeError('a broken release')" : ''}
body = b'version ${version}; %d\\n'

def application(environ, start_response):
    answer = body % os.getpid()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(answer)))])
    return [answer]
`;
}

/** Replaces a file in one step, as a deploy tool does: no system is to be measured by a half-written file. */
export function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
