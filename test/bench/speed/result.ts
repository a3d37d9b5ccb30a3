// What one comparison came to, before anybody judges it: the samples of every contender, round by round. Plain data.
import type { Missing } from '../missing.ts';

/** One figure that is measured of every contender. */
export interface Column {
  readonly key: string;
  readonly heading: string;
  readonly digits: number;
}

/** What one contender did in one round: a value for each column. */
export type Sample = Readonly<Record<string, number>>;

export interface Row {
  readonly name: string;
  readonly version: string;
  readonly isOurs: boolean;
  readonly samples: readonly Sample[];
  /** What went wrong in the load, in words; a figure with faults is worth nothing. */
  readonly faults: readonly string[];
}

/** What ours, divided by the best of its peers, may come to. */
export interface Bar {
  /** The column that is judged. */
  readonly key: string;
  /** What it is called in a sentence. */
  readonly what: string;
  readonly limit: Limit;
  /** Names of the rows whose best counts. */
  readonly against: readonly string[];
}

export type Limit = { readonly atMost: number } | { readonly atLeast: number };

/** One table: several contenders under one load. */
export interface CaseResult {
  /** Short, and its own among all cases. */
  readonly name: string;
  /** The load, in words. */
  readonly load: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (Row | Missing)[];
  readonly bars: readonly Bar[];
}

export const bestPeers: readonly string[] = ['nginx', 'HAProxy'];
