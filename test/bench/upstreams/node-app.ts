// The Node app of the end-to-end measurement: the same file for us and behind the peers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess, type TestProcess } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { answers } from '../contenders/answers.ts';
import { cores, pinned } from '../cores.ts';

const source = `const { createServer } = require('node:http');
const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('hello world\\n');
});
// No proxy shall meet a connection that closes just now.
server.keepAliveTimeout = 3_600_000;
server.listen(process.env.SOCKET ?? 0);
`;

/** Returns the file's path. */
export function writeNodeApp(scope: Scope): string {
  const file = join(tempDir(scope), 'server.js');
  writeFileSync(file, source);
  return file;
}

export interface NodeApp {
  readonly socket: string;
  readonly process: TestProcess;
}

/** Runs it as its own server on a unix socket, on the core of the router before it. */
export async function startNodeApp(scope: Scope, file: string): Promise<NodeApp> {
  const socket = join(tempDir(scope), 'app.sock');
  const [program = '', ...args] = pinned(cores.router, [process.execPath, file]);
  const app = startProcess(scope, program, args, { env: { SOCKET: socket } });
  await answers('the Node app', app, socket);
  return { socket, process: app };
}
