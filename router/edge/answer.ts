// The answer on its way to the client: head, body in the framing that suits the client, end. It knows how much went
// out and whether anything did, on which everything that may fail later depends.
import { Buffer } from 'node:buffer';
import { answerFraming, writeInterimHead, writeResponseHead, type AnswerFraming } from '../core/response-fields.ts';
import { isTrailerCopied } from '../core/request-fields.ts';
import { fieldIds } from '../http1/field-names.ts';
import type { Fields, RequestHead, ResponseHead } from '../http1/message.ts';
import type { Edge } from './edge.ts';
import { writeChunk, type Outlet } from './request-body.ts';

/** All that an answer takes of the edge. */
export type AnswerEdge = Pick<Edge, 'writer' | 'dates'>;

/** What of a request decides how its answer is written. */
export type AnsweredHead = Pick<RequestHead, 'method' | 'minorVersion'>;

export class Answer {
  readonly #edge: AnswerEdge;
  readonly #stream: Outlet;
  readonly #request: AnsweredHead;
  #framing: AnswerFraming = { kind: 'none' };
  #trailers: Buffer | undefined;
  /** The client was told to send its body. */
  isInvited = false;
  /** A final head went out: no other answer can. */
  hasBegun = false;
  /** It is a stream of events, which `end` makes a whole answer at any moment. */
  isEventStream = false;
  /** 0 until a final head went out. */
  status = 0;
  bodyBytes = 0;

  constructor(edge: AnswerEdge, stream: Outlet, request: AnsweredHead) {
    this.#edge = edge;
    this.#stream = stream;
    this.#request = request;
  }

  /** The client takes the connection's end for the body's: a failure must not look like one. */
  get endsByClose(): boolean {
    return this.#framing.kind === 'until-close';
  }

  /** Passes an interim head on; HTTP/1.0 knows none (RFC 9110 section 15.2). `generation`: as in begin. */
  interim(head: ResponseHead, generation: string | undefined): void {
    if (this.#request.minorVersion === 0) return;
    const { writer } = this.#edge;
    writer.clear();
    writeInterimHead(writer, head, generation);
    this.#flushHead();
  }

  /** Tells the client to send its body. */
  continue(): void {
    this.isInvited = true;
    this.#stream.write(continueHead, 0, continueHead.length);
  }

  /** Returns whether the client connection must close after this answer. `generation`: who gave it, if that is told. */
  begin(head: ResponseHead, closes: boolean, generation: string | undefined): boolean {
    const { minorVersion, method } = this.#request;
    const { writer, dates } = this.#edge;
    const framing = answerFraming(head, minorVersion);
    const mustClose = closes || framing.kind === 'until-close';
    const connection = mustClose ? 'close' : minorVersion === 0 ? 'keep-alive' : undefined;
    this.hasBegun = true;
    this.status = head.status;
    this.#framing = framing;
    const isOpen = framing.kind === 'chunked' || framing.kind === 'until-close';
    this.isEventStream = isOpen && eventStreamType.test(head.fields.first(fieldIds.contentType) ?? '');
    writer.clear();
    writeResponseHead(writer, head, {
      framing,
      // A 204 has no body to tell the length of (RFC 9110 section 8.6).
      keepsLength: head.status === 304 || (method === 'HEAD' && head.status !== 204),
      connection,
      dates,
      generation,
    });
    this.#flushHead();
    return mustClose;
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.bodyBytes += end - start;
    if (this.#framing.kind === 'chunked') writeChunk(this.#stream, this.#edge.writer, bytes, { start, end });
    else this.#stream.write(bytes, start, end);
  }

  trailers(fields: Fields): void {
    if (this.#framing.kind !== 'chunked') return;
    const { writer } = this.#edge;
    writer.clear();
    for (let i = 0; i < fields.count; i++) if (isTrailerCopied(fields, i)) writer.copy(fields, i);
    this.#trailers = writer.take();
  }

  end(): void {
    if (this.#framing.kind !== 'chunked') return;
    if (this.#trailers === undefined) {
      this.#stream.write(lastChunk, 0, lastChunk.length);
      return;
    }
    const tail = Buffer.concat([lastChunk.subarray(0, 3), this.#trailers, lastChunk.subarray(3)]);
    this.#stream.write(tail, 0, tail.length);
  }

  #flushHead(): void {
    this.#edge.writer.send(this.#stream);
  }
}

const eventStreamType = /^text\/event-stream *(;|$)/i;
const continueHead = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');
