// Makes messages by the grammar of HTTP/1.1, most parts right and now and then one that is nearly right.
import type { Random } from '../chaos/random.ts';
import type { Draft } from './draft.ts';
import * as bodies from './words/bodies.ts';
import * as fieldWords from './words/fields.ts';
import * as startLines from './words/start-lines.ts';

/** How often a part is an odd one. */
const oddity = 0.02;

export function generateRequest(random: Random, draft: Draft): void {
  const method = usually(random, startLines.methods, startLines.oddMethods);
  draft.append(
    `${method} ${usually(random, startLines.targets, startLines.oddTargets)} ${version(random)}${lineEnd(random)}`,
  );
  const body = chooseBody(random, 0.5);
  if (!random.chance(oddity)) appendField(random, draft, 'Host', random.pick(fieldWords.hosts));
  if (random.chance(0.04)) {
    draft.append('Connection: upgrade\r\nUpgrade: websocket\r\n');
  }
  if (random.chance(0.06)) appendField(random, draft, 'Expect', '100-continue');
  appendRest(random, draft, body);
}

/** An answer to that method, with the interim ones before it. */
export function generateResponse(random: Random, draft: Draft, method: string): void {
  const status = usually(random, startLines.statuses, startLines.oddStatuses);
  draft.append(`${version(random)} ${status}${lineEnd(random)}`);
  if (status.startsWith('101')) draft.append('Connection: upgrade\r\nUpgrade: websocket\r\n');
  const isBodiless = method === 'HEAD' || /^(?:1|204|304)/.test(status);
  const body = chooseBody(random, isBodiless ? 0.3 : 0.8);
  if (isBodiless && !random.chance(oddity)) appendHead(random, draft, body);
  else appendRest(random, draft, body);
  if (/^1(?!01)/.test(status)) generateResponse(random, draft, method);
}

interface Body {
  readonly kind: 'none' | 'length' | 'chunked';
  readonly text: string;
}

function chooseBody(random: Random, probability: number): Body {
  if (!random.chance(probability)) return { kind: 'none', text: '' };
  return { kind: random.chance(0.5) ? 'length' : 'chunked', text: bodyText(random) };
}

function bodyText(random: Random): string {
  return random.chance(0.01) ? 'x'.repeat(random.integer(0, 70_000)) : random.pick(bodies.bodies);
}

function appendRest(random: Random, draft: Draft, body: Body): void {
  appendHead(random, draft, body);
  if (body.kind === 'chunked') appendChunks(random, draft, body.text);
  else draft.append(body.text);
}

/** The rest of a head, with the empty line. */
function appendHead(random: Random, draft: Draft, body: Body): void {
  appendFields(random, draft);
  if (body.kind === 'length') {
    const length = random.chance(oddity) ? random.pick(bodies.numbers) : String(body.text.length);
    appendField(random, draft, 'Content-Length', length);
  } else if (body.kind === 'chunked') {
    appendField(random, draft, 'Transfer-Encoding', 'chunked');
  }
  appendFields(random, draft);
  draft.append(lineEnd(random));
}

function appendFields(random: Random, draft: Draft): void {
  while (random.chance(0.45)) {
    // What decides about framing and routing is mostly wrong a second time.
    const [name, values] = fieldWords.fields[
      random.integer(random.chance(0.9) ? 6 : 0, fieldWords.fields.length - 1)
    ] ?? ['X', ['']];
    appendField(random, draft, name, random.pick(values));
  }
}

function appendField(random: Random, draft: Draft, name: string, value: string): void {
  const shown = random.chance(oddity / 4) ? random.pick(fieldWords.oddNames) : spelled(random, name);
  const content = random.chance(oddity / 4) ? random.pick(fieldWords.oddValues) : value;
  const separator = random.chance(oddity / 4)
    ? random.pick(fieldWords.oddSeparators)
    : random.pick(fieldWords.separators);
  draft.append(`${shown}${separator}${content}${random.chance(0.05) ? ' \t' : ''}${lineEnd(random)}`);
}

function appendChunks(random: Random, draft: Draft, text: string): void {
  while (random.chance(0.6)) {
    if (text === '') break;
    draft.append(`${chunkSize(random, text.length)}${extension(random)}${lineEnd(random)}${text}${lineEnd(random)}`);
  }
  draft.append(`${random.chance(0.05) ? random.pick(bodies.sizes) : '0'}${extension(random)}${lineEnd(random)}`);
  while (random.chance(0.2)) draft.append(`${random.pick(bodies.trailers)}${lineEnd(random)}`);
  draft.append(lineEnd(random));
}

function chunkSize(random: Random, length: number): string {
  if (random.chance(oddity)) return random.pick(bodies.sizes);
  const digits = (random.chance(oddity) ? length + random.integer(-1, 1) : length).toString(16);
  const padded = random.chance(0.05) ? digits.padStart(random.integer(2, 14), '0') : digits;
  return random.chance(0.3) ? padded.toUpperCase() : padded;
}

function extension(random: Random): string {
  return random.chance(0.08) ? random.pick(bodies.extensions) : '';
}

function version(random: Random): string {
  return usually(random, startLines.versions, startLines.oddVersions);
}

function lineEnd(random: Random): string {
  return random.chance(oddity / 8) ? random.pick(startLines.oddLineEnds) : '\r\n';
}

function spelled(random: Random, name: string): string {
  if (!random.chance(0.2)) return name;
  return random.chance(0.5) ? name.toLowerCase() : name.toUpperCase();
}

function usually(random: Random, right: readonly string[], odd: readonly string[]): string {
  return random.pick(random.chance(oddity) ? odd : right);
}
