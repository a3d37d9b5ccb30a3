// Finds out what kind of thing an app exports and makes a server of it. Knows the shapes, not the packages: nothing of
// Express, Koa, Fastify or Hono is imported.
import { createServer, Server, type RequestListener } from 'node:http';
import type { Adoption } from './adopt-listen.ts';
import type { FetchHandler } from './fetch-listener.ts';

type Shape = Readonly<Record<string, unknown>>;
type Callable = (...args: unknown[]) => unknown;

/** Serves the first of the export, its `default`, `handler`, `app` and `server` that takes requests. */
export async function serveExport(exported: unknown, adoption: Adoption): Promise<boolean> {
  for (const candidate of await candidatesOf(exported)) {
    if (adoption.isAdopted) return true;
    if (await serve(candidate, adoption)) return true;
  }
  return false;
}

/** Promises among the exports are awaited: an app may be made asynchronously. */
async function candidatesOf(exported: unknown): Promise<unknown[]> {
  const whole = await exported;
  const names = ['default', 'handler', 'app', 'server'];
  const parts = await Promise.all(names.map((name) => member(whole, name)));
  // Transpiled ES modules: module.exports.default, imported as default.default.
  return [whole, ...parts, await member(parts[0], 'default')].filter((candidate) => isShape(candidate));
}

function member(value: unknown, name: string): unknown {
  return isShape(value) ? value[name] : undefined;
}

async function serve(candidate: unknown, adoption: Adoption): Promise<boolean> {
  if (candidate instanceof Server) {
    if (!candidate.listening) adoption.listen(candidate);
    return true;
  }
  if (isFastify(candidate)) {
    // Its own listen() runs the hooks that depend on it, and ends in the adopted net.Server.listen.
    await candidate.listen({ port: 0, host: '127.0.0.1' });
    return true;
  }
  const listener = await listenerOf(candidate);
  if (listener === undefined) return false;
  adoption.listen(createServer(listener));
  return true;
}

async function listenerOf(candidate: unknown): Promise<RequestListener | undefined> {
  if (!isShape(candidate)) return undefined;
  // Koa's application: callback() makes the (req, res) function.
  if (isCallable(candidate['callback']) && isCallable(candidate['use'])) {
    return candidate['callback']() as RequestListener;
  }
  if (isCallable(candidate) && !isClass(candidate)) return candidate;
  if (!isCallable(candidate['fetch'])) return undefined;
  const { fetchListener } = await import('./fetch-listener.ts');
  return fetchListener(candidate as unknown as FetchHandler);
}

interface FastifyLike {
  listen(options: { port: number; host: string }): Promise<unknown>;
}

function isFastify(candidate: unknown): candidate is FastifyLike {
  if (!isShape(candidate)) return false;
  return ['ready', 'inject', 'listen'].every((name) => isCallable(candidate[name])) && isShape(candidate['server']);
}

function isShape(value: unknown): value is Shape {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}

/** A class cannot be called; exporting one is a library's habit, not an app's. */
function isClass(value: Callable): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
