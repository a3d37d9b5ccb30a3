// What a soak found wrong, from what was counted and measured. Pure.
import type { Round, Snapshot } from './round.ts';
import type { Usage } from './usage.ts';

export interface Evidence {
  /** After the warm-up, before the first round. */
  readonly start: Snapshot;
  readonly rounds: readonly Round[];
  /** Lines that the programs logged as faults of their own. */
  readonly faults: readonly string[];
}

/**
 * What memory may have grown by, in bytes. What a process holds at rest differs by tens of MB between two rounds, by when
 * V8 collected last; garbage only adds to it, and goes. What leaks adds to each of the equal rounds and does not go. So the
 * least of the later rounds is compared with the least of the earlier ones. The first is left out, for a process that
 * never had so many connections has yet to get their room.
 */
export const tolerableBytes = 8 * 1024 * 1024;

/** One sentence for each thing that is wrong; none where all is well. */
export function judge({ start, rounds, faults }: Evidence): readonly string[] {
  const counts = rounds.flatMap((round) => round.counts);
  const failed = counts.reduce((sum, one) => sum + one.failed, 0);
  return [
    ...(failed === 0 ? [] : [`${failed} requests failed: ${counts.flatMap((one) => one.failures).join('; ')}`]),
    ...rounds.flatMap((round, index) => descriptorProblems(start, round.rested, index + 1)),
    ...growthProblems(rounds),
    ...faults.map((line) => `a program logged a fault: ${line}`),
  ];
}

/** By how much the least that each process held rose, in bytes; nothing where there are too few rounds to say. */
export function growth(rounds: readonly Round[]): Readonly<Record<string, number>> {
  const middle = 1 + Math.floor((rounds.length - 1) / 2);
  const [earlier, later] = [rounds.slice(1, middle), rounds.slice(middle)];
  if (earlier.length === 0) return {};
  const names = Object.keys(later.at(-1)?.rested ?? {});
  return Object.fromEntries(names.map((name) => [name, leastOf(name, later) - leastOf(name, earlier)]));
}

function leastOf(name: string, rounds: readonly Round[]): number {
  return Math.min(...rounds.map(({ rested }) => rested[name]?.rss ?? Infinity));
}

function growthProblems(rounds: readonly Round[]): string[] {
  return Object.entries(growth(rounds))
    .filter(([, bytes]) => bytes > tolerableBytes)
    .map(([name, bytes]) => `the ${name} grew by ${(bytes / 2 ** 20).toFixed(1)} MB`);
}

function descriptorProblems(start: Snapshot, rested: Snapshot, nth: number): string[] {
  return Object.entries(start).flatMap(([name, before]) => {
    const more = differences(before, rested[name]);
    return more.length === 0 ? [] : [`after round ${nth} the ${name} has ${more.join(', ')}`];
  });
}

function differences(before: Usage, after: Usage | undefined): string[] {
  const now = after?.descriptors ?? {};
  return [...new Set([...Object.keys(before.descriptors), ...Object.keys(now)])].flatMap((kind) => {
    const more = (now[kind] ?? 0) - (before.descriptors[kind] ?? 0);
    return more === 0 ? [] : [`${Math.abs(more)} ${kind} ${more > 0 ? 'more' : 'less'}`];
  });
}
