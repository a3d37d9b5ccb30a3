// Whether a bar is met: medians, ratios, and who was the best peer. Pure.
import { present } from '../missing.ts';
import { median } from '../statistics.ts';
import type { Bar, CaseResult, Limit, Row } from './result.ts';

export interface Verdict {
  readonly caseName: string;
  readonly bar: Bar;
  /** Of ours. */
  readonly name: string;
  /** The best of those that count; undefined where none was measured. */
  readonly best: string | undefined;
  /** Ours divided by the best; NaN where none was measured. */
  readonly ratio: number;
  readonly isMet: boolean | undefined;
}

/** The median of all rounds; NaN where there was none. */
export function figureOf(row: Row, key: string): number {
  return median(row.samples.map((sample) => sample[key] ?? NaN));
}

/** How far the rounds lie apart: the widest less the narrowest, as a share of the median. */
export function spreadOf(row: Row, key: string): number {
  const values = row.samples.map((sample) => sample[key] ?? NaN);
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

export function rowsOf(result: CaseResult): readonly Row[] {
  return present(result.rows);
}

/** Ours divided by another; NaN where one of them is a difference that came out below zero, which says nothing. */
export function ratioOf(ours: Row, other: Row, key: string): number {
  const [own, its] = [figureOf(ours, key), figureOf(other, key)];
  return own > 0 && its > 0 ? own / its : NaN;
}

/** Which of ours are held against which bars: not those that are the measure themselves. */
export function judgedPairs(result: CaseResult): readonly { readonly ours: Row; readonly bar: Bar }[] {
  return rowsOf(result)
    .filter(({ isOurs }) => isOurs)
    .flatMap((ours) => result.bars.filter(({ against }) => !against.includes(ours.name)).map((bar) => ({ ours, bar })));
}

export function verdictsOf(result: CaseResult): readonly Verdict[] {
  const rows = rowsOf(result);
  return judgedPairs(result).map(({ ours, bar }) => judge(result.name, ours, bar, bestOf(rows, bar)));
}

/** One for each bar: of the first of ours, the default. */
export function mainVerdictsOf(result: CaseResult): readonly Verdict[] {
  const all = verdictsOf(result);
  return result.bars.flatMap((bar) => all.find((verdict) => verdict.bar === bar) ?? []);
}

/** The limit as it is printed. */
export function limitText(limit: Limit): string {
  return 'atMost' in limit ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;
}

function judge(caseName: string, ours: Row, bar: Bar, best: Row | undefined): Verdict {
  const ratio = best === undefined ? NaN : ratioOf(ours, best, bar.key);
  const isMet = Number.isFinite(ratio) && ours.faults.length === 0 ? isWithin(ratio, bar.limit) : undefined;
  return { caseName, bar, name: ours.name, best: best?.name, ratio, isMet };
}

function bestOf(rows: readonly Row[], { key, against, limit }: Bar): Row | undefined {
  const better = (a: number, b: number): boolean => ('atMost' in limit ? a < b : a > b);
  // A peer that lost requests did not do the same work.
  return rows
    .filter(({ name, faults }) => against.includes(name) && faults.length === 0)
    .reduce<Row | undefined>(
      (best, row) => (best === undefined || better(figureOf(row, key), figureOf(best, key)) ? row : best),
      undefined,
    );
}

/** By the figure as it is printed, to the hundredth: what rounds to the limit is within it. */
function isWithin(ratio: number, limit: Limit): boolean {
  const printed = Number(ratio.toFixed(2));
  return 'atMost' in limit ? printed <= limit.atMost : printed >= limit.atLeast;
}
