// The canonical digest by which specs are compared: two files that mean the same have the same digest, so a
// comment, another order of keys or a restart of the emperor deploys nothing.
import { createHash } from 'node:crypto';
import { withoutDefaults } from '../../lib/spec/complete-spec.ts';
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';

/** SHA-256 of the value's JSON with sorted keys, the first 16 hex characters. `undefined` members count as absent. */
export function digestOf(value: unknown): string {
  return digestBytes(JSON.stringify(value, sortKeys));
}

/** The digest of a spec: what it leaves at the table's defaults does not count, so that a new key deploys nothing. */
export function digestSpec(spec: VassalSpec): string {
  return digestOf(withoutDefaults(spec));
}

/** The same digest of plain bytes. */
export function digestBytes(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
