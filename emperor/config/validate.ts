// Holds a parsed file against a table of keys (lib/spec) and turns what the validator says into problems with
// their places: what was expected, what was found, what to do. It looks at no file; nothing here knows of apps.
import leven from 'leven';
import { z } from 'zod';
import { describeInput } from '../../lib/spec/fields.ts';
import type { ParsedFile, Path } from './parse.ts';
import { compareProblems, fileProblem, problemAt, type Problem } from './problem.ts';

export type Validated<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problems: readonly Problem[] };

export interface TableOptions {
  /** Says where a key that this table lacks would belong, if it is a known one of another file. */
  readonly elsewhere?: (key: string) => string | undefined;
}

/** Problems told of one file; of the others only the number. */
const maxProblems = 20;

/** Validates the top level of a file. Keys that start with `x-` are the user's own and are left out. */
export function validateTable<Schema extends z.ZodType>(
  parsed: ParsedFile,
  schema: Schema,
  options: TableOptions = {},
): Validated<z.output<Schema>> {
  const entries = Object.entries(parsed.value).filter(([key]) => !key.startsWith('x-'));
  const result = schema.safeParse(Object.fromEntries(entries));
  if (result.success) return { ok: true, value: result.data };
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, []));
  const problems = faults.slice(0, maxProblems).map((fault) => toProblem(fault, { parsed, schema, options }));
  if (faults.length > maxProblems) {
    problems.push(fileProblem(parsed.file, `there are ${faults.length - maxProblems} further problems in this file`));
  }
  return { ok: false, problems: problems.sort(compareProblems) };
}

type Issue = z.core.$ZodIssue;

interface Fault {
  readonly path: Path;
  /** Whether the key at the end of the path is at fault, or its value. */
  readonly part: 'key' | 'value';
  /** Undefined for an unknown key. */
  readonly message: string | undefined;
}

/** One issue can be several faults: each unknown key, and each bad entry of a list. */
function faultsOf(issue: Issue, base: Path): Fault[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], part: 'key', message: undefined }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, part: 'key', message: issue.issues[0]?.message ?? issue.message }];
  }
  if (issue.code === 'invalid_union') {
    // The branch whose type fits (a list of texts with a number in it, a text that is no address) knows best.
    const inner = issue.errors.find((branch) => branch.length > 0 && branch.every(isOfFittingType));
    if (inner !== undefined) return inner.flatMap((one) => faultsOf(one, path));
  }
  return [{ path, part: 'value', message: issue.message }];
}

function isOfFittingType(issue: Issue): boolean {
  return issue.path.length > 0 || (issue.code !== 'invalid_type' && issue.code !== 'invalid_union');
}

interface Table {
  readonly parsed: ParsedFile;
  readonly schema: z.ZodType;
  readonly options: TableOptions;
}

function toProblem({ path, part, message }: Fault, { parsed, schema, options }: Table): Problem {
  const place = part === 'key' ? parsed.keyAt(path) : parsed.valueAt(path);
  if (message !== undefined) {
    const value = valueAt(parsed.value, path);
    const named = part === 'value' && typeof path.at(-1) === 'string' ? `${path.join('.')}: ${message}` : message;
    return problemAt(parsed.file, place, { message: named, hint: hintFor(message, value) });
  }
  const key = String(path.at(-1));
  const known = keysAt(schema, path.slice(0, -1));
  const where = path.length > 1 ? ` in ${path.slice(0, -1).join('.')}` : '';
  return problemAt(parsed.file, place, {
    message: `unknown key ${describeInput(key)}${where}`,
    hint: unknownKeyHint(key, known, path.length === 1 ? options.elsewhere : undefined),
  });
}

function unknownKeyHint(key: string, known: readonly string[], elsewhere: TableOptions['elsewhere']): string {
  const belongs = elsewhere?.(key);
  if (belongs !== undefined) return belongs;
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean ${near}?`;
  return `the keys are ${known.join(', ')}${elsewhere === undefined ? '' : '; a key of your own starts with x-'}`;
}

/** The known key that a user may have meant: another way to write it, or few letters away. */
export function nearest(key: string, known: readonly string[]): string | undefined {
  if (key.length > 40) return undefined;
  const plain = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, '');
  const wanted = plain(key);
  const scored = known.map((candidate) => ({ candidate, distance: leven(wanted, plain(candidate)) }));
  const best = scored.sort((one, other) => one.distance - other.distance)[0];
  if (best === undefined) return undefined;
  return best.distance <= Math.min(2, Math.floor(wanted.length / 3)) ? best.candidate : undefined;
}

/** What to do about a value, where its kind tells. */
function hintFor(message: string, value: unknown): string | null {
  if (value === null) return 'give it a value, or remove the key';
  if (Array.isArray(value) && message.includes('expected text')) return 'write one value, without [ ] or -';
  return typeof value === 'string' ? textHint(message, value) : null;
}

function textHint(message: string, value: string): string | null {
  if (message.includes('expected a whole number') && /^\d+$/.test(value)) return 'write it without quotes';
  if (message.includes('expected true or false')) {
    if (/^(?:yes|on|y)$/i.test(value)) return 'write true';
    if (/^(?:no|off|n)$/i.test(value)) return 'write false';
  }
  const words = /expected ((?:\w+, )*\w+ or \w+)(?:, got| map)/.exec(message)?.[1]?.split(/, | or /) ?? [];
  const near = nearest(value.replace(/^SIG/i, ''), words);
  return near === undefined ? null : `did you mean ${near}?`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (found, segment) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, segment)
        ? (found as Record<PropertyKey, unknown>)[segment]
        : undefined,
    value,
  );
}

/** The keys that a table knows at a path; none where it is no map there. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  const inner = unwrap(schema);
  const [first, ...rest] = path;
  if (inner instanceof z.ZodUnion) {
    return [...new Set((inner.options as z.ZodType[]).flatMap((option) => keysAt(option, path)))];
  }
  if (inner instanceof z.ZodArray) return typeof first === 'number' ? keysAt(inner.element as z.ZodType, rest) : [];
  if (!(inner instanceof z.ZodObject)) return [];
  const shape = inner.shape as Readonly<Record<string, z.ZodType>>;
  if (first === undefined) return Object.keys(shape);
  const next = Object.hasOwn(shape, first) ? shape[String(first)] : undefined;
  return next === undefined ? [] : keysAt(next, rest);
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in as z.ZodType) : schema;
}
