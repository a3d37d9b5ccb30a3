// What a connection to a worker needs while an answer is awaited and read, and no longer. It is lent (spare-readings.ts).
import type { Buffer } from 'node:buffer';
import type { Fields, HeadLimits, MessageSink, Refusal, ResponseHead } from '../http1/message.ts';
import { ResponseParser } from '../http1/response-parser.ts';
import type { Reading } from './spare-readings.ts';

/** The connection that has it. */
export interface AnswerReader {
  onAnswerHead(head: ResponseHead): void;
  onAnswerBody(bytes: Buffer, start: number, end: number): void;
  onAnswerTrailers(fields: Fields): void;
  onAnswerEnd(): void;
  onAnswerRefused(refusal: Refusal): void;
}

export class AnswerReading implements MessageSink<ResponseHead>, Reading<AnswerReader> {
  readonly limits: HeadLimits;
  readonly parser: ResponseParser;
  reader: AnswerReader | undefined;

  constructor(limits: HeadLimits) {
    this.limits = limits;
    this.parser = new ResponseParser(this, limits);
  }

  get isFresh(): boolean {
    return this.parser.isFresh;
  }

  discard(): void {
    // It holds nothing.
  }

  onHead(head: ResponseHead): void {
    this.reader?.onAnswerHead(head);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.reader?.onAnswerBody(bytes, start, end);
  }

  onTrailers(fields: Fields): void {
    this.reader?.onAnswerTrailers(fields);
  }

  onEnd(): void {
    this.reader?.onAnswerEnd();
  }

  onRefusal(refusal: Refusal): void {
    this.reader?.onAnswerRefused(refusal);
  }
}
