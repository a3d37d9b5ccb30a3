// What an operator said of an app, and what was learned of it, must outlive the emperor's death although no process
// shows it: `vassals/<name>/memory.json`. What processes do show (their hello) is never kept here. Nothing throws: a
// damaged file counts as none, and a full disk is told to the caller in words.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { memoryFile, vassalDir } from '../lib/run-dir.ts';
import { completeSpec } from '../lib/spec/complete-spec.ts';
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { RolloutFacts } from './facts.ts';

/** A generation that was good: `rollback` goes back to it. */
export interface GoodGeneration {
  readonly generation: number;
  readonly digest: string;
  readonly spec: VassalSpec;
}

/** A spec that is not to be tried again until an edit, a touch or a reload. */
export interface RefusedSpec {
  readonly digest: string;
  /** Why, for status. */
  readonly reason: string;
  /** By `rollback`, not by a failure. */
  readonly byOperator: boolean;
}

/** How far a canary had got: under the next emperor no client goes back either. Its pause begins again. */
export type CanaryProgress = Pick<RolloutFacts, 'generation' | 'step'>;

export interface AppMemory {
  /** The highest number this name was ever seen with: an app that runs nothing has no directory that would tell it. */
  readonly lastGeneration: number;
  readonly isStopped: boolean;
  readonly isPaused: boolean;
  /** The operator's `scale`; null: as the file says. */
  readonly processes: number | null;
  readonly refused: RefusedSpec | null;
  /** Null while none is under way. */
  readonly canary: CanaryProgress | null;
  /** The good ones, oldest first, at most `longestHistory`. */
  readonly history: readonly GoodGeneration[];
}

export const longestHistory = 5;

/** Undefined where there is none; a sentence where the file is damaged, which then counts as none. */
export function readMemory(runDir: string, name: string): AppMemory | string | undefined {
  try {
    return decodeMemory(readFileSync(memoryFile(runDir, name), 'utf8'));
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? undefined : messageOf(error);
  }
}

/** Undefined where it went well, else what did not. Readers meet the old or the new file, never half of one. */
export function writeMemory(runDir: string, name: string, memory: AppMemory): string | undefined {
  const file = memoryFile(runDir, name);
  const next = `${file}.next`;
  try {
    mkdirSync(vassalDir(runDir, name), { recursive: true, mode: 0o700 });
    // What is left of an interrupted attempt may have another mode; specs hold secrets in `env`.
    rmSync(next, { force: true });
    writeFileSync(next, `${JSON.stringify(memory)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(next, file);
    return undefined;
  } catch (error) {
    try {
      rmSync(next, { force: true });
    } catch {
      // A half file that cannot even be removed is overwritten by the next attempt; the first error tells more.
    }
    return messageOf(error);
  }
}

/** PURE. The memory in a file's text; a sentence where it is damaged. A history entry that is damaged is left out. */
export function decodeMemory(text: string): AppMemory | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not a whole JSON value';
  }
  if (!isRecord(value)) return 'not an object';
  // Builds before canaries were remembered wrote none.
  const memory = { canary: null, ...value };
  if (!isSound(memory)) return faultIn(memory);
  const { lastGeneration, isStopped, isPaused, processes, refused, canary } = memory;
  const good = memory.history.flatMap(decodeGood).sort((a, b) => a.generation - b.generation);
  return { lastGeneration, isStopped, isPaused, processes, refused, canary, history: good.slice(-longestHistory) };
}

type Sound = Omit<AppMemory, 'history'> & { readonly history: readonly unknown[] };

/** What each part must be, its history's entries apart. */
const parts: readonly (readonly [key: keyof Sound, isSound: (part: unknown) => boolean, what: string])[] = [
  ['lastGeneration', isCount, 'is no whole number'],
  ['isStopped', isBoolean, 'is no boolean'],
  ['isPaused', isBoolean, 'is no boolean'],
  ['processes', (part) => part === null || (isCount(part) && part > 0), 'is neither null nor a number'],
  ['refused', (part) => part === null || isRefused(part), 'is neither null nor a refused spec'],
  ['canary', (part) => part === null || isCanary(part), 'is neither null nor a step of a generation'],
  ['history', Array.isArray, 'is no list'],
];

function isSound(memory: object): memory is Sound {
  return faultIn(memory) === '';
}

/** Empty where nothing is wrong. */
function faultIn(memory: object): string {
  const fault = parts.find(([key, isPartSound]) => !isPartSound(Reflect.get(memory, key)));
  return fault === undefined ? '' : `${fault[0]} ${fault[2]}`;
}

/** PURE. True where writing `next` over `written` would change nothing; specs are compared by their digests. */
export function isSameMemory(written: AppMemory, next: AppMemory): boolean {
  const keyOf = ({ refused, history, ...rest }: AppMemory): string =>
    JSON.stringify([
      rest.lastGeneration,
      rest.isStopped,
      rest.isPaused,
      rest.processes,
      rest.canary && [rest.canary.generation, rest.canary.step],
      refused && [refused.digest, refused.reason, refused.byOperator],
      history.map(({ generation, digest }) => [generation, digest]),
    ]);
  return keyOf(written) === keyOf(next);
}

function decodeGood(value: unknown): readonly GoodGeneration[] {
  if (!isRecord(value)) return [];
  const { generation, digest, spec } = value;
  const complete = completeSpec(spec);
  if (!isCount(generation) || generation === 0 || typeof digest !== 'string' || complete === undefined) return [];
  return [{ generation, digest, spec: complete }];
}

function isRefused(value: unknown): value is RefusedSpec {
  return (
    isRecord(value) &&
    typeof value['digest'] === 'string' &&
    typeof value['reason'] === 'string' &&
    typeof value['byOperator'] === 'boolean'
  );
}

function isCanary(value: unknown): value is CanaryProgress {
  return isRecord(value) && isCount(value['generation']) && isCount(value['step']);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
