// The invariants that a run is judged by. Leaks (7) and kills at each step (8) have tests of their own.
import type { Evidence, Violation } from '../evidence.ts';
import { bystanders } from './bystanders.ts';
import { bytes } from './bytes.ts';
import { deeds } from './deeds.ts';
import { exactlyOnce } from './exactly-once.ts';
import { losses } from './losses.ts';
import { monotonic } from './monotonic.ts';
import { webSockets } from './web-sockets.ts';

const invariants = [losses, monotonic, bystanders, webSockets, exactlyOnce, bytes, deeds];

export function judge(evidence: Evidence): readonly Violation[] {
  return invariants.flatMap((invariant) => invariant(evidence)).toSorted((a, b) => a.atMs - b.atMs);
}
