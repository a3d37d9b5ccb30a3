// The kinds of value a config key can take. Each is a zod type that says in its message what was expected, so
// that a user never reads a validator's jargon. Durations come out in milliseconds, sizes in bytes.
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { formatAddress, parseAddress, type Address } from '../address.ts';
import { isBindable, maxSocketPathBytes } from '../run-dir.ts';
import { parseDuration, parseSize } from '../units.ts';

/** What a key's reference entry needs beyond its type. Kept in zod's registry by `.meta()`. */
export interface FieldMeta {
  /** The heading the key stands under in the reference. */
  readonly group: string;
  readonly description: string;
  /** The default as a user would write it; absent where there is none. */
  readonly default?: string | number | boolean;
  readonly example?: string;
}

/** A key's metadata, as `.meta()` takes it. */
export const meta = (entry: FieldMeta): FieldMeta & Record<string, unknown> => ({ ...entry });

/** The type of a value in words, for the reference and --help; kept beside the metadata of its key. */
const words = (type: string): { words: string } => ({ words: type });

const expected = (what: string): { error: (issue: { input?: unknown }) => string } => ({
  error: (issue) => `expected ${what}, got ${describeInput(issue.input)}`,
});

/** No argument, variable or path of a process can hold a NUL. */
const withoutNul = z
  .string(expected('text'))
  .refine((value) => !value.includes('\0'), 'expected text without NUL characters');

/** Text that may be empty. */
export const anyText = withoutNul.meta(words('text'));

export const text = withoutNul.min(1, 'expected text, got nothing').meta(words('text'));

export const flag = z.boolean(expected('true or false')).meta(words('true or false'));

const nameInPython = String.raw`[\p{ID_Start}_]\p{ID_Continue}*`;
const dottedInPython = `${nameInPython}(?:\\.${nameInPython})*`;

/** `name`, or `name.attribute`. */
export const pythonName = z
  .string(expected('a name in a Python module, such as application'))
  .regex(new RegExp(`^${dottedInPython}$`, 'u'), expected('a name in a Python module, such as application'))
  .meta(words('name'));

/** `package.module`, or `package.module:name`. A factory cannot be called from here: its module does that. */
export const pythonModule = z
  .string(expected('a Python module such as shop.wsgi or shop.wsgi:app'))
  .regex(
    new RegExp(`^${dottedInPython}(?::${dottedInPython})?$`, 'u'),
    expected('a Python module such as shop.wsgi or shop.wsgi:app'),
  )
  .meta(words('module, or module:name'));

/** A whole number between the bounds, both allowed. */
export function wholeNumber(min: number, max: number): z.ZodNumber {
  const what = `a whole number from ${min} to ${max}`;
  return z
    .int(expected(what))
    .min(min, expected(what))
    .max(max, expected(what))
    .meta(words(what.slice(2)));
}

