// A spec that was kept or told by another build of ours: its table may have had fewer keys. What is missing gets its
// default, so that a spec is complete whoever wrote it. It is not validated again: whoever wrote it did that.
import { vassalSchema, type VassalSpec } from './vassal-spec.ts';

/** The defaults of the table, as they come out of it. */
const defaults: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(vassalSchema.parse({ app: 'any' })).filter(([key, value]) => key !== 'app' && value !== undefined),
);

/** PURE. The spec with every key of this build's table; undefined where it is none. */
export function completeSpec(value: unknown): VassalSpec | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const complete: Record<string, unknown> = { ...defaults, ...value };
  const { domains, chdir } = complete;
  if (typeof chdir !== 'string' || !Array.isArray(domains)) return undefined;
  if (!domains.every((domain) => typeof domain === 'string')) return undefined;
  const isOfTable = Object.entries(defaults).every(([key, own]) => kindOf(complete[key]) === kindOf(own));
  return isOfTable ? (complete as unknown as VassalSpec) : undefined;
}

/**
 * PURE. What of a spec differs from the table's defaults. Two builds whose tables differ by a key that nobody set
 * agree on it, so that upgrading the emperor deploys nothing.
 */
export function withoutDefaults(spec: VassalSpec): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(spec).filter(([key, value]) => JSON.stringify(defaults[key]) !== JSON.stringify(value)),
  );
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return value === null ? 'null' : typeof value;
}
