// The whole of it: a site, a warm-up in which everything happens once, then equal rounds.
import { cpuMs } from '../bench/cpu-time.ts';
import type { Scope } from '../harness/scope.ts';
import type { TransportWish } from '../../lib/transport-choice.ts';
import { rest } from './rest.ts';
import { runRound, type Round } from './round.ts';
import { startSite } from './site.ts';
import type { Evidence } from './verdict.ts';

export interface Settings {
  readonly minutes: number;
  readonly idleConnections: number;
  readonly transport: TransportWish;
}

export interface Outcome extends Evidence {
  /** Of all programs of the site, in seconds of one core, and how long that was measured. */
  readonly cpuSeconds: number;
  readonly tookSeconds: number;
}

/** Enough to see whether something grows, and each long enough for every case of churn. */
const fewestRounds = 4;
const roundSeconds = 180;
const restMs = 15_000;
const mostSampleMs = 5000;
/** Clients at a time beside those that idle, and some more. */
export const spareConnections = 200;
/** What is opened by its first use is open after it: channels to workers, above all, of which each is to have one. */
const warmUp = { seconds: 10, idleConnections: 100, sampleMs: 1000, restMs, start: undefined };

export async function soak(scope: Scope, settings: Settings, tell: (line: string) => void): Promise<Outcome> {
  const { minutes, idleConnections, transport } = settings;
  const site = await startSite(scope, transport, idleConnections + spareConnections);
  const pids = Object.values(site.processes);
  await runRound(scope, site, warmUp);
  const start = await rest(site.processes, { restMs: 0, start: undefined });
  const rounds: Round[] = [];
  const [beganMs, cpuBeganMs] = [performance.now(), cpuMs(pids)];
  const count = Math.max(fewestRounds, Math.round((minutes * 60) / roundSeconds));
  const seconds = Math.max(0, (minutes * 60) / count - restMs / 1000);
  const sampleMs = Math.min(mostSampleMs, Math.max(1000, seconds * 50));
  for (let nth = 1; nth <= count; nth += 1) {
    const round = await runRound(scope, site, { seconds, idleConnections, sampleMs, restMs, start });
    rounds.push(round);
    tell(`round ${nth} of ${count}: ${round.seconds.toFixed(0)} s`);
  }
  const tookSeconds = (performance.now() - beganMs) / 1000;
  return { start, rounds, faults: site.faults, cpuSeconds: (cpuMs(pids) - cpuBeganMs) / 1000, tookSeconds };
}
