// The layout of the run directory: every path the programs share, in one place.
import { Buffer } from 'node:buffer';
import { join } from 'node:path';

/** Bytes of `sun_path` less its NUL (Linux 108, macOS 104): a longer path cannot be bound as a socket. */
export const maxSocketPathBytes = process.platform === 'darwin' ? 103 : 107;

/** Names `--run-dir` for every verb, so that it need not be repeated. */
const runDirVariable = 'EMPEROR_RUN_DIR';

/** `/run/emperor` for root; else below `$XDG_RUNTIME_DIR`, else `/tmp/emperor-<uid>`. */
export function defaultRunDir(env: NodeJS.ProcessEnv, uid: number): string {
  const named = env[runDirVariable];
  if (named !== undefined && named !== '') return named;
  if (uid === 0) return '/run/emperor';
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'emperor');
  return `/tmp/emperor-${uid}`;
}

export function controlSocket(runDir: string): string {
  return join(runDir, 'control.sock');
}

export function vassalsDir(runDir: string): string {
  return join(runDir, 'vassals');
}

export function vassalDir(runDir: string, name: string): string {
  return join(vassalsDir(runDir), name);
}

export function generationDir(runDir: string, name: string, generation: number): string {
  return join(vassalDir(runDir, name), String(generation));
}

/** What the emperor is to remember of an app across its own death (emperor/app-memory.ts). */
export function memoryFile(runDir: string, name: string): string {
  return join(vassalDir(runDir, name), 'memory.json');
}

/** The link to the live generation's shared socket, which any other front server can be pointed at. */
export function liveSocketLink(runDir: string, name: string): string {
  return join(vassalDir(runDir, name), 'app.sock');
}

export function appSocket(dir: string): string {
  return join(dir, 'app.sock');
}

export function workerSocket(dir: string, worker: number): string {
  return join(dir, `worker-${worker}.sock`);
}

/** Where a worker takes client connections over (lib/handoff.ts). */
export function handoffSocket(dir: string, worker: number): string {
  return join(dir, `handoff-${worker}.sock`);
}

export function logFile(dir: string): string {
  return join(dir, 'log');
}

/** True where `path` fits into a socket address. */
export function isBindable(path: string): boolean {
  return Buffer.byteLength(path) <= maxSocketPathBytes;
}
