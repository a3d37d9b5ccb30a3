// What is not installed on this machine, or does not do what is asked here: it gets a row that says so.

import { messageOf } from '../../lib/errors.ts';

export interface Missing {
  readonly name: string;
  /** Why, in words. */
  readonly missing: string;
}

/** Thrown where something is missing without which a scenario cannot be measured at all. */
export class NotInstalled extends Error {}

/** What failed is missing: its error, in a line that a table can bear. */
export function missingBecause(name: string, what: string, error: unknown): Missing {
  return { name, missing: `${what}: ${messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 300)}` };
}

export function isMissing(one: object): one is Missing {
  return 'missing' in one;
}

/** Those that are not missing. */
export function present<One extends object>(all: readonly (One | Missing)[]): One[] {
  return all.filter((one): one is One => !isMissing(one));
}
