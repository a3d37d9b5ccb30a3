// A soak as text: a line for each round, what was found wrong, and how little could have been found. Pure.
import { markdownTable } from '../bench/markdown-table.ts';
import { idleKind, type Counts } from './clients/tally.ts';
import type { Round, Snapshot } from './round.ts';
import { countOf } from './usage.ts';
import { growth } from './verdict.ts';

const heading = ['round', 's', 'answered', 'failed', 'ended', 'idle'];

/** `start`: how it was before the first round. */
export function tableOf(start: Snapshot, rounds: readonly Round[]): string[] {
  const names = Object.keys(start).filter((name) => /^(?:router|worker)/.test(name));
  const columns = names.flatMap((name) => [`${name} fds`, 'most', 'RSS MB', 'most', 'PSS MB']);
  const first = ['start', '', '', '', '', '', ...names.flatMap((name) => restCells(start, name, undefined))];
  const rows = rounds.map((round, index) => [
    String(index + 1),
    round.seconds.toFixed(0),
    String(sum(round.counts, ({ answered }) => answered)),
    String(sum(round.counts, ({ failed }) => failed)),
    String(sum(round.counts, endedBesideIdle)),
    String(sum(round.counts, ({ ended }) => ended[idleKind] ?? 0)),
    ...names.flatMap((name) => restCells(round.rested, name, round)),
  ]);
  return markdownTable([[...heading, ...columns], first, ...rows]);
}

/** How many connections were ended in each phase, and by how much each process grew. */
export function summaryOf(rounds: readonly Round[]): string[] {
  const totals = new Map<string, number>();
  for (const { ended } of rounds.flatMap((round) => round.counts)) {
    for (const [kind, count] of Object.entries(ended)) totals.set(kind, (totals.get(kind) ?? 0) + count);
  }
  const grown = Object.entries(growth(rounds)).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  return [
    `ended: ${[...totals].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
    `grown from the earlier rounds to the later ones, MB: ${grown.length === 0 ? 'too few rounds to say' : grown.join(', ')}`,
  ];
}

function restCells(rested: Snapshot, name: string, round: Round | undefined): string[] {
  const usage = rested[name];
  const peak = round?.peaks[name];
  if (usage === undefined) return ['gone', '', '', '', ''];
  const most = peak === undefined ? ['', ''] : [String(peak.descriptors), megabytes(peak.rss)];
  return [String(countOf(usage)), most[0] ?? '', megabytes(usage.rss), most[1] ?? '', megabytes(usage.pss)];
}

function endedBesideIdle({ ended }: Counts): number {
  return Object.entries(ended).reduce((total, [kind, count]) => total + (kind === idleKind ? 0 : count), 0);
}

function sum(counts: readonly Counts[], of: (counts: Counts) => number): number {
  return counts.reduce((total, one) => total + of(one), 0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
