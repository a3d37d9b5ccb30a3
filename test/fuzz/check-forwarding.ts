// What the router passed on must be what it was given: exactly those messages, read alike by our own parser and by the
// strictest one. Anything else is smuggling.
import { Buffer } from 'node:buffer';
import { feedRequests, feedResponses, type Feed } from './feed.ts';
import { must, mustEqual } from './finding.ts';
import type { RequestForwarder, ResponseForwarder } from './forward.ts';
import { inOnePiece, type RequestInput, type ResponseInput } from './input.ts';
import { readStrictRequests, readStrictResponses, type StrictMessage } from './strict-view.ts';
import type { Lines, TranscriptMessage } from './transcript.ts';

const rule = 'forwarding';
/** The next hop's own limits are not what is looked at here. */
const limits = { maxHeadBytes: 1 << 20, maxFields: 2000 };
const onePiece: Feed = { cuts: [], pauses: 0, isGuarded: false };

/** Fields that the router writes itself, or decides about for reasons beyond the message. */
const ownInRequests = new Set([
  ...['host', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'content-length'],
  ...['upgrade', 'http2-settings', 'proxy-authenticate', 'proxy-authorization', 'expect', 'proxy', 'x-request-id'],
  ...['x-real-ip', 'forwarded'],
]);
const ownInResponses = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'content-length'],
  ...['upgrade', 'http2-settings', 'proxy-authenticate', 'proxy-authorization', 'date', 'x-emperor-generation'],
]);

export function checkForwardedRequests(
  all: readonly TranscriptMessage[],
  { forwarded, written }: RequestForwarder,
): void {
  const text = written.toString('latin1');
  const expected = forwarded.map((place) => all[place] as TranscriptMessage);
  const isPassedOn = (name: string): boolean =>
    /^[a-z0-9-]+$/.test(name) && !ownInRequests.has(name) && !name.startsWith('x-forwarded-');
  const strict = readStrictRequests(text);
  mustEqual(
    rule,
    () => `the requests in ${JSON.stringify(text.slice(0, 2000))}`,
    textOfStrict(strict, isPassedOn),
    textOfExpected(expected, strict, isPassedOn),
  );
  const input: RequestInput = { direction: 'request', bytes: Buffer.from(written), limits, feeding: inOnePiece };
  const { sink, consumed } = feedRequests(input, onePiece);
  mustEqual(rule, 'the requests as our parser reads them again', gistOf(sink.messages), gistOf(expected));
  if (expected.at(-1)?.isEnded !== false) {
    must(
      rule,
      sink.refusal === undefined && consumed === written.length,
      () => `refused: ${sink.refusal?.reason ?? ''}`,
    );
  }
}

export function checkForwardedResponses(
  all: readonly TranscriptMessage[],
  { forwarded, written, endsByReset }: ResponseForwarder,
  { exchanges }: ResponseInput,
): void {
  const text = written.toString('latin1');
  const expected = forwarded.map((place) => all[place] as TranscriptMessage);
  if (expected.length === 0) {
    must(rule, text === '', () => `nothing was answered, and yet ${JSON.stringify(text)}`);
    return;
  }
  const isPassedOn = (name: string): boolean => !ownInResponses.has(name);
  const strict = readStrictResponses(text, exchanges);
  mustEqual(
    rule,
    () => `the answers in ${JSON.stringify(text.slice(0, 2000))}`,
    textOfStrict(strict, isPassedOn),
    textOfExpected(expected, strict, isPassedOn, endsByReset),
  );
  const bytes = Buffer.from(written);
  const input: ResponseInput = { direction: 'response', bytes, limits, exchanges, feeding: inOnePiece };
  const { sink, consumed } = feedResponses(input, onePiece);
  mustEqual(rule, 'the answers as our parser reads them again', gistOf(sink.messages, endsByReset), gistOf(expected));
  const last = expected.at(-1);
  if (last?.isEnded === true || last?.status === 101) {
    must(
      rule,
      sink.refusal === undefined && consumed === written.length,
      () => `refused: ${sink.refusal?.reason ?? ''}`,
    );
  }
}

/** What any reader must make of the messages, and no more. */
function gistOf(messages: readonly TranscriptMessage[], endsByReset = false): string {
  let text = '';
  for (const { gist, body, isEnded } of messages)
    text += `${gist}\nbody ${body.length} ${body}\n${isEnded ? 'end' : 'open'}\n`;
  return endsByReset ? text.replace(/end\n$/, 'open\n') : text;
}

function textOfStrict(messages: readonly StrictMessage[], isPassedOn: (name: string) => boolean): string {
  let text = '';
  for (const { gist, lines, body, trailers, isEnded } of messages) {
    text += `${gist}\n${textOfLines(lines, isPassedOn)}body ${body.length} ${body}\n`;
    text += `${textOfLines(trailers, () => true)}${isEnded ? 'end' : 'open'}\n`;
  }
  return text;
}

function textOfExpected(
  messages: readonly TranscriptMessage[],
  strict: readonly StrictMessage[],
  isPassedOn: (name: string) => boolean,
  endsByReset = false,
): string {
  let text = '';
  for (const [index, { gist, lines, nominated, body, trailers, isEnded, status }] of messages.entries()) {
    const isWanted = (name: string): boolean => isPassedOn(name) && !nominated.includes(name);
    text += `${gist}\n${textOfLines(lines, isWanted)}body ${body.length} ${body}\n`;
    if (strict[index]?.isChunked === true) text += textOfLines(trailers ?? [], isTrailerPassedOn);
    // An interim answer has no end of its own, and one that is cut by a reset looks whole to who reads bytes only.
    const isWhole = isEnded || (status >= 100 && status < 200) || (endsByReset && index === messages.length - 1);
    text += `${isWhole ? 'end' : 'open'}\n`;
  }
  return text;
}

function isTrailerPassedOn(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) && name !== 'x-emperor-generation';
}

function textOfLines(lines: Lines, isWanted: (name: string) => boolean): string {
  let text = '';
  for (const [name, value] of lines) if (isWanted(name)) text += `${name}: ${value}\n`;
  return text;
}