/** One of a few words. */
export function oneOf<const Values extends readonly string[]>(
  values: Values,
): z.ZodEnum<{ [Value in Values[number]]: Value }> {
  const list = `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
  return z.enum(values, expected(list)).meta(words(list));
}

/** Timers of Node fire at once beyond 2^31 - 1 ms, so no longer duration is accepted. */
const longestDurationMs = 24 * 24 * 3_600_000;

const expectedDuration = expected('a duration such as 30s, 5m or 2h');
const durationText = z.string().meta({ pattern: '^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?\\s*$' });

export const duration = z
  .union([durationText, z.number().min(0, expectedDuration)], expectedDuration)
  .transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms <= longestDurationMs) return ms;
    const what = ms === undefined ? 'a duration such as 30s, 5m or 2h' : 'a duration of at most 24d';
    context.addIssue({ code: 'custom', message: `expected ${what}, got ${describeInput(value)}` });
    return z.NEVER;
  })
  .meta(words('duration'));

const expectedSize = expected('a size such as 512K, 20M or 1G');
const sizeText = z.string().meta({ pattern: '^\\s*\\d+(\\.\\d+)?\\s*[KMGTkmgt]?i?[Bb]?\\s*$' });

export const size = z
  .union([sizeText, z.int(expectedSize).min(0, expectedSize)], expectedSize)
  .transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes !== undefined && Number.isSafeInteger(bytes)) return bytes;
    const what = bytes === undefined ? 'a size such as 512K, 20M or 1G' : 'a size that a computer can have';
    context.addIssue({ code: 'custom', message: `expected ${what}, got ${describeInput(value)}` });
    return z.NEVER;
  })
  .meta(words('size'));

/** One text or a list of them; comes out as a list. */
export const texts = z
  .union([text, z.array(text).min(1, 'expected at least one entry')], expected('text or a list of texts'))
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .meta(words('text, or list of texts'));

export const environment = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected a variable name of letters, digits and _'),
    z.union([anyText, z.number(), z.boolean()], expected('text, a number, true or false')).transform(String),
    expected('a map of variables, such as {NODE_ENV: production}'),
  )
  .meta(words('map of variables'));

const addressText = z.union(
  [z.string(), z.number()],
  expected('an address such as :8080, 127.0.0.1:8080 or unix:/path'),
);

/** A listen address, checked; stays text (see lib/address). */
export const address = addressText
  .transform((value, context) => {
    const parsed = parseAddress(String(value));
    if (typeof parsed !== 'string') return String(value);
    context.addIssue({ code: 'custom', message: parsed });
    return z.NEVER;
  })
  .meta(words('address'));

/** `5%`, `12.5 %`, `0.05`, `1`: more than nothing, at most the whole. */
const sharePattern = /^\s*(?=.*[1-9])(?:(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)\s*%|1(?:\.0+)?|0\.\d+)\s*$/;
const expectedShare = expected('a share such as 5% or 0.05');

/** A part of the whole; comes out between 0 and 1. */
export const share = z
  .union(
    [z.string().regex(sharePattern, expectedShare), z.number().gt(0, expectedShare).max(1, expectedShare)],
    expectedShare,
  )
  .transform((value) => {
    const percents = sharePattern.exec(String(value))?.[1];
    return percents === undefined ? Number(value) : Number(percents) / 100;
  })
  .meta(words('share'));

/** It becomes the target of a request line: visible ASCII, and no fragment. */
const requestPathPattern = /^\/[!"$-~]*$/;

/** Where something is asked for, such as `/up`. */
export const requestPath = z
  .string(expected('a path such as /up'))
  .regex(requestPathPattern, expected('a path such as /up'))
  .meta(words('path'));

const upstreamWords = 'unix:/path or http://host:port';
/** No host is called `unix`: it could not be told from a path. */
const hostPattern = String.raw`(?!unix:)(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])`;
const portPattern = String.raw`(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;
const upstreamPattern = `^(?:unix:/[^\\0]+|(?:[Hh][Tt][Tt][Pp]://)?${hostPattern}:${portPattern}/?)$`;

/** A backend that somebody else runs; comes out as lib/address spells addresses. */
export const upstreamAddress = z
  .string(expected(upstreamWords))
  .meta({ pattern: upstreamPattern })
  .transform((value, context) => {
    const parsed = parseUpstream(value);
    if (typeof parsed !== 'string') return formatAddress(parsed);
    context.addIssue({ code: 'custom', message: `expected ${upstreamWords}, got ${describeInput(value)}${parsed}` });
    return z.NEVER;
  })
  .meta(words(upstreamWords));

/** Reads where a backend is; returns what to add to the message where the text is no such address. */
function parseUpstream(text: string): Address | string {
  if (!new RegExp(upstreamPattern).test(text)) return whyNoUpstream(text);
  const parsed = parseAddress(text.startsWith('unix:') ? text : text.replace(/^http:\/\//i, '').replace(/\/$/, ''));
  if (typeof parsed === 'string') return '';
  if (parsed.kind === 'unix') {
    return isBindable(parsed.path) ? parsed : `: a socket's path has at most ${maxSocketPathBytes} bytes`;
  }
  return !parsed.host.includes(':') || isIPv6(parsed.host) ? parsed : ': the brackets hold no IPv6 address';
}

function whyNoUpstream(text: string): string {
  if (/^https:/i.test(text)) return ': backends are spoken to in clear text';
  if (/^http:\/\/[^/]+\/./i.test(text)) return ': requests keep their own path, so it cannot have one';
  const port = /:(\d+)\/?$/.exec(text)?.[1];
  return port !== undefined && (Number(port) === 0 || Number(port) > 65535) ? ': a port is from 1 to 65535' : '';
}

/** One address or a list of them; comes out as a list. */
export const addresses = z
  .union(
    [address, z.array(address).min(1, 'expected at least one address')],
    expected('an address or a list of addresses'),
  )
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .meta(words('address, or list of addresses'));

/** A map with keys of its own. */
export function keyed<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  // Unknown keys are told by whoever knows the nearest one (emperor/config/validate.ts).
  return z.strictObject(shape, {
    error: (issue) => `expected keys and values, got ${describeInput(issue.input)}`,
  });
}

/** Says what a user wrote, short enough for a message. */
export function describeInput(input: unknown): string {
  if (input === undefined) return 'nothing';
  if (input === null) return 'nothing (null)';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a map';
  if (typeof input !== 'string')
    return typeof input === 'number' || typeof input === 'bigint' || typeof input === 'boolean'
      ? String(input)
      : typeof input;
  return input.length > 58 ? `"${input.slice(0, 56)}…"` : `"${input}"`;
}
