// Every response case through ResponseParser: whole, cut in two at every offset, byte by byte.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import type { ResponseHead } from '../../router/http1/message.ts';
import { everyByte, piecesOf, recordAnswer, type Recording } from '../harness/http1-recording.ts';
import { responseCases } from './cases.ts';

const everyOffsetUpTo = 4096;

type Outcome =
  /** Refused before a final head. */
  | { readonly kind: 'refused' }
  /** A final head, then a body that breaks off. */
  | { readonly kind: 'cut'; readonly body: string }
  | { readonly kind: 'whole'; readonly status: number; readonly body: string; readonly leftOver: number };

const refused: Outcome = { kind: 'refused' };
const ok: Outcome = { kind: 'whole', status: 200, body: 'OK', leftOver: 0 };
const outcomes: Readonly<Record<string, Outcome>> = {
  U02: { ...ok, leftOver: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL'.length },
  U03: refused,
  U06: refused,
  U07: refused,
  U08: refused,
  U09: refused,
  U10: refused,
  U11: refused,
  U12: refused,
  U13: ok,
  U15: refused,
  U16: refused,
  U18: refused,
  U19: refused,
  U21: { kind: 'cut', body: 'OK' },
  U22: { kind: 'cut', body: 'OK' },
  U24: { kind: 'whole', status: 204, body: '', leftOver: 2 },
  U26: { kind: 'whole', status: 200, body: '', leftOver: 2 },
  U29: ok,
  U30: refused,
  U31: refused,
  U34: refused,
  U35: ok,
  U36: ok,
  U38: ok,
};

const cases = responseCases();

describe('the response parser on the response cases', () => {
  it('has an outcome for each', () => {
    assert.deepEqual(
      cases.map(({ id }) => id),
      Object.keys(outcomes),
    );
  });

  for (const { id, description, bytes, method } of cases) {
    const expected = outcomes[id] ?? refused;
    describe(`${id} ${description}`, () => {
      it('is judged as the profile says', () => {
        assertOutcome(recordAnswer([Buffer.from(bytes)], { method }), expected);
      });

      it('is judged the same cut in two at any offset', () => {
        for (const cut of cutsOf(bytes.length)) {
          try {
            assertOutcome(recordAnswer(piecesOf(bytes, [cut]), { method }), expected);
          } catch (error) {
            throw new Error(`${id} cut at ${cut}`, { cause: error });
          }
        }
      });

      it('is judged the same byte by byte', () => {
        assertOutcome(recordAnswer(everyByte(bytes), { method }), expected);
      });
    });
  }

  it('reports the unsolicited 100 before the answer, without an end of its own (U29)', () => {
    const { messages } = recordAnswer([bytesOf('U29')]);
    assert.deepEqual(
      messages.map(({ head, isEnded }) => [head.status, isEnded]),
      [
        [100, false],
        [200, true],
      ],
    );
  });

  it('reports at most 16 interim heads (U30)', () => {
    const { messages, refusal } = recordAnswer([bytesOf('U30')]);
    assert.equal(messages.length, 16);
    assert.match(refusal?.reason ?? '', /more than 16 interim responses/);
  });

  it('reports what Connection nominates, and that the worker closes (U35)', () => {
    const [message] = recordAnswer([bytesOf('U35')]).messages;
    assert.deepEqual(message?.head.nominated, ['x-secret']);
    assert.equal(message.head.keepAlive, false);
  });
});

function bytesOf(id: string): Buffer {
  const found = cases.find((testCase) => testCase.id === id);
  assert.ok(found !== undefined);
  return Buffer.from(found.bytes);
}

function assertOutcome({ messages, refusal, leftOver }: Recording<ResponseHead>, expected: Outcome): void {
  const last = messages.at(-1);
  if (expected.kind === 'refused') {
    assert.equal(refusal?.status, 502);
    assert.match(refusal.reason, /^[\x20-\x7e]{8,}$/);
    assert.ok(messages.every(({ head }) => head.status < 200));
    return;
  }
  assert.equal(last?.body, expected.body);
  if (expected.kind === 'cut') {
    assert.equal(refusal?.status, 502);
    assert.equal(last.isEnded, false);
    return;
  }
  assert.equal(refusal, undefined);
  assert.equal(last.isEnded, true);
  assert.equal(last.head.status, expected.status);
  assert.equal(leftOver, expected.leftOver);
}

function cutsOf(length: number): number[] {
  const cuts: number[] = [];
  for (let cut = 1; cut < length; cut++) {
    const isNearLimit = [0, 65_536, length].some((limit) => Math.abs(cut - limit) < 32);
    if (length <= everyOffsetUpTo || isNearLimit || cut % 1009 === 0) cuts.push(cut);
  }
  return cuts;
}
