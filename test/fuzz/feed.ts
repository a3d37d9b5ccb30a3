// Feeds an input to the parser as a connection would: piece by piece, message after message, and then the peer's end.
import type { Buffer } from 'node:buffer';
import type { MessageParser, Refusal, RequestHead, ResponseHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { ResponseParser } from '../../router/http1/response-parser.ts';
import { Arena, guarded, type Place } from './arena.ts';
import { must } from './finding.ts';
import type { Input, RequestInput, ResponseInput } from './input.ts';
import { requestMessage, responseMessage, textOf } from './transcript.ts';
import { TranscriptSink, type Forwarder, type LiveHead } from './transcript-sink.ts';

export interface Feed {
  /** In ascending order. */
  readonly cuts: readonly number[];
  readonly pauses: number;
  /** Every access of the parser to its bytes is looked at. */
  readonly isGuarded: boolean;
}

export interface Fed<Head extends LiveHead> {
  readonly sink: TranscriptSink<Head>;
  /** All that was reported, for comparison. */
  readonly text: string;
  /** Bytes that messages took; of a refused message, none. */
  readonly consumed: number;
  readonly isIdle: boolean;
}

/** The words of the parser, for the same rule applied where it sees one message at a time (client-connection.ts). */
const notAlone: Refusal = {
  status: 400,
  reason: 'more bytes follow a request whose sender has to wait for the answer',
};

/** Empty lines, or the line of a chunk: what is read without a word beside a head or trailers. */
const mostBytesOfFraming = 512;

const arena = new Arena();

/** One direction of one connection. */
interface Conversation {
  /** The last message was read whole: whether, and how, what follows it is read. */
  goesOn(): boolean;
  /** Nothing that the peer still sends, and not its end either, is the parser's business. */
  isOver(): boolean;
}

/** Requests, one behind another as long as there are bytes. */
export function feedRequests(input: RequestInput, feed: Feed, forwarder?: Forwarder<RequestHead>): Fed<RequestHead> {
  const sink = new TranscriptSink<RequestHead>(requestMessage, feed.pauses, forwarder);
  const parser = new RequestParser(sink, input.limits);
  const conversation = {
    goesOn: (): boolean => {
      if (sink.last?.isAlone !== true) return true;
      sink.refusal = notAlone;
      sink.withdrawn = sink.messages.pop();
      return false;
    },
    isOver: (): boolean => false,
  };
  return converse(input, feed, { parser, sink, conversation });
}

/** Answers, as many as there are exchanges. */
export function feedResponses(
  input: ResponseInput,
  feed: Feed,
  forwarder?: Forwarder<ResponseHead>,
): Fed<ResponseHead> {
  const sink = new TranscriptSink<ResponseHead>(responseMessage, feed.pauses, forwarder);
  const parser = new ResponseParser(sink, input.limits);
  let asked = 0;
  const ask = (): boolean => {
    const exchange = input.exchanges[asked++];
    if (exchange === undefined) return false;
    parser.expect(exchange.method, exchange.asksUpgrade);
    return true;
  };
  ask();
  const conversation = {
    goesOn: ask,
    isOver: (): boolean => sink.last?.status === 101 || (sink.last?.isEnded === true && parser.isIdle),
  };
  return converse(input, feed, { parser, sink, conversation });
}

interface Parties<Head extends LiveHead> {
  readonly parser: MessageParser;
  readonly sink: TranscriptSink<Head>;
  readonly conversation: Conversation;
}

function converse<Head extends LiveHead>(
  { bytes, limits }: Input,
  { cuts, isGuarded }: Feed,
  parties: Parties<Head>,
): Fed<Head> {
  const { parser, sink, conversation } = parties;
  sink.pause = (): void => {
    parser.pause();
  };
  const progress = { at: 0, consumed: 0, isBetween: false, silent: 0, isAtEnd: false };
  for (let i = 0, from = 0; i <= cuts.length && !progress.isAtEnd; i++) {
    const to = cuts[i] ?? bytes.length;
    const place = arena.place(bytes, from, to);
    feedPiece(isGuarded ? guarded(place) : place, progress, parties);
    sink.onReadOut();
    // A message that was taken from these bytes must not change when they do.
    place.buffer.fill(0xff, place.start, place.end);
    const held = progress.silent - limits.maxHeadBytes;
    must('bounds', held <= mostBytesOfFraming, () => `${progress.silent} bytes and not a word`);
    from = to;
  }
  const { refusal } = sink;
  if (refusal !== undefined) mustStaySilent(bytes, parties, refusal);
  else if (!conversation.isOver()) finish(parties, progress);
  const { consumed } = progress;
  return { sink, text: textOf(sink.messages), consumed, isIdle: parser.isIdle && sink.refusal === undefined };
}

interface Progress {
  /** Bytes that execute took. */
  at: number;
  /** The end of the last whole message. */
  consumed: number;
  /** A message ended, and what follows it was not looked at. */
  isBetween: boolean;
  /** Bytes that execute took since anything was reported: what a parser may have to hold. */
  silent: number;
  /** What follows is nobody's. */
  isAtEnd: boolean;
}

function feedPiece<Head extends LiveHead>(place: Place, progress: Progress, parties: Parties<Head>): void {
  const { sink, conversation } = parties;
  let pos = place.start;
  do {
    if (progress.isBetween && pos < place.end) {
      progress.isBetween = false;
      progress.isAtEnd = !conversation.goesOn();
      if (progress.isAtEnd) return;
    }
    pos = execute({ ...place, start: pos }, progress, parties);
  } while (!progress.isAtEnd && (pos < place.end || sink.wasPaused));
}

/** Once; returns where it stopped. */
function execute<Head extends LiveHead>(
  { buffer, start, end }: Place,
  progress: Progress,
  { parser, sink }: Parties<Head>,
): number {
  const { calls, ended } = sink;
  sink.wasPaused = false;
  const stop = parser.execute(buffer, start, end);
  must('order', stop >= start && stop <= end, () => `execute(${start}, ${end}) returned ${stop}`);
  const isTunnel = sink.last?.status === 101;
  const hasEnded = sink.ended > ended || isTunnel;
  progress.isAtEnd = isTunnel || sink.refusal !== undefined;
  const mayStop = hasEnded || progress.isAtEnd || sink.wasPaused;
  must('order', stop === end || mayStop, 'execute stopped before the end for no reason');
  progress.at += stop - start;
  progress.silent = sink.calls === calls ? progress.silent + stop - start : 0;
  if (hasEnded) progress.consumed = progress.at;
  progress.isBetween ||= hasEnded;
  return stop;
}

function finish<Head extends LiveHead>({ parser, sink }: Parties<Head>, progress: Progress): void {
  const wasIdle = parser.isIdle;
  const { calls, ended } = sink;
  parser.finish();
  if (sink.ended > ended) progress.consumed = progress.at;
  // Of an answer that is asked for, the silence is told.
  const isQuiet = sink.calls === calls || sink.refusal !== undefined;
  must('order', !wasIdle || isQuiet, 'a message came with the end of the peer');
}

/** After a refusal the same bytes once more, and the peer's end, must not be reported: they are no message. */
function mustStaySilent<Head extends LiveHead>(bytes: Buffer, { parser, sink }: Parties<Head>, refusal: Refusal): void {
  // The rule that we apply ourselves is none that the parser knows of.
  if (refusal === notAlone) return;
  const { calls } = sink;
  const stop = parser.execute(bytes, 0, bytes.length);
  parser.finish();
  must('silence', sink.calls === calls && sink.refusal === refusal, 'something came after a refusal');
  must('silence', stop === 0 && !parser.isIdle, () => `a parser that refused took ${stop} more bytes, or idles`);
}
