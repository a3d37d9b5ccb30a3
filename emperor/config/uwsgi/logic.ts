// The blocks of uWSGI's files: `for … endfor` and `if-… endif`. They do not nest, there is no else, and a condition
// sees its words as they stand: placeholders are filled in only after a file is read.
import type { Sources } from './sources.ts';

/** What a block does with the lines in it. */
export type Block =
  /** Each line once for each item, which `%(_)` stands for in its value; for nothing where the item is undefined. */
  | { readonly kind: 'repeated'; readonly opener: string; readonly items: readonly (string | undefined)[] }
  /** No line. */
  | { readonly kind: 'skipped'; readonly opener: string; readonly why: string };

export type Opening = Block | { readonly kind: 'fault'; readonly message: string; readonly hint: string };

export interface LogicScope {
  readonly sources: Pick<Sources, 'env' | 'host' | 'kindOf' | 'read'>;
  /** The value of an option or variable that stands above; undefined where there is none. */
  readonly valueOf: (name: string) => string | undefined;
  /** Makes a path absolute. */
  readonly resolve: (path: string) => string;
}

/** More repetitions than any vassal has, and few enough to be read in a moment. */
const mostItems = 2000;

const enders = new Set(['end', 'endfor', 'end-for', 'endif', 'end-if']);

export function endsBlock(key: string): boolean {
  return enders.has(key);
}

/** Does the option begin a block? */
export function opensBlock(key: string): boolean {
  return loops.has(key) || conditionOf(key) !== undefined;
}

/** Opens the block of `key = value`. */
export async function openBlock(key: string, value: string, scope: LogicScope): Promise<Opening> {
  const opener = `${key} = ${value}`;
  const loop = loops.get(key);
  if (loop !== undefined) {
    const items = await loop(value, scope);
    if ('fault' in items)
      return { kind: 'fault', message: `${key}: ${items.fault}`, hint: 'mend it, or write the lines out' };
    if (items.length > mostItems) {
      const message = `${key}: expected at most ${mostItems} repetitions, got ${items.length}`;
      return { kind: 'fault', message, hint: 'write fewer' };
    }
    return { kind: 'repeated', opener, items };
  }
  const condition = conditionOf(key);
  if (condition === undefined) return { kind: 'fault', message: `${key} opens no block`, hint: 'remove it' };
  const found = await condition.test(value, scope);
  if (typeof found === 'string') return { kind: 'fault', message: `${key}: ${found}`, hint: 'mend the pattern' };
  return found.holds === condition.isNegated
    ? { kind: 'skipped', opener, why: whyNot(value) }
    : { kind: 'repeated', opener, items: [found.item] };
}

function whyNot(value: string): string {
  return /[%$@]\(/.test(value)
    ? 'the condition does not hold (as in uWSGI, it sees placeholders as they are written)'
    : 'the condition does not hold';
}

type Items = readonly string[] | { readonly fault: string };
type Loop = (value: string, scope: LogicScope) => Items | Promise<Items>;

const loops: ReadonlyMap<string, Loop> = new Map<string, Loop>(
  Object.entries<Loop>({
    for: (value) => value.split(' ').filter((item) => item !== ''),
    'for-times': (value) => {
      if (!/^\d{1,6}$/.test(value)) return { fault: `expected a number of repetitions, got ${value || 'nothing'}` };
      return Array.from({ length: Number(value) }, (_item, index) => String(index + 1));
    },
    'for-readline': async (value, { sources, resolve }) => {
      const reading = await sources.read(resolve(value));
      if ('fault' in reading) return reading;
      const lines = reading.text.split('\n').map((line) => line.replace(/\r$/, ''));
      return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    },
  }),
);

/** Whether it holds, and what `%(_)` stands for in the block; a text says what is wrong with it. */
type Found = { readonly holds: boolean; readonly item: string | undefined } | string;
type Test = (value: string, scope: LogicScope) => Found | Promise<Found>;

const tests: ReadonlyMap<string, Test> = new Map<string, Test>(
  Object.entries<Test>({
    env: (value, { sources }) => compare(value, sources.env),
    opt: (value, { valueOf }) => compare(value, valueOf),
    exists: async (value, scope) => ({ holds: (await kindAt(value, scope)) !== 'missing', item: value }),
    file: async (value, scope) => ({ holds: (await kindAt(value, scope)) === 'file', item: value }),
    dir: async (value, scope) => ({ holds: (await kindAt(value, scope)) === 'directory', item: value }),
    hostname: (value, { sources }) => ({ holds: sources.host.hostname === value, item: value }),
    'hostname-match': (value, { sources }) => {
      try {
        return { holds: new RegExp(value).test(sources.host.hostname), item: value };
      } catch {
        return `expected a regular expression, got ${value}`;
      }
    },
    // Nothing here is ever a reload: a new generation is a new process.
    reload: () => ({ holds: false, item: undefined }),
  }),
);

const spellings: ReadonlyMap<string, string> = new Map([
  ['ifenv', 'if-env'],
  ['ifexists', 'if-exists'],
  ['ifdir', 'if-dir'],
  ['if-directory', 'if-dir'],
]);

function conditionOf(key: string): { readonly test: Test; readonly isNegated: boolean } | undefined {
  const match = /^if-(not-)?(.+)$/.exec(spellings.get(key) ?? key);
  const test = tests.get(match?.[2] ?? '');
  return test === undefined ? undefined : { test, isNegated: match?.[1] !== undefined };
}

/** `NAME` or `NAME=value`; in the block, `%(_)` is the value that there is. */
function compare(written: string, valueOf: (name: string) => string | undefined): Found {
  const equals = written.indexOf('=');
  const item = valueOf(equals === -1 ? written : written.slice(0, equals));
  return { holds: item !== undefined && (equals === -1 || item === written.slice(equals + 1)), item };
}

async function kindAt(path: string, { sources, resolve }: LogicScope): Promise<string> {
  return sources.kindOf(resolve(path));
}
