// PURE. Is an app scaled? It is once exactly so many workers run, all of them ready, and no other is on its way out.
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { VassalState } from '../lib/vassal-messages.ts';
import type { InstanceFacts } from './facts.ts';

export interface ScaleProgress {
  readonly result: 'scaled' | 'cancelled' | 'failed';
  readonly reason: string | null;
}

export interface ScaleFacts {
  /** What was asked for. */
  readonly processes: number;
  /** What the operator wants by now; undefined: as the file says. */
  readonly wanted: number | undefined;
  readonly isStopped: boolean;
  /** The live generation, as we told it and as it tells; undefined where none is. */
  readonly live: { readonly facts: InstanceFacts; readonly report: VassalState | undefined } | undefined;
}

/** Undefined while it is under way. */
export function scaleProgress({ processes, wanted, isStopped, live }: ScaleFacts): ScaleProgress | undefined {
  if (isStopped) return { result: 'cancelled', reason: 'it was stopped' };
  if (wanted === undefined) return { result: 'cancelled', reason: 'its file was edited' };
  if (wanted !== processes) return { result: 'cancelled', reason: `it was scaled to ${wanted} meanwhile` };
  if (live?.report === undefined) return undefined;
  const { facts, report } = live;
  const isTold = facts.processes === processes && facts.keep === processes;
  const isDone = report.processes === processes && report.workers.length === processes;
  return isTold && isDone && facts.workers.length === processes ? { result: 'scaled', reason: null } : undefined;
}

/** Beyond the times that the spec gives: for messages, and for a process to be started at all. */
const graceMs = 3000;

/** How long it may take: new workers have `ready-timeout`, surplus ones may drain and stop. */
export function scaleLimitMs(
  spec: VassalSpec | undefined,
  { before, processes }: { readonly before: number; readonly processes: number },
): number {
  if (spec === undefined) return graceMs;
  const growMs = spec['ready-timeout'];
  const shrinkMs = spec['drain-timeout'] + spec['stop-timeout'];
  return graceMs + (processes < before ? shrinkMs : growMs);
}
