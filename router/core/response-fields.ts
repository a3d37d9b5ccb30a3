// Which fields of a worker's answer the client gets to see; framing and Connection are written anew. Pure.
import { fieldIds, fieldIdCount } from '../http1/field-names.ts';
import { hopByHopIds } from './hop-by-hop.ts';
import { constantText, type HeadWriter } from '../http1/head-writer.ts';
import type { ResponseHead } from '../http1/message.ts';

/** How the answer is delimited towards the client. `none`: it has no body, whatever its fields claim. */
export type AnswerFraming =
  { readonly kind: 'none' | 'chunked' | 'until-close' } | { readonly kind: 'length'; readonly length: number };

export interface AnswerRules {
  readonly framing: AnswerFraming;
  /** The answer to HEAD, or a 304, may tell the length of a body that it does not have. */
  readonly keepsLength: boolean;
  /** `close`, or `keep-alive` for an HTTP/1.0 client that asked for it; else nothing is said. */
  readonly connection: 'close' | 'keep-alive' | undefined;
  /** Tells the present time as an HTTP date; asked only for an answer without one. */
  readonly dates: { now(): string };
  /** `name/generation` of who answers, if the client is to be told. */
  readonly generation: string | undefined;
}

const generationField = 'X-Emperor-Generation';
const dateName = constantText('Date: ');
const contentLength = constantText('Content-Length: ');
const transferEncoding = constantText('Transfer-Encoding: chunked\r\n');

const isDropped = new Uint8Array(fieldIdCount);
// The generation is ours to tell: an app that said another one, or one where none is told, would mislead.
for (const id of [...hopByHopIds, fieldIds.xEmperorGeneration]) isDropped[id] = 1;

/** How the body goes to a client that speaks HTTP/1.`minorVersion`. */
export function answerFraming(head: ResponseHead, minorVersion: 0 | 1): AnswerFraming {
  const { framing } = head;
  if (framing.kind === 'none' || framing.kind === 'length') return framing;
  return minorVersion === 1 ? chunked : untilClose;
}

const chunked: AnswerFraming = { kind: 'chunked' };
const untilClose: AnswerFraming = { kind: 'until-close' };

/** Writes the whole head of a final answer. */
export function writeResponseHead(writer: HeadWriter, head: ResponseHead, rules: AnswerRules): void {
  const { framing } = rules;
  if (!head.fields.copyStart(writer)) writer.statusLine(head.status, head.reasonPhrase);
  copyFields(writer, head, { keepsLength: rules.keepsLength, keepsTrailer: framing.kind === 'chunked' });
  if (head.fields.firstLine(fieldIds.date) === -1) {
    writer.constant(dateName);
    writer.text(rules.dates.now());
    writer.text('\r\n');
  }
  if (rules.generation !== undefined) writer.field(generationField, rules.generation);
  if (framing.kind === 'length') {
    writer.constant(contentLength);
    writer.decimal(framing.length);
    writer.text('\r\n');
  } else if (framing.kind === 'chunked') {
    writer.constant(transferEncoding);
  }
  if (rules.connection === 'close') writer.text('Connection: close\r\n');
  else if (rules.connection === 'keep-alive') writer.text('Connection: keep-alive\r\n');
  writer.end();
}

/** Writes an interim head (1xx); with 101, which is final, the upgrade it agrees to and who answers. */
export function writeInterimHead(writer: HeadWriter, head: ResponseHead, generation: string | undefined): void {
  if (!head.fields.copyStart(writer)) writer.statusLine(head.status, head.reasonPhrase);
  copyFields(writer, head, { keepsLength: false, keepsTrailer: false });
  if (head.status === 101 && head.upgrade !== undefined) {
    writer.text('Connection: Upgrade\r\n');
    writer.field('Upgrade', head.upgrade);
    if (generation !== undefined) writer.field(generationField, generation);
  }
  writer.end();
}

/** How long the worker says it keeps an idle connection (`Keep-Alive: timeout=5`), in ms; undefined: it does not say. */
export function keepAliveMsOf(head: ResponseHead): number | undefined {
  const value = head.fields.first(fieldIds.keepAlive);
  if (value === undefined) return undefined;
  const match = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(value);
  return match === null ? undefined : Number(match[1]) * 1000;
}

function copyFields(
  writer: HeadWriter,
  head: ResponseHead,
  keeps: { readonly keepsLength: boolean; readonly keepsTrailer: boolean },
): void {
  const { fields, nominated } = head;
  const { count } = fields;
  for (let i = 0; i < count; i++) {
    const id = fields.id(i);
    if (isDropped[id] === 1) {
      const isKept =
        (id === fieldIds.contentLength && keeps.keepsLength) || (id === fieldIds.trailer && keeps.keepsTrailer);
      if (!isKept) continue;
    }
    if (nominated.length > 0 && nominated.includes(fields.name(i))) continue;
    writer.copy(fields, i);
  }
}
