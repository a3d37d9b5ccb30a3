// PURE. The values that requests on the control socket carry. A value of another kind, out of bounds or misspelt is told
// in one sentence; nothing is guessed.
import { describeInput, upstreamAddress } from '../lib/spec/fields.ts';
import { formatDuration, parseDuration } from '../lib/units.ts';
import type { Registration } from '../lib/vassal-messages.ts';

export type Body = Readonly<Record<string, unknown>>;

/** As the table of keys has it for `processes`. */
const mostProcesses = 512;
const mostWeight = 1000;
const defaultTtlMs = 30_000;
const shortestTtlMs = 1000;
const longestTtlMs = 86_400_000;

/** Whether the caller waits; default: no. */
export function readWait(body: Body): boolean | string {
  const { wait = false } = body;
  return typeof wait === 'boolean' ? wait : `wait: expected true or false, got ${describeInput(wait)}`;
}

/** How many workers `scale` is to keep. */
export function readProcesses(body: Body): number | string {
  const { processes } = body;
  if (isWhole(processes) && processes >= 1 && processes <= mostProcesses) return processes;
  return `processes: expected a whole number from 1 to ${mostProcesses}, got ${describeInput(processes)}`;
}

/** The address alone, in its one spelling. */
export function readAddress(body: Body): { readonly address: string } | string {
  const stray = strayKey(body, ['address']);
  if (stray !== undefined) return stray;
  const parsed = upstreamAddress.safeParse(body['address']);
  return parsed.success ? { address: parsed.data } : `address: ${parsed.error.issues[0]?.message ?? 'expected text'}`;
}

/** A backend with its weight and its time to live. */
export function readRegistration(body: Body): Registration | string {
  const { address, weight = 1, ttl, ...rest } = body;
  const stray = strayKey(rest, []);
  if (stray !== undefined) return stray;
  const parsed = readAddress({ address });
  if (typeof parsed === 'string') return parsed;
  if (!isWhole(weight) || weight < 1 || weight > mostWeight) {
    return `weight: expected a whole number from 1 to ${mostWeight}, got ${describeInput(weight)}`;
  }
  const ttlMs = ttl === undefined ? defaultTtlMs : durationOf(ttl);
  if (ttlMs === undefined || ttlMs < shortestTtlMs || ttlMs > longestTtlMs) {
    const bounds = `${formatDuration(shortestTtlMs)} to ${formatDuration(longestTtlMs)}`;
    return `ttl: expected a duration from ${bounds}, such as 30s, got ${describeInput(ttl)}`;
  }
  return { ...parsed, weight, ttlMs };
}

function durationOf(value: unknown): number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? parseDuration(value) : undefined;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function strayKey(body: Body, known: readonly string[]): string | undefined {
  const stray = Object.keys(body).find((key) => !known.includes(key));
  return stray === undefined ? undefined : `${describeInput(stray)} is no value of this request`;
}
