// How many connections a program on this machine can hold.
import { readFileSync } from 'node:fs';

/** What a program has open besides its connections, and some more. */
const besides = 200;

/** Our own limit of open files, which everything that we start inherits; Node has raised it as far as it may. */
export function descriptorLimit(): number {
  const [, limit = NaN] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Number(limit);
}

/** Of `wanted` connections, as many as routers accept that keep a descriptor for the upstream of each. */
export function connectionsWithin(limit: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(limit / 2) - besides));
}
