// A router with one app, whose one worker takes client connections over and is played by the test.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { AppRoute } from '../../lib/routes.ts';
import { KeptClient } from './kept-client.ts';
import { startRouter, type RouterOptions, type RouterProcess } from './router-process.ts';
import { TakingWorker, type TakenConnection } from './taking-worker.ts';

export interface HandoffSite {
  readonly router: RouterProcess;
  readonly worker: TakingWorker;
  readonly app: Partial<AppRoute>;
  readonly client: KeptClient;
}

export async function serveHandoff(
  t: TestContext,
  app: Partial<AppRoute> = {},
  options: RouterOptions = {},
): Promise<HandoffSite> {
  const worker = await TakingWorker.start(t);
  const whole = { handoff: true, targets: [worker.target()], ...app };
  const router = await startRouter(t, { accessLog: true, apps: [whole], ...options });
  return { router, worker, app: whole, client: new KeptClient(t, router.port) };
}

/** Makes the client's connection the worker's, who has answered on it once then. */
export async function handOver({ worker, client }: Pick<HandoffSite, 'worker' | 'client'>): Promise<TakenConnection> {
  const count = worker.taken.length;
  await client.askFor(3);
  const taken = await worker.connection(count);
  assert.equal((await client.ask('/first')).body, 'direct /first');
  return taken;
}
