// Bytes of a worker into answers. A worker is not trusted to frame well: whatever is ambiguous is refused with 502, and
// bytes that no request asked for are never taken for an answer.
import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { BodyReader } from './body-reader.ts';
import { HeadReader } from './head-reader.ts';
import type { HeadLimits, MessageParser, MessageSink, ResponseHead } from './message.ts';
import { ResponseHeadReader } from './response-head.ts';
import { StatusLine } from './status-line.ts';

/** A final answer must come after at most this many interim ones. */
const maxInterimHeads = 16;
const BAD_GATEWAY = 502;

/** `between`: no request is outstanding. `tunnel`: the bytes after a 101 are no longer HTTP. */
type Phase = 'between' | 'head' | 'body' | 'ended' | 'tunnel' | 'refused';

export class ResponseParser implements MessageParser {
  readonly #sink: MessageSink<ResponseHead>;
  readonly #limits: HeadLimits;
  readonly #line = new StatusLine();
  readonly #head: HeadReader;
  readonly #reader: ResponseHeadReader;
  readonly #body: BodyReader;
  readonly #exchange = { isHead: false, asksUpgrade: false };
  #phase: Phase = 'between';
  #isPaused = false;
  #hasBytes = false;
  #interimHeads = 0;

  constructor(sink: MessageSink<ResponseHead>, limits: HeadLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#head = new HeadReader({ line: this.#line, limits, isKept: false });
    this.#reader = new ResponseHeadReader(this.#line, this.#head.fields);
    this.#body = new BodyReader(sink, limits);
  }

  /** Also true while an answer is awaited of which no byte came. */
  get isIdle(): boolean {
    return this.#phase === 'between' || (this.#phase === 'head' && !this.#hasBytes);
  }

  /** No answer is awaited, and no byte came that was not: it may as well read another connection's. */
  get isFresh(): boolean {
    return this.#phase === 'between';
  }

  /**
   * A request with that method was, or is about to be, sent: the next answer is its. Call once before each answer.
   * Only if it asked to upgrade may the answer be a 101, after which execute leaves all bytes to the tunnel.
   */
  expect(method: string, asksUpgrade = false): void {
    // Not assert.equal: it costs more than the rest of this function.
    if (this.#phase !== 'between') assert.fail('an answer is still outstanding on this connection');
    this.#exchange.isHead = method === 'HEAD';
    this.#exchange.asksUpgrade = asksUpgrade;
    this.#interimHeads = 0;
    this.#hasBytes = false;
    this.#head.reset();
    this.#phase = 'head';
  }

  execute(bytes: Buffer, start: number, end: number): number {
    this.#isPaused = false;
    let pos = start;
    if (this.#phase === 'between' && start < end) this.#refuse('the worker sent bytes that no request asked for');
    while (this.#isIn('head') && pos < end) pos = this.#readHead(bytes, pos, end);
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
    if (this.#phase === 'head') {
      this.#refuse(
        this.#hasBytes
          ? 'the worker closed the connection in the middle of the response head'
          : 'the worker closed the connection without an answer',
      );
    } else if (this.#phase === 'body') {
      const fault = this.#body.finish();
      if (fault === undefined) this.#end();
      else this.#refuse(fault);
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#body.pause();
  }

  /** Whether execute goes on in that phase: every callback may have called pause(). */
  #isIn(phase: Phase): boolean {
    return this.#phase === phase && !this.#isPaused;
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    this.#hasBytes = true;
    const head = this.#head;
    const pos = head.read(bytes, start, end);
    if (head.isComplete) this.#onHead();
    else if (head.fault !== undefined) this.#refuse(this.#faultOfHead());
    return pos;
  }

  #onHead(): void {
    const head = this.#reader.read(this.#exchange);
    if ('reason' in head) {
      this.#refuse(head.reason);
      return;
    }
    if (head.status === 101) this.#phase = 'tunnel';
    else if (head.status < 200) {
      if (++this.#interimHeads > maxInterimHeads) {
        this.#refuse(`more than ${maxInterimHeads} interim responses`);
        return;
      }
    } else {
      this.#body.begin(head.framing);
      this.#phase = this.#body.isEnded ? 'ended' : 'body';
    }
    this.#sink.onHead(head);
    // Only now: until onHead returned, the fields still belong to the interim head.
    if (this.#phase === 'head') this.#head.reset();
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const pos = this.#body.read(bytes, start, end);
    const { fault } = this.#body;
    if (fault !== undefined) this.#refuse(fault.reason);
    else if (this.#body.isEnded) this.#phase = 'ended';
    return pos;
  }

  #end(): void {
    this.#phase = 'between';
    this.#sink.onEnd();
  }

  #faultOfHead(): string {
    switch (this.#head.fault) {
      case 'line':
        return this.#line.fault;
      case 'line-too-long':
      case 'head-too-large':
        return `response head larger than ${this.#limits.maxHeadBytes} bytes`;
      case 'too-many-fields':
        return `response with more than ${this.#limits.maxFields} field lines`;
      case 'fields':
      case undefined:
        return this.#head.faultOfFields;
    }
  }

  #refuse(reason: string): void {
    this.#phase = 'refused';
    this.#sink.onRefusal({ status: BAD_GATEWAY, reason });
  }
}
