// What `npm run bench -- …` was asked for. Pure.
import { parseArgs } from 'node:util';
import { transports, type Settings } from './speed/settings.ts';

export interface Order {
  readonly isList: boolean;
  /** Names of scenarios, each once, in the order of the list. */
  readonly names: readonly string[];
  /** Puts what was measured into docs/performance.md and the README. */
  readonly isWritten: boolean;
  readonly settings: Settings;
}

/** What there is to choose from. */
export interface Choice {
  /** All scenarios, in the order in which they run. */
  readonly all: readonly string[];
  /** A word for several: name → scenarios. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly peers: readonly string[];
}

const options = {
  list: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string' },
  transports: { type: 'string', default: 'auto' },
  peers: { type: 'string' },
} as const;

/** Throws with a sentence for the user where the order makes no sense. No name: all of them. */
export function parseOrder(args: readonly string[], { all, groups, peers }: Choice): Order {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const asked = new Set(positionals.length === 0 ? all : positionals.flatMap((name) => groups[name] ?? [name]));
  oneOf('scenario', [...asked], all);
  const chosenPeers = values.peers?.split(',');
  if (chosenPeers !== undefined) oneOf('peer', chosenPeers, peers);
  const chosenTransports = values.transports.split(',');
  oneOf('transport', chosenTransports, transports);
  return {
    isList: values.list,
    names: all.filter((name) => asked.has(name)),
    isWritten: values.write,
    settings: {
      rounds: wholeNumber('--rounds', values.rounds),
      seconds: values.seconds === undefined ? undefined : wholeNumber('--seconds', values.seconds),
      transports: transports.filter((name) => chosenTransports.includes(name)),
      peers: chosenPeers,
    },
  };
}

function oneOf(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}; there are: ${known.join(', ')}`);
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${flag}: expected a whole number from 1 on, got ${text}`);
  return value;
}
