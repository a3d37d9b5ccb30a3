// Whatever the bytes and however they are cut: the parsers do not throw, judge the same, and what they let through is
// canonical once HeadWriter wrote it again.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import type { RequestHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import {
  RecordingSink,
  everyByte,
  piecesOf,
  recordAnswer,
  recordRequests,
  requestLimits,
  type Lines,
} from '../harness/http1-recording.ts';

const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".split('');
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
/** Prefixed, so that no generated name means anything to the parser. */
const fieldName = fc.string({ unit: fc.constantFrom(...tokenChars), maxLength: 12 }).map((text) => `Q${text}`);
const visible = fc
  .integer({ min: 0x21, max: 0xff })
  .filter((code) => code !== 0x7f)
  .map((code) => String.fromCharCode(code));
const fieldValue = fc
  .array(fc.string({ unit: visible, minLength: 1, maxLength: 8 }), { maxLength: 4 })
  .map((words) => words.join(' '));

interface Line {
  readonly name: string;
  readonly value: string;
  readonly before: string;
  readonly after: string;
}

const line: fc.Arbitrary<Line> = fc.record({ name: fieldName, value: fieldValue, before: blanks, after: blanks });
const lines = fc.array(line, { maxLength: 6 });
const bodyText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 30,
});
const extension = fc.constantFrom('', ';a', ';a=b', ';a="b;\\" c"', ';a;b=c');

type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly text: string }
  | {
      readonly kind: 'chunked';
      readonly chunks: readonly [text: string, extension: string][];
      readonly trailers: readonly Line[];
    };

const body: fc.Arbitrary<Body> = fc.oneof(
  fc.constant<Body>({ kind: 'none' }),
  fc.record({ kind: fc.constant('length' as const), text: bodyText }),
  fc.record({
    kind: fc.constant('chunked' as const),
    chunks: fc.array(
      fc.tuple(
        bodyText.filter((text) => text !== ''),
        extension,
      ),
      { maxLength: 4 },
    ),
    trailers: fc.array(line, { maxLength: 3 }),
  }),
);

const targetText = fc
  .string({
    unit: fc
      .integer({ min: 0x21, max: 0x7e })
      .filter((code) => code !== 0x23)
      .map((code) => String.fromCharCode(code)),
    maxLength: 20,
  })
  .map((text) => `/${text}`);

interface Message {
  readonly method: string;
  readonly target: string;
  readonly before: readonly Line[];
  readonly after: readonly Line[];
  readonly body: Body;
}

const message: fc.Arbitrary<Message> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PROPFIND', 'QUERY', 'DELETE', 'OPTIONS'),
  target: targetText,
  before: lines,
  after: lines,
  body,
});

const textOfLines = (some: readonly Line[]): string =>
  some.map(({ name, before, value, after }) => `${name}:${before}${value}${after}\r\n`).join('');

const modelOfLines = (some: readonly Line[]): Lines => some.map(({ name, value }) => [name.toLowerCase(), value]);

function framingLine(some: Body): readonly Line[] {
  const plain = { before: ' ', after: '' };
  if (some.kind === 'length') return [{ name: 'content-length', value: String(some.text.length), ...plain }];
  return some.kind === 'chunked' ? [{ name: 'Transfer-encoding', value: 'chunked', ...plain }] : [];
}

function textOfBody(some: Body): string {
  if (some.kind !== 'chunked') return some.kind === 'length' ? some.text : '';
  const chunks = some.chunks.map(([text, suffix]) => `${text.length.toString(16)}${suffix}\r\n${text}\r\n`);
  return `${chunks.join('')}0\r\n${textOfLines(some.trailers)}\r\n`;
}

const host: Line = { name: 'Host', before: ' ', value: 'a.test', after: '' };

function linesOfMessage({ before, after, body: some }: Message): readonly Line[] {
  return [...before, host, ...after, ...framingLine(some)];
}

function textOf(some: Message): string {
  return `${some.method} ${some.target} HTTP/1.1\r\n${textOfLines(linesOfMessage(some))}\r\n${textOfBody(some.body)}`;
}

/** Bytes of a mutation: those that parsers stumble over, and any other. */
const nastyByte = fc.oneof(
  fc.constantFrom(0, 9, 10, 11, 13, 32, 44, 58, 59, 127, 133, 160),
  fc.integer({ min: 0, max: 255 }),
);

interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: readonly number[];
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 3 }),
  insert: fc.array(nastyByte, { maxLength: 3 }),
});

function mutate(bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  let result = bytes;
  for (const { at, remove, insert } of mutations) {
    const start = at % (result.length + 1);
    result = Buffer.concat([result.subarray(0, start), Buffer.from(insert), result.subarray(start + remove)]);
  }
  return result;
}

/** Requests that come near every rule, to mutate. */
const seeds = [
  'GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nConnection: close, X-A\r\nX-A: 1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 5\r\nX-B:\t b \r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
].map((text) => Buffer.from(text));
const answers = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nX-A: 1\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes',
].map((text) => Buffer.from(text));

