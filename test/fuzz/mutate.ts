// Changes to bytes that a network, a broken program or an attacker might make.
import type { Random } from '../chaos/random.ts';
import type { Draft } from './draft.ts';
import * as bodies from './words/bodies.ts';
import * as fieldWords from './words/fields.ts';

type Mutation = (random: Random, draft: Draft) => void;

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
/** A piece that is moved or repeated. */
const mostBytes = 400;

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  insertCrumb,
  insertCrumb,
  insertCrumb,
  insertAtStructure,
  insertAtStructure,
  remove,
  removeLine,
  duplicate,
  duplicateLine,
  swapLines,
  truncate,
  changeNumber,
  changeNumber,
  changeCase,
  stretch,
  insertField,
  insertField,
];

/** One change at a place of its own choice. Bytes that are none stay none. */
export function mutate(random: Random, draft: Draft): void {
  if (draft.length > 0) random.pick(mutations)(random, draft);
}

/** Seldom on the start line: what is wrong there hides all that follows. */
function place(random: Random, draft: Draft): number {
  const firstLine = draft.indexOf(LF, 0) + 1;
  const start = firstLine < draft.length && random.chance(0.85) ? firstLine : 0;
  return random.integer(start, draft.length - 1);
}

function flipBit(random: Random, draft: Draft): void {
  const at = place(random, draft);
  draft.set(at, draft.at(at) ^ (1 << random.integer(0, 7)));
}

function setByte(random: Random, draft: Draft): void {
  draft.set(place(random, draft), random.integer(0, 255));
}

function insertCrumb(random: Random, draft: Draft): void {
  const at = place(random, draft) + random.integer(0, 1);
  draft.replace(at, at, random.pick(bodies.crumbs));
}

/** Beside a line's end or a colon, where readers differ most. */
function insertAtStructure(random: Random, draft: Draft): void {
  const sought = random.pick([CR, LF, COLON]);
  const found = draft.indexOf(sought, place(random, draft));
  const at = Math.min(draft.length, found + random.integer(0, 1));
  draft.replace(at, at, random.pick(bodies.crumbs));
}

function remove(random: Random, draft: Draft): void {
  const at = place(random, draft);
  draft.replace(at, Math.min(draft.length, at + random.integer(1, 4)), '');
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** A line with its end, not very long. */
function lineAt(random: Random, draft: Draft): Range {
  const from = place(random, draft);
  const before = draft.indexOf(LF, from);
  const start = random.chance(0.03) ? 0 : before === draft.length ? from : before + 1;
  const end = Math.min(draft.length, draft.indexOf(LF, start) + 1);
  return { start, end: Math.min(Math.max(start, end), start + mostBytes) };
}

function removeLine(random: Random, draft: Draft): void {
  const { start, end } = lineAt(random, draft);
  draft.replace(start, end, '');
}

function duplicate(random: Random, draft: Draft): void {
  const start = place(random, draft);
  const end = Math.min(draft.length, start + random.integer(1, mostBytes));
  const at = place(random, draft);
  draft.replace(at, at, draft.slice(start, end));
}

function duplicateLine(random: Random, draft: Draft): void {
  const { start, end } = lineAt(random, draft);
  draft.replace(end, end, draft.slice(start, end));
}

function swapLines(random: Random, draft: Draft): void {
  const { start, end } = lineAt(random, draft);
  const line = draft.slice(start, end);
  draft.replace(start, end, '');
  const next = Math.min(draft.length, draft.indexOf(LF, start) + 1);
  draft.replace(next, next, line);
}

function truncate(random: Random, draft: Draft): void {
  draft.truncate(place(random, draft));
}

function changeNumber(random: Random, draft: Draft): void {
  const from = place(random, draft);
  let start = from;
  while (start < draft.length && !isDigit(draft.at(start))) start++;
  let end = start;
  while (end < draft.length && isDigit(draft.at(end)) && end - start < 32) end++;
  draft.replace(start, end, random.pick(random.chance(0.5) ? bodies.numbers : bodies.sizes));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function changeCase(random: Random, draft: Draft): void {
  const at = place(random, draft);
  draft.set(at, draft.at(at) ^ 0x20);
}

/** Many of the same byte: past a limit, with some luck exactly to it. */
function stretch(random: Random, draft: Draft): void {
  const at = place(random, draft);
  const length = random.chance(0.02) ? random.integer(8000, 17_000) : random.integer(1, 600);
  draft.replace(at, at, String.fromCharCode(draft.at(at)).repeat(length));
}

function insertField(random: Random, draft: Draft): void {
  const { start } = lineAt(random, draft);
  const [name, values] = random.pick(fieldWords.fields);
  draft.replace(start, start, `${name}: ${random.pick(values)}\r\n`);
}
