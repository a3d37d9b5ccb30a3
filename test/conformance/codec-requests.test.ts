// Every request case through RequestParser: whole, cut in two at every offset, byte by byte, behind another request.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import type { RequestHead } from '../../router/http1/message.ts';
import {
  everyByte,
  piecesOf,
  recordRequests,
  type RecordedMessage,
  type Recording,
} from '../harness/http1-recording.ts';
import { requestCases, type RequestCase } from './cases.ts';

const cases = requestCases();
const goodRequest = Buffer.from('GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n');

/**
 * A request whose sender has to wait for the answer is refused when more bytes lie behind it in the same read. Cut so
 * that they come later, there is nothing yet to object to: both requests are then well-formed ones, one by one.
 */
const needsOneRead = new Set(['X16', 'X18']);
/** Longer cases are cut at every offset near their ends and near our limits, and at every 97th between. */
const everyOffsetUpTo = 4096;

/** What the parser must report of the cases that are let through, beyond not refusing them. */
const accepted: Readonly<Record<string, (message: RecordedMessage<RequestHead>) => unknown[]>> = {
  F26: ({ head, body }) => [head.framing, { kind: 'chunked' }, body, ''],
  F32: ({ head, body }) => [head.method, 'GET', head.framing, { kind: 'length', length: 5 }, body, 'hello'],
  H11: ({ head }) => [head.fields.at(-1), ['x-a', 'a\u00ffb']],
  H17: ({ head }) => [head.fields.at(-1), ['x_forwarded_for', '6.6.6.6']],
  H18: ({ head }) => [head.fields.length, 4],
  H19: ({ head }) => [head.nominated, ['x-foo', 'x-forwarded-for'], head.keepAlive, false],
  H20: ({ head }) => [head.fields.at(-1), ['proxy', 'http://evil']],
  H21: ({ head }) => [head.fields.at(-1), ['te', 'gzip, trailers']],
  K01: ({ head, body }) => [head.framing, { kind: 'chunked' }, body, 'hello'],
  L03: ({ head }) => [head.minorVersion, 1],
  L10: ({ head }) => [head.target, '/'],
  L24: ({ head }) => [head.method, 'OPTIONS', head.target, '*'],
  L27: ({ head }) => [head.target, '/x', head.authority, 'a.test'],
  L31: ({ head }) => [head.target, '/', head.authority, 'a.test'],
  L32: ({ head }) => [head.target, '//evil.test/x', head.host, 'a.test'],
  L40: ({ head }) => [head.target, '/a\\b'],
  L41: ({ head }) => [head.target, '/a%zz'],
  O02: ({ head }) => [head.authority, '', head.host, '', head.keepAlive, false],
  O11: ({ head }) => [head.authority, 'a.test:', head.host, 'a.test'],
  O12: ({ head }) => [head.authority, 'a.test.', head.host, 'a.test'],
  O18: ({ head }) => [head.host, 'a_b.test'],
};

describe('the request parser on the request cases', () => {
  it('has all 109 of them', () => {
    assert.equal(cases.length, 109);
    assert.deepEqual(
      cases.filter(isAccepted).map(({ id }) => id),
      [...Object.keys(accepted)].sort(byCaseOrder),
    );
  });

  for (const testCase of cases) {
    const { id, description, bytes } = testCase;
    describe(`${id} ${description}`, () => {
      it('is judged as the profile says', () => {
        assertVerdict(testCase, recordRequests([Buffer.from(bytes)]));
      });

      it('is judged the same cut in two at any offset', () => {
        for (const cut of cutsOf(bytes.length)) assertCutVerdict(testCase, piecesOf(bytes, [cut]), `cut at ${cut}`);
      });

      it('is judged the same byte by byte', () => {
        assertCutVerdict(testCase, everyByte(bytes), 'byte by byte');
      });

      it('is judged the same behind a good request in one read', () => {
        const { messages, ...rest } = recordRequests([Buffer.concat([goodRequest, bytes])]);
        assert.equal(messages[0]?.head.target, '/first');
        assert.equal(messages[0].isEnded, true);
        assertVerdict(testCase, { messages: messages.slice(1), ...rest });
      });
    });
  }
});

function isAccepted({ id, expect }: RequestCase): boolean {
  return expect.status === 200 || id === 'H11' || id === 'O02';
}

function byCaseOrder(a: string, b: string): number {
  const order = cases.map(({ id }) => id);
  return order.indexOf(a) - order.indexOf(b);
}

function assertVerdict(testCase: RequestCase, { messages, refusal, leftOver }: Recording<RequestHead>): void {
  if (isAccepted(testCase)) {
    assert.equal(refusal, undefined);
    assert.equal(leftOver, 0);
    assert.equal(messages.length, 1);
    const [message] = messages;
    assert.ok(message?.isEnded === true);
    const facts = accepted[testCase.id]?.(message) ?? [];
    for (let i = 0; i < facts.length; i += 2) assert.deepEqual(facts[i], facts[i + 1]);
    return;
  }
  // The one case with a note that is left: the body stops before its last chunk.
  assert.equal(refusal?.status, testCase.expect.status ?? 400);
  assert.match(refusal.reason, /^[\x20-\x7e]{8,}$/);
  assert.ok(
    messages.every(({ isEnded }) => !isEnded),
    'nothing of a refused request is reported as whole',
  );
}

function assertCutVerdict(testCase: RequestCase, pieces: readonly Buffer[], how: string): void {
  const recording = recordRequests(pieces);
  if (needsOneRead.has(testCase.id) && recording.refusal === undefined) {
    assert.deepEqual(
      recording.messages.map(({ head, isEnded }) => [head.target, isEnded]),
      [
        ['/1', true],
        ['/2', true],
      ],
    );
    return;
  }
  try {
    assertVerdict(testCase, recording);
  } catch (error) {
    throw new Error(`${testCase.id} ${how}`, { cause: error });
  }
}

function cutsOf(length: number): number[] {
  const cuts: number[] = [];
  for (let cut = 1; cut < length; cut++) {
    const isNearLimit = [0, 8192, 16_384, length].some((limit) => Math.abs(cut - limit) < 64);
    if (length <= everyOffsetUpTo || isNearLimit || cut % 97 === 0) cuts.push(cut);
  }
  return cuts;
}