const mutatedRequest = fc
  .tuple(fc.constantFrom(...seeds), fc.array(mutation, { maxLength: 3 }))
  .map(([seed, mutations]) => mutate(seed, mutations));
const mutatedAnswer = fc
  .tuple(fc.constantFrom(...answers), fc.array(mutation, { maxLength: 3 }))
  .map(([seed, mutations]) => mutate(seed, mutations));
const cuts = fc.array(fc.nat(), { maxLength: 6 });

function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  return piecesOf(
    bytes,
    offsets.map((offset) => offset % (bytes.length + 1)),
  );
}

describe('the HTTP/1.1 parsers', () => {
  it('read any valid requests as they were written, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), cuts, (messages, offsets) => {
        const bytes = Buffer.from(messages.map(textOf).join(''), 'latin1');
        const { messages: read, refusal, leftOver } = recordRequests(cut(bytes, offsets));
        assert.equal(refusal, undefined);
        assert.equal(leftOver, 0);
        assert.deepEqual(
          read.map(({ head, body: text, trailers }) => [head.method, head.target, head.fields, text, trailers]),
          messages.map((some) => [
            some.method,
            some.target,
            modelOfLines(linesOfMessage(some)),
            bodyOf(some),
            trailersOf(some),
          ]),
        );
        assert.ok(read.every(({ isEnded }) => isEnded));
      }),
      { numRuns: 300 },
    );
  });

  it('never throw on any bytes, and judge requests the same however they are cut', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutatedRequest,
          fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
        ),
        cuts,
        (bytes, offsets) => {
          const whole = recordRequests([Buffer.from(bytes)]);
          if (whole.refusal?.reason.includes('more bytes follow') === true) return;
          assert.deepEqual(verdictOf(recordRequests(cut(bytes, offsets))), verdictOf(whole));
          assert.deepEqual(verdictOf(recordRequests(everyByte(bytes))), verdictOf(whole));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('never throw on any answer, and judge it the same however it is cut', () => {
    fc.assert(
      fc.property(
        mutatedAnswer,
        cuts,
        fc.boolean(),
        fc.constantFrom('GET', 'HEAD'),
        (bytes, offsets, asksUpgrade, method) => {
          const expected = { method, asksUpgrade };
          const whole = verdictOf(recordAnswer([Buffer.from(bytes)], expected));
          assert.deepEqual(verdictOf(recordAnswer(cut(bytes, offsets), expected)), whole);
          assert.deepEqual(verdictOf(recordAnswer(everyByte(bytes), expected)), whole);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('let through only heads that, written again, read back identically', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutatedRequest,
          message.map((some) => Buffer.from(textOf(some), 'latin1')),
        ),
        (bytes) => {
          const sink = new RecordingSink<RequestHead>();
          new RequestParser(sink, requestLimits).execute(bytes, 0, bytes.length);
          const [first] = sink.messages;
          // Only the first head is live; HTTP/1.0 is written again as HTTP/1.1, which asks for more.
          if (first === undefined || sink.liveHead === undefined || first.head.minorVersion === 0) return;
          const writer = new HeadWriter();
          writer.requestLine(first.head.method, first.head.target);
          for (let i = 0; i < sink.liveHead.fields.count; i++) writer.copy(sink.liveHead.fields, i);
          writer.end();
          const written = writer.take();
          assertCanonical(written.toString('latin1'));
          const again = new RecordingSink<RequestHead>();
          assert.equal(new RequestParser(again, requestLimits).execute(written, 0, written.length), written.length);
          assert.deepEqual(again.messages[0]?.head, first.head);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function verdictOf(recording: {
  messages: readonly unknown[];
  refusal: { status: number } | undefined;
  leftOver: number;
}): unknown {
  const { messages, refusal, leftOver } = recording;
  // Where reading stops after a refusal depends on the pieces, and is of no use to anyone.
  return { messages, refusal, leftOver: refusal === undefined ? leftOver : undefined };
}

function bodyOf({ body: some }: Message): string {
  if (some.kind === 'chunked') return some.chunks.map(([text]) => text).join('');
  return some.kind === 'length' ? some.text : '';
}

function trailersOf({ body: some }: Message): Lines | undefined {
  return some.kind === 'chunked' && some.trailers.length > 0 ? modelOfLines(some.trailers) : undefined;
}

function assertCanonical(head: string): void {
  assert.ok(head.endsWith('\r\n\r\n'));
  const [requestLine = '', ...rest] = head.slice(0, -4).split('\r\n');
  assert.match(requestLine, /^[A-Z-]+ (?:\/[\x21\x22\x24-\x7e]*|\*) HTTP\/1\.1$/);
  for (const text of rest) {
    assert.match(
      text,
      /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/,
    );
  }
  const count = (name: string): number => rest.filter((text) => text.toLowerCase().startsWith(`${name}:`)).length;
  assert.equal(count('host'), 1);
  assert.ok(count('content-length') + count('transfer-encoding') <= 1);
}
