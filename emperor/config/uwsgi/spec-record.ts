// The keys of ours that a file of uWSGI sets, collected option by option, each with the place it came from. What the
// values may be is judged later, by the same table as for files of our own. PURE.
import type { ParsedFile, Path } from '../parse.ts';
import type { Place } from '../problem.ts';
import type { ValueForm } from './option-use.ts';
import { placeOfKey, placeOfValue, type Origin } from './origin.ts';

/** One option that sets a key. */
export interface Setting {
  readonly key: string;
  readonly form: ValueForm;
  readonly text: string;
  readonly origin: Origin;
}

interface Entry {
  readonly value: unknown;
  /** Of a variable. */
  readonly name: string | undefined;
  readonly origin: Origin;
}

export type Reading = readonly { readonly name?: string; readonly value: unknown }[] | { readonly fault: string };

export class SpecRecord {
  readonly #entries = new Map<string, Entry[]>();
  readonly #lists = new Set<string>();

  /** Takes a setting in; returns what is wrong with its text, if anything. */
  add({ key, form, text, origin }: Setting): string | undefined {
    const reading = readers[form](text);
    if ('fault' in reading) return reading.fault;
    const entries = reading.map(({ name, value }) => ({ name, value, origin }));
    const isList = form !== 'text' && form !== 'number' && form !== 'megabytes' && form !== 'flag';
    // Of a single value, the last one wins.
    this.#entries.set(key, [...(isList ? (this.#entries.get(key) ?? []) : []), ...entries]);
    if (isList) this.#lists.add(key);
    return undefined;
  }

  /** Forgets what was set. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** The single value of a key as it was set; undefined where there is none. */
  get(key: string): unknown {
    return this.#entries.get(key)?.at(-1)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Does the key still have what this option set? */
  isSetBy(key: string, origin: Origin): boolean {
    return this.#entries.get(key)?.some((entry) => entry.origin === origin) ?? false;
  }

  /** As if the keys stood in a file of ours; `file` is the vassal's. */
  toParsedFile(file: string): ParsedFile {
    return {
      file,
      value: Object.fromEntries([...this.#entries.keys()].map((key) => [key, this.#value(key)])),
      keyAt: (path) => this.#place(path, placeOfKey),
      valueAt: (path) => this.#place(path, placeOfValue),
    };
  }

  #value(key: string): unknown {
    const entries = this.#entries.get(key) ?? [];
    if (entries.some(({ name }) => name !== undefined)) {
      return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
    }
    return this.#lists.has(key) ? entries.map(({ value }) => value) : entries.at(-1)?.value;
  }

  #place([key, part]: Path, placeOf: (origin: Origin) => Place): Place | null {
    const entries = typeof key === 'string' ? (this.#entries.get(key) ?? []) : [];
    const entry =
      typeof part === 'number'
        ? entries[part]
        : (entries.findLast(({ name }) => name !== undefined && name === part) ?? entries.at(-1));
    return entry === undefined ? null : placeOf(entry.origin);
  }
}

const readers: Readonly<Record<ValueForm, (text: string) => Reading>> = {
  text: (text) => (text === '' ? { fault: 'expected a value, got nothing' } : [{ value: text }]),
  number: (text) =>
    text === '' ? { fault: 'expected a value, got nothing' } : [{ value: /^\d+$/.test(text) ? Number(text) : text }],
  megabytes: (text) => [{ value: /^\d+$/.test(text) ? `${text}M` : text }],
  flag: readFlag,
  texts: (text) => [{ value: text }],
  words: (text) => wordsOf(text).map((value) => ({ value })),
  variable: readVariable,
  subscription: readSubscription,
  'subscription-map': readSubscriptionMap,
};

function wordsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function readFlag(text: string): Reading {
  if (/^(?:|true|yes|on|1)$/i.test(text)) return [{ value: true }];
  if (/^(?:false|no|off|0)$/i.test(text)) return [{ value: false }];
  return { fault: `expected true or false, got ${text}` };
}

function readVariable(text: string): Reading {
  const equals = text.indexOf('=');
  if (equals < 1) return { fault: `expected NAME=value, got ${text === '' ? 'nothing' : text}` };
  return [{ name: text.slice(0, equals), value: text.slice(equals + 1) }];
}

/** `127.0.0.1:4040:shop.example.com`, `/run/router.sock:shop.example.com,SHA1:/key.pem`: the name is what counts. */
function readSubscription(text: string): Reading {
  const match = /^(?:[/@][^:]*|[^:/]*:\d+):([^,]+)/.exec(text);
  return match?.[1] === undefined
    ? { fault: `expected address:name, got ${text === '' ? 'nothing' : text}` }
    : readName(match[1]);
}

function readSubscriptionMap(text: string): Reading {
  const name = text
    .split(',')
    .find((part) => part.startsWith('key='))
    ?.slice('key='.length);
  return name === undefined || name === '' ? { fault: `expected key=name in it, got ${text}` } : readName(name);
}

function readName(name: string): Reading {
  if (name.startsWith('@'))
    return { fault: `expected a server name, got ${name}: lists of names in files are not read` };
  // The router of uWSGI compares with the Host header, so a port may stand there; ours does not.
  return [{ value: name.replace(/:\d+$/, '') }];
}
