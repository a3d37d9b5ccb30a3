// Writes down what a parser reports, passes it on to the part of the router that forwards it, and pauses the parser
// where the feeding says so. It holds the parser to its contract: the order of calls, and silence after a refusal.
import type { Buffer } from 'node:buffer';
import type { Fields, Framing, MessageSink, Refusal } from '../../router/http1/message.ts';
import { must } from './finding.ts';
import type { Lines, TranscriptMessage } from './transcript.ts';

export interface LiveHead {
  readonly fields: Fields;
  readonly framing: Framing;
}

/** Gets what the router would get, at the moment it would. */
export interface Forwarder<Head> {
  onHead(head: Head): void;
  onBody(bytes: Buffer, start: number, end: number): void;
  onTrailers(fields: Fields): void;
  onEnd(): void;
  /** What was shown by these calls is about to change. */
  onReadOut(): void;
}

export class TranscriptSink<Head extends LiveHead> implements MessageSink<Head> {
  readonly messages: TranscriptMessage[] = [];
  refusal: Refusal | undefined;
  /** A message that was reported, and should not have been sent when it was. */
  withdrawn: TranscriptMessage | undefined;
  /** Call backs so far, and those that told a message's end. */
  calls = 0;
  ended = 0;
  /** A call back asked for a pause that execute has not been called after. */
  wasPaused = false;
  /** Set by who feeds the parser. */
  pause: () => void = () => undefined;
  readonly #describe: (head: Head, lines: Lines) => TranscriptMessage;
  readonly #forwarder: Forwarder<Head> | undefined;
  readonly #pauses: number;

  constructor(
    describe: (head: Head, lines: Lines) => TranscriptMessage,
    pauses: number,
    forwarder: Forwarder<Head> | undefined,
  ) {
    this.#describe = describe;
    this.#pauses = pauses;
    this.#forwarder = forwarder;
  }

  get last(): TranscriptMessage | undefined {
    return this.messages[this.messages.length - 1];
  }

  onHead(head: Head): void {
    // An interim head is followed by another one, without an end between.
    const last = this.last;
    const isFree = last === undefined || last.isEnded || (last.status >= 100 && last.status < 200);
    must('order', isFree && this.refusal === undefined, 'a head within a message or after a refusal');
    this.messages.push(this.#describe(head, linesOf(head.fields)));
    this.#forwarder?.onHead(head);
    this.#called();
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    must('order', start < end, 'an empty body range');
    const last = this.#open();
    last.body += bytes.toString('latin1', start, end);
    this.#forwarder?.onBody(bytes, start, end);
    this.#called();
  }

  onTrailers(fields: Fields): void {
    const last = this.#open();
    must('order', last.trailers === undefined && fields.count > 0, 'trailers twice or without a line');
    last.trailers = linesOf(fields);
    this.#forwarder?.onTrailers(fields);
    this.#called();
  }

  onEnd(): void {
    this.#open().isEnded = true;
    this.ended++;
    this.#forwarder?.onEnd();
    this.#called();
  }

  /** The parser took all of a piece. */
  onReadOut(): void {
    this.#forwarder?.onReadOut();
  }

  onRefusal(refusal: Refusal): void {
    must('order', this.refusal === undefined, 'a second refusal');
    this.refusal = refusal;
    this.#called();
  }

  #open(): TranscriptMessage {
    const last = this.last;
    must('order', last !== undefined && !last.isEnded && this.refusal === undefined, 'a call outside of a message');
    return last as TranscriptMessage;
  }

  #called(): void {
    if (((this.#pauses >>> (this.calls++ & 31)) & 1) === 0) return;
    this.wasPaused = true;
    this.pause();
  }
}

function linesOf(fields: Fields): Lines {
  const lines: (readonly [string, string])[] = [];
  for (let i = 0; i < fields.count; i++) lines.push([fields.name(i), fields.value(i)]);
  return lines;
}
