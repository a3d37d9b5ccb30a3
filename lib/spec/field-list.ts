// The tables of keys as plain lists, for what people read: the reference page and --help.
import { z } from 'zod';
import { emperorFields } from './emperor-config.ts';
import { vassalFields } from './vassal-spec.ts';

export interface FieldEntry {
  /** As it is written in a file; keys of a map within have its name and a dot before them (`log.level`). */
  readonly key: string;
  readonly group: string;
  /** One or two sentences, with `code` in backticks. */
  readonly description: string;
  /** As a user would write it; undefined where there is none. */
  readonly default: string | undefined;
  readonly example: string | undefined;
  /** In words: `duration`, `whole number from 1 to 512`, `text, or list of texts`. */
  readonly type: string;
}

/** The keys of an app's file, in the order of the table. */
export const vassalFieldList: readonly FieldEntry[] = listFields(vassalFields);

/** The keys of emperor.yaml, in the order of the table. */
export const emperorFieldList: readonly FieldEntry[] = listFields(emperorFields);

function listFields(fields: Readonly<Record<string, z.ZodType>>, prefix = ''): FieldEntry[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const key = prefix + name;
    const inner = unwrap(field);
    // A map without a description of its own is only a heading: its keys are the entries.
    const metadata: Record<string, unknown> = field.meta() ?? {};
    if (inner instanceof z.ZodObject && metadata['description'] === undefined) {
      return listFields(inner.shape, `${key}.`);
    }
    return [entryOf(key, metadata, inner.meta()?.['words'])];
  });
}

function entryOf(key: string, metadata: Record<string, unknown>, type: unknown): FieldEntry {
  const text = (name: string): string | undefined => {
    const value = metadata[name];
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;
  };
  return {
    key,
    group: text('group') ?? '',
    description: text('description') ?? '',
    default: text('default'),
    example: text('example'),
    type: typeof type === 'string' ? type : 'map',
  };
}

/** The type below defaults and optionals, which carries the words for it. */
function unwrap(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional) {
    return unwrap(field.unwrap() as z.ZodType);
  }
  return field;
}
