// What a client connection needs while it reads a request and has it answered, and no longer: a parser, whose tables are
// a few kilobytes, and a deadline. It is lent (spare-readings.ts), so that a connection between requests has neither.
import type { Buffer } from 'node:buffer';
import type { Fields, HeadLimits, MessageSink, Refusal, RequestHead } from '../http1/message.ts';
import { RequestParser } from '../http1/request-parser.ts';
import type { Deadline, Transport } from '../transports/transport.ts';
import type { Reading } from './spare-readings.ts';

/** The connection that has it. */
export interface RequestReader {
  onRequestHead(head: RequestHead): void;
  onRequestBody(bytes: Buffer, start: number, end: number): void;
  onRequestTrailers(fields: Fields): void;
  onRequestEnd(): void;
  onRequestRefused(refusal: Refusal): void;
  /** A moment that the connection armed the deadline for, or that whoever had it before did. */
  onDeadline(): void;
}

export class RequestReading implements MessageSink<RequestHead>, Reading<RequestReader> {
  readonly limits: HeadLimits;
  readonly parser: RequestParser;
  readonly deadline: Deadline;
  /** Of the present or the last request; its fields as long as the parser has them. */
  head: RequestHead | undefined;
  reader: RequestReader | undefined;
  /** When it was lent, or a head began that came in pieces. */
  startedMs = 0;

  constructor(transport: Pick<Transport, 'createDeadline'>, limits: HeadLimits) {
    this.limits = limits;
    this.parser = new RequestParser(this, limits);
    this.deadline = transport.createDeadline(() => {
      this.reader?.onDeadline();
    });
  }

  /** A part of a head came: all of it must within `timeoutMs`, 0 = some day. */
  beginHead(nowMs: number, timeoutMs: number): void {
    this.startedMs = nowMs;
    if (timeoutMs > 0) this.deadline.arm(timeoutMs);
    else this.deadline.disarm();
  }

  /** The deadline fired: whether it was for the head. If it was armed for an earlier reader, it is armed anew. */
  isHeadDue(nowMs: number, timeoutMs: number): boolean {
    const leftMs = this.startedMs + timeoutMs - nowMs;
    if (leftMs > 0 && timeoutMs > 0) this.deadline.arm(leftMs);
    return leftMs <= 0 && timeoutMs > 0;
  }

  get isFresh(): boolean {
    return this.parser.isFresh;
  }

  /** One that is only given back keeps its deadline armed: disarming it each time costs more than one call in vain. */
  discard(): void {
    this.deadline.disarm();
  }

  onHead(head: RequestHead): void {
    this.head = head;
    this.reader?.onRequestHead(head);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.reader?.onRequestBody(bytes, start, end);
  }

  onTrailers(fields: Fields): void {
    this.reader?.onRequestTrailers(fields);
  }

  onEnd(): void {
    this.reader?.onRequestEnd();
  }

  onRefusal(refusal: Refusal): void {
    this.reader?.onRequestRefused(refusal);
  }
}
