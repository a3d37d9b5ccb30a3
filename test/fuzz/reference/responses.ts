// The reference reader: the answers in all that a worker sent before it ended its direction.
import type { Framing, HeadLimits } from '../../../router/http1/message.ts';
import type { Exchange } from '../input.ts';
import { responseMessage, type Lines, type ResponseFacts, type TranscriptMessage } from '../transcript.ts';
import { readBody } from './body.ts';
import { readConnection, readFields, readFraming, readSection, readUpgrade, staysOpen } from './grammar.ts';
import type { Reading } from './requests.ts';

const maxInterimHeads = 16;
const statusLine = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

export function readResponses(text: string, exchanges: readonly Exchange[], limits: HeadLimits): Reading {
  const messages: TranscriptMessage[] = [];
  let consumed = 0;
  for (const [index, exchange] of exchanges.entries()) {
    // Only the first is asked for before anything came.
    if (index > 0 && consumed === text.length) break;
    const end = readAnswer({ text, at: consumed, exchange, limits }, messages);
    if (end === undefined) return { messages, isRefused: true, consumed };
    consumed = end;
    if (messages.at(-1)?.status === 101) break;
  }
  return { messages, isRefused: false, consumed };
}

interface From {
  readonly text: string;
  readonly at: number;
  readonly exchange: Exchange;
  readonly limits: HeadLimits;
}

/** Appends the interim heads and the answer; returns the answer's end, undefined where there is none. */
function readAnswer({ text, at, exchange, limits }: From, messages: TranscriptMessage[]): number | undefined {
  for (let interim = 0, from = at; interim <= maxInterimHeads; interim++) {
    const head = readHead({ text, at: from, exchange, limits });
    if (head === undefined || (interim === maxInterimHeads && isInterim(head.facts.status))) return undefined;
    const message = responseMessage(head.facts, head.fields);
    messages.push(message);
    if (head.facts.status === 101) return head.end;
    if (isInterim(head.facts.status)) {
      from = head.end;
      continue;
    }
    const body = readBody({ text, at: head.end }, head.facts.framing, limits);
    message.body = body.content;
    message.trailers = body.trailers;
    message.isEnded = body.end !== undefined;
    return body.end;
  }
  return undefined;
}

function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}

interface Head {
  readonly facts: ResponseFacts;
  readonly fields: Lines;
  readonly end: number;
}

function readHead({ text, at, exchange, limits }: From): Head | undefined {
  const section = readSection({ text, at }, limits);
  if (section === undefined) return undefined;
  const line = statusLine.exec(section.lines[0] ?? '');
  const fields = readFields(section.lines.slice(1), limits);
  if (line === null || fields === undefined) return undefined;
  const [, minor, status, reasonPhrase = ''] = line;
  const facts = readFacts(
    { status: Number(status), reasonPhrase, minorVersion: minor === '0' ? 0 : 1 },
    fields,
    exchange,
  );
  return facts === undefined ? undefined : { facts, fields, end: section.end };
}

type Line = Pick<ResponseFacts, 'status' | 'reasonPhrase' | 'minorVersion'>;

function readFacts(line: Line, fields: Lines, exchange: Exchange): ResponseFacts | undefined {
  const { status, minorVersion } = line;
  const claimed = readFraming(fields, minorVersion);
  const connection = readConnection(fields);
  if (claimed === undefined || connection === undefined) return undefined;
  const upgrade = status === 101 ? readUpgrade(fields) : undefined;
  if (status === 101 && (!exchange.asksUpgrade || typeof upgrade !== 'string')) return undefined;
  const framing = framingOf(status, exchange, claimed);
  const keepAlive = framing.kind !== 'until-close' && staysOpen(connection, minorVersion);
  const { nominated } = connection;
  return { ...line, framing, keepAlive, upgrade: upgrade ?? undefined, nominated };
}

/** An answer without a framing lasts until the connection ends; some answers have no body whatever they say. */
function framingOf(status: number, { method }: Exchange, claimed: Framing): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' };
  return claimed.kind === 'none' ? { kind: 'until-close' } : claimed;
}
