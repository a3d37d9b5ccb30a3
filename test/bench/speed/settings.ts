// How a scenario is to be run, and how long its rounds may be. Pure.

/** What `emperor run --transport` takes. */
export const transports = ['auto', 'reactor', 'portable'] as const;
export type TransportName = (typeof transports)[number];

export interface Settings {
  readonly rounds: number;
  /** Of each round; undefined: as many as there is time for. */
  readonly seconds: number | undefined;
  /** The transports of ours that take part; the first is judged. */
  readonly transports: readonly TransportName[];
  /** Names of the peers that take part; undefined: all that are installed. */
  readonly peers: readonly string[] | undefined;
}

/** What the rounds of a scenario may take together, in seconds. */
const budget = 90;
const longestRound = 4;

/** Whole seconds for each round of each contender: long enough to be steady, short enough for two minutes in all. */
export function roundSeconds({ rounds, seconds }: Settings, contenders: number, cases: number): number {
  if (seconds !== undefined) return seconds;
  const share = budget / (rounds * Math.max(1, contenders) * cases);
  return Math.max(1, Math.min(longestRound, Math.floor(share)));
}
