// PURE. What status says where routers are missing, or are not replaced yet.
import type { RouterView } from './router-plan.ts';

/**
 * `wanted`: how many up-to-date ones there should be. `lastDeath`: how the last one died, in words. Undefined where
 * none is missing, and where none died: they are on their way then.
 */
export function routerTrouble(
  routers: readonly Pick<RouterView, 'isEnding' | 'isStale'>[],
  wanted: number,
  lastDeath: string | undefined,
): string | undefined {
  if (lastDeath === undefined) return undefined;
  const running = routers.filter(({ isEnding }) => !isEnding);
  const fresh = running.filter(({ isStale }) => !isStale);
  const missing = wanted - running.length;
  if (missing > 0) return `${missing} of ${wanted} routers do not run: the last one ${lastDeath}`;
  return fresh.length < Math.min(running.length, wanted)
    ? `routers are not replaced yet: the last new one ${lastDeath}; the old ones go on`
    : undefined;
}
