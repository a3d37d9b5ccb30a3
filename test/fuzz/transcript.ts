// What a parser reported, as text that two feedings of the same bytes must agree on to the letter, and that the
// reference reader writes as well. How a body was cut into ranges leaves no trace in it.
import type { Framing, RequestHead, ResponseHead } from '../../router/http1/message.ts';

export type Lines = readonly (readonly [name: string, value: string])[];
export type RequestFacts = Omit<RequestHead, 'fields'>;
export type ResponseFacts = Omit<ResponseHead, 'fields'>;

/** One message as far as it was reported. */
export interface TranscriptMessage {
  /** Everything that the head said but its fields. */
  readonly facts: string;
  /** What the next hop must be told alike: method and target, or status and reason. */
  readonly gist: string;
  readonly lines: Lines;
  readonly nominated: readonly string[];
  /** The sender has to wait for the answer before it sends more. */
  readonly isAlone: boolean;
  readonly framing: Framing['kind'];
  /** 0 for a request. */
  readonly status: number;
  body: string;
  trailers: Lines | undefined;
  isEnded: boolean;
}

/** All that was reported, for comparison. */
export function textOf(messages: readonly TranscriptMessage[]): string {
  let text = '';
  for (const { facts, lines, body, trailers, isEnded } of messages) {
    text += `${facts}\n${textOfLines(lines)}body ${body.length} ${body}\n`;
    if (trailers !== undefined) text += `trailers\n${textOfLines(trailers)}`;
    text += isEnded ? 'end\n' : 'open\n';
  }
  return text;
}

export function requestMessage(facts: RequestFacts, lines: Lines): TranscriptMessage {
  const { method, target, authority, host, minorVersion, framing, expectsContinue, upgrade, keepAlive } = facts;
  const flags = `${expectsContinue ? 'expects ' : ''}${keepAlive ? 'keeps ' : ''}upgrade=${upgrade ?? ''}`;
  const sender = `1.${minorVersion} authority=${authority} host=${host}`;
  return {
    facts: `${method} ${target} ${sender} ${textOfFraming(framing)} ${flags} nominated=${facts.nominated.join()}`,
    gist: `${method} ${target}`,
    lines,
    nominated: facts.nominated,
    isAlone: expectsContinue || minorVersion === 0,
    framing: framing.kind,
    status: 0,
    body: '',
    trailers: undefined,
    isEnded: false,
  };
}

export function responseMessage(facts: ResponseFacts, lines: Lines): TranscriptMessage {
  const { status, reasonPhrase, minorVersion, framing, keepAlive, upgrade, nominated } = facts;
  const flags = `${keepAlive ? 'keeps ' : ''}upgrade=${upgrade ?? ''} nominated=${nominated.join()}`;
  return {
    facts: `${status} ${reasonPhrase} 1.${minorVersion} ${textOfFraming(framing)} ${flags}`,
    gist: `${status} ${reasonPhrase}`,
    lines,
    nominated,
    isAlone: false,
    framing: framing.kind,
    status,
    body: '',
    trailers: undefined,
    isEnded: false,
  };
}

function textOfLines(lines: Lines): string {
  let text = '';
  for (const [name, value] of lines) text += `${name}: ${value}\n`;
  return text;
}

function textOfFraming(framing: Framing): string {
  return framing.kind === 'length' ? `length=${framing.length}` : framing.kind;
}
