// Proves that a generation that is said to be live is: every router is asked to reach one of its workers, as a request
// would. It asks again for a while where one does not, and decides nothing.
import type { Clock } from '../lib/clock.ts';
import { instanceKey } from './facts.ts';
import type { RouterSet } from './router-set.ts';

export interface DataPath {
  readonly routers: Pick<RouterSet, 'probe'>;
  readonly clock: Clock;
  /** False once nobody needs to know any more: the probing ends. */
  readonly isWanted: () => boolean;
}

/** A worker may be starting again at this very moment. */
const probeAgainMs = 100;
const longestProbingMs = 5000;

/** Resolves when every router reached the generation, or with what is wrong. Never rejects. */
export async function probeDataPath(
  { routers, clock, isWanted }: DataPath,
  { name, generation }: { readonly name: string; readonly generation: number },
): Promise<{ readonly problem: string | undefined }> {
  const wanted = instanceKey(name, generation);
  const untilMs = clock.nowMs() + longestProbingMs;
  for (;;) {
    if (!isWanted()) return { problem: undefined };
    const answers = await routers.probe(name);
    const failed = answers.find(({ instance }) => instance !== wanted);
    if (failed === undefined) return { problem: undefined };
    const { router, instance, reason } = failed;
    if (clock.nowMs() >= untilMs) return { problem: `router ${router} reaches ${instance ?? `no worker: ${reason}`}` };
    await new Promise<void>((resolve) => {
      clock.after(probeAgainMs, resolve);
    });
  }
}
