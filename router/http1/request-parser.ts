// Bytes of a client into requests: heads judged whole, bodies passed through. Never throws on any bytes, keeps at most
// one head, and after a refusal reads nothing more: what follows a malformed request must not be taken for another.
import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { BodyReader } from './body-reader.ts';
import { CR, LF } from './byte-classes.ts';
import { HeadReader } from './head-reader.ts';
import type { Framing, HeadLimits, MessageParser, MessageSink, Refusal, RequestHead } from './message.ts';
import { RequestHeadReader } from './request-head.ts';
import { RequestLine, maxRequestLineBytes } from './request-line.ts';

/** Old clients send an empty line behind a body (RFC 9112 section 2.2); a stream of them is no request. */
const maxEmptyLines = 8;

type Phase = 'between' | 'head' | 'body' | 'ended' | 'refused';

export class RequestParser implements MessageParser {
  readonly #sink: MessageSink<RequestHead>;
  readonly #limits: HeadLimits;
  readonly #line = new RequestLine();
  readonly #head: HeadReader;
  readonly #reader: RequestHeadReader;
  readonly #body: BodyReader;
  #phase: Phase = 'between';
  #isPaused = false;
  /** Before a request: empty lines seen, and whether a CR awaits its LF. */
  #emptyLines = 0;
  #hasCarriageReturn = false;

  constructor(sink: MessageSink<RequestHead>, limits: HeadLimits) {
    this.#sink = sink;
    this.#limits = limits;
    // Nothing of a head that has to be sent again, or waits for a worker, may be lost with the transport's buffer.
    this.#head = new HeadReader({ line: this.#line, limits, isKept: true });
    this.#reader = new RequestHeadReader(this.#line, this.#head.fields);
    this.#body = new BodyReader(sink, limits);
  }

  get isIdle(): boolean {
    return this.#phase === 'between';
  }

  /** It has seen nothing of a next request, not even empty lines: it may as well read another connection's. */
  get isFresh(): boolean {
    return this.#phase === 'between' && this.#emptyLines === 0 && !this.#hasCarriageReturn;
  }

  execute(bytes: Buffer, start: number, end: number): number {
    this.#isPaused = false;
    let pos = start;
    if (this.#phase === 'between') pos = this.#beginHead(bytes, pos, end);
    if (this.#isIn('head')) pos = this.#readHead(bytes, pos, end);
    if (this.#isIn('body')) pos = this.#readBody(bytes, pos, end);
    if (this.#isIn('ended')) this.#end();
    return pos;
  }

  get bodyLeft(): number {
    return this.#phase === 'body' ? this.#body.left : 0;
  }

  skipBody(bytes: number): void {
    if (bytes >= this.bodyLeft) assert.fail('the end of a body has to be read');
    this.#body.skip(bytes);
  }

  finish(): void {
    if (this.#phase === 'head') this.#refuse(400, 'the connection ended in the middle of the request head');
    else if (this.#phase === 'body') this.#refuse(400, this.#body.finish() ?? '');
  }

  pause(): void {
    this.#isPaused = true;
    this.#body.pause();
  }

  /** Whether execute goes on in that phase: every callback may have called pause(). */
  #isIn(phase: Phase): boolean {
    return this.#phase === phase && !this.#isPaused;
  }

  /** Skips empty lines; at any other byte the next head begins. */
  #beginHead(bytes: Buffer, start: number, end: number): number {
    for (let pos = start; pos < end; pos++) {
      const byte = bytes[pos] as number;
      if (this.#hasCarriageReturn) {
        if (byte !== LF) return this.#refuseAt(pos, 'carriage return without a line feed before the request');
        this.#hasCarriageReturn = false;
        if (++this.#emptyLines > maxEmptyLines) {
          return this.#refuseAt(pos, `more than ${maxEmptyLines} empty lines before the request`);
        }
      } else if (byte === CR) this.#hasCarriageReturn = true;
      else {
        this.#emptyLines = 0;
        this.#head.reset();
        this.#phase = 'head';
        return pos;
      }
    }
    return end;
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    const head = this.#head;
    const pos = head.read(bytes, start, end);
    if (head.isComplete) this.#onHead(end - pos);
    else if (head.fault !== undefined) this.#refuseHead();
    return pos;
  }

  #onHead(bytesBehind: number): void {
    const head = this.#reader.read();
    if ('status' in head) {
      this.#refuse(head.status, head.reason);
      return;
    }
    // Who asks to be told to go on, and who speaks HTTP/1.0, waits for the answer before sending more. If more is here
    // already, somebody in front saw another end of this message than we do: the shape of a desync attack.
    if (head.expectsContinue || head.minorVersion === 0) {
      if (bytesBehind > lengthOf(head.framing)) {
        this.#refuse(400, 'more bytes follow a request whose sender has to wait for the answer');
        return;
      }
    }
    const { framing } = head;
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)) this.#phase = 'ended';
    else {
      this.#body.begin(framing);
      this.#phase = 'body';
    }
    this.#sink.onHead(head);
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const pos = this.#body.read(bytes, start, end);
    const { fault } = this.#body;
    if (fault !== undefined) this.#refuse(fault.isLimit ? 431 : 400, fault.reason);
    else if (this.#body.isEnded) this.#phase = 'ended';
    return pos;
  }

  #end(): void {
    this.#phase = 'between';
    this.#sink.onEnd();
  }

  #refuseHead(): void {
    const { status, reason } = this.#refusalOfHead();
    this.#refuse(status, reason);
  }

  #refusalOfHead(): Refusal {
    const { maxHeadBytes, maxFields } = this.#limits;
    switch (this.#head.fault) {
      case 'line':
        return this.#line.refusal ?? { status: 400, reason: 'malformed request line' };
      case 'line-too-long':
        return { status: 414, reason: `request line longer than ${Math.min(maxRequestLineBytes, maxHeadBytes)} bytes` };
      case 'head-too-large':
        return { status: 400, reason: `request head larger than ${maxHeadBytes} bytes` };
      case 'too-many-fields':
        return { status: 431, reason: `more than ${maxFields} field lines` };
      case 'fields':
      case undefined:
        return { status: 400, reason: this.#head.faultOfFields };
    }
  }

  #refuseAt(pos: number, reason: string): number {
    this.#refuse(400, reason);
    return pos;
  }

  #refuse(status: number, reason: string): void {
    this.#phase = 'refused';
    this.#sink.onRefusal({ status, reason });
  }
}

/** Body bytes that surely belong to the message; a chunked one tells its end only when it comes. */
function lengthOf(framing: Framing): number {
  if (framing.kind === 'length') return framing.length;
  return framing.kind === 'none' ? 0 : Number.POSITIVE_INFINITY;
}
