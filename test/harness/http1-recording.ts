// Feeds bytes to the HTTP/1.1 parsers in whatever pieces and records, as plain values, what they report. Each piece is
// overwritten as soon as execute returned, so that a parser which keeps a reference to it is found out.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type {
  Fields,
  Framing,
  HeadLimits,
  MessageParser,
  MessageSink,
  Refusal,
  RequestHead,
  ResponseHead,
} from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { ResponseParser } from '../../router/http1/response-parser.ts';

export type Lines = readonly (readonly [name: string, value: string])[];
export type Recorded<Head> = Omit<Head, 'fields'> & { readonly fields: Lines };

export interface RecordedMessage<Head> {
  readonly head: Recorded<Head>;
  readonly body: string;
  readonly trailers: Lines | undefined;
  readonly isEnded: boolean;
}

export interface Recording<Head> {
  readonly messages: readonly RecordedMessage<Head>[];
  readonly refusal: Refusal | undefined;
  /** Bytes that no message consumed. */
  readonly leftOver: number;
}

export const requestLimits: HeadLimits = { maxHeadBytes: 16_384, maxFields: 200 };
export const responseLimits: HeadLimits = { maxHeadBytes: 65_536, maxFields: 1000 };

export function linesOf(fields: Fields): Lines {
  return Array.from({ length: fields.count }, (_, i) => [fields.name(i), fields.value(i)] as const);
}

export class RecordingSink<
  Head extends { readonly fields: Fields; readonly framing: Framing },
> implements MessageSink<Head> {
  readonly messages: { head: Recorded<Head>; body: string; trailers: Lines | undefined; isEnded: boolean }[] = [];
  refusal: Refusal | undefined;
  /** The head as it was handed over, to look at its fields later. */
  liveHead: Head | undefined;
  /** Names of the callbacks, in order. */
  readonly calls: string[] = [];
  /** Runs at the end of each callback. */
  readonly #afterCall: (name: string) => void;

  constructor(afterCall: (name: string) => void = () => undefined) {
    this.#afterCall = afterCall;
  }

  onHead(head: Head): void {
    this.liveHead = head;
    this.messages.push({
      head: { ...head, fields: linesOf(head.fields) },
      body: '',
      trailers: undefined,
      isEnded: false,
    });
    this.#called('onHead');
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    assert.ok(start < end, 'a body range is never empty');
    this.#current().body += bytes.toString('latin1', start, end);
    this.#called('onBody');
  }

  onTrailers(fields: Fields): void {
    this.#current().trailers = linesOf(fields);
    this.#called('onTrailers');
  }

  onEnd(): void {
    this.#current().isEnded = true;
    this.#called('onEnd');
  }

  onRefusal(refusal: Refusal): void {
    assert.equal(this.refusal, undefined, 'a parser refuses once');
    this.refusal = refusal;
    this.#called('onRefusal');
  }

  #called(name: string): void {
    this.calls.push(name);
    this.#afterCall(name);
  }

  #current(): { head: Recorded<Head>; body: string; trailers: Lines | undefined; isEnded: boolean } {
    const message = this.messages.at(-1);
    assert.ok(message !== undefined && !message.isEnded, 'no callback outside a message');
    return message;
  }
}

/** The pieces that bytes fall into when they are cut at those offsets. */
export function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, index) => Buffer.from(bytes.subarray(bounds[index] ?? 0, end)));
}

export function everyByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** Feeds request after request, then ends the client's direction. */
export function recordRequests(pieces: readonly Buffer[], limits = requestLimits): Recording<RequestHead> {
  const sink = new RecordingSink<RequestHead>();
  const parser = new RequestParser(sink, limits);
  let consumed = 0;
  for (const piece of pieces) {
    consumed += feed(parser, sink, piece);
    if (sink.refusal !== undefined) break;
  }
  if (sink.refusal === undefined) parser.finish();
  return { messages: sink.messages, refusal: sink.refusal, leftOver: totalOf(pieces) - consumed };
}

export interface ExpectedAnswer {
  readonly method?: string;
  readonly asksUpgrade?: boolean;
}

/** Feeds one answer, interim heads included, then ends the worker's direction unless the answer ended before. */
export function recordAnswer(pieces: readonly Buffer[], expected: ExpectedAnswer = {}): Recording<ResponseHead> {
  const sink = new RecordingSink<ResponseHead>();
  const parser = new ResponseParser(sink, responseLimits);
  parser.expect(expected.method ?? 'GET', expected.asksUpgrade);
  let consumed = 0;
  const isOver = (): boolean =>
    sink.refusal !== undefined || sink.messages.at(-1)?.isEnded === true || sink.messages.at(-1)?.head.status === 101;
  for (const piece of pieces) {
    if (isOver()) break;
    consumed += executeOnce(parser, piece, 0);
    piece.fill(0xff);
  }
  if (!isOver()) parser.finish();
  return { messages: sink.messages, refusal: sink.refusal, leftOver: totalOf(pieces) - consumed };
}

/** How many bytes of the piece were taken; execute is called again as long as a message ended before its end. */
function feed(parser: MessageParser, sink: RecordingSink<RequestHead>, piece: Buffer): number {
  let pos = 0;
  while (pos < piece.length) {
    const ended = sink.messages.filter((message) => message.isEnded).length;
    pos = executeOnce(parser, piece, pos);
    const isStuck = sink.messages.filter((message) => message.isEnded).length === ended;
    if (sink.refusal !== undefined) break;
    assert.ok(pos === piece.length || !isStuck, 'execute stops early only when a message ended');
  }
  const before = sink.liveHead === undefined ? undefined : linesOf(sink.liveHead.fields);
  piece.fill(0xff);
  const isHeld = sink.refusal === undefined && parser.isIdle;
  if (isHeld && sink.liveHead !== undefined) {
    assert.deepEqual(linesOf(sink.liveHead.fields), before, 'the fields stay until the next message');
  }
  return pos;
}

function executeOnce(parser: MessageParser, piece: Buffer, start: number): number {
  const stop = parser.execute(piece, start, piece.length);
  assert.ok(stop >= start && stop <= piece.length, 'execute stops inside the range');
  return stop;
}

function totalOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((total, piece) => total + piece.length, 0);
}
