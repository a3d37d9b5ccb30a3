// The parts of the fuzzer that could be wrong without anybody noticing, for then it finds nothing.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { Arena, guarded } from '../fuzz/arena.ts';
import { Finding } from '../fuzz/finding.ts';
import { describeInput, inOnePiece, parseInput, requestLimits, type Input } from '../fuzz/input.ts';
import { drawInput } from '../fuzz/inputs.ts';
import { readRequests } from '../fuzz/reference/requests.ts';
import { readResponses } from '../fuzz/reference/responses.ts';
import { shrink } from '../fuzz/shrink.ts';
import { readStrictRequests, readStrictResponses } from '../fuzz/strict-view.ts';

function requestOf(text: string, cuts: readonly number[] = []): Input {
  const bytes = Buffer.from(text, 'latin1');
  return { direction: 'request', bytes, limits: requestLimits, feeding: { ...inOnePiece, cuts } };
}

describe('the fuzzer', () => {
  it('draws the same input from the same seed, and others from others', () => {
    const texts = [1, 2, 3, 4, 1].map((seed) => describeInput(drawInput(seed)));
    assert.equal(texts[0], texts[4]);
    assert.equal(new Set(texts).size, 4);
  });

  it('reads back every input that it writes down', () => {
    for (let seed = 0; seed < 200; seed++) {
      const input = drawInput(seed);
      const own = { ...input, bytes: Buffer.from(input.bytes) };
      assert.deepEqual(parseInput(describeInput(own)), own);
    }
  });

  it('shrinks an input to what breaks the rule', () => {
    const input = requestOf('GET / HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\n\r\n', [3, 20, 33]);
    const smallest = shrink(input, ({ bytes, feeding }) => {
      const text = bytes.toString('latin1');
      return text.includes(': ') && text.endsWith('\n') && feeding.cuts.length > 0;
    });
    assert.equal(smallest.bytes.toString('latin1'), ': \n');
    assert.equal(smallest.feeding.cuts.length, 1);
  });

  it('notices each access outside of the range', () => {
    const { buffer, start, end } = guarded(new Arena().place(Buffer.from('hello'), 0, 5));
    assert.equal(buffer[start], 0x68);
    assert.equal(buffer.toString('latin1', start, end), 'hello');
    assert.throws(() => buffer[end], Finding);
    assert.throws(() => buffer[start - 1], Finding);
    assert.throws(() => buffer.toString('latin1', start, end + 1), Finding);
    assert.throws(() => buffer.copy(Buffer.alloc(9), 0, start - 1, end), Finding);
    assert.throws(() => buffer.fill(0), Finding);
  });
});

describe("the fuzzer's reference reader", () => {
  it('reads requests one behind another and refuses what is none', () => {
    const good = 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
    const both = readRequests(`${good}GET /b HTTP/1.1\r\nHost: a\r\n\r\n`, requestLimits);
    assert.deepEqual(
      both.messages.map(({ gist, body, trailers, isEnded }) => [gist, body, trailers, isEnded]),
      [
        ['POST /a', 'abc', [['x-t', '1']], true],
        ['GET /b', '', undefined, true],
      ],
    );
    assert.equal(both.isRefused, false);
    for (const broken of [good.replace('3;', '4;'), good.replace('a HTTP', 'a  HTTP'), good.slice(0, -1)]) {
      assert.equal(readRequests(broken, requestLimits).isRefused, true);
    }
  });

  it('reads an answer as the exchange wants it', () => {
    const text = 'HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
    const bodyOf = (method: string): string | undefined =>
      readResponses(text, [{ method, asksUpgrade: false, minorVersion: 1 }], requestLimits).messages.at(-1)?.body;
    assert.equal(bodyOf('GET'), 'hi');
    assert.equal(bodyOf('HEAD'), '');
  });
});

describe("the fuzzer's strict view", () => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n';
  const ok = 'HTTP/1.1 200 OK\r\n';
  const answer = [{ method: 'GET', asksUpgrade: false, minorVersion: 1 }] as const;

  it('takes requests in their canonical form and in no other', () => {
    const [message] = readStrictRequests(`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`);
    assert.deepEqual([message?.gist, message?.body, message?.isEnded], ['GET /', 'hi', true]);
    for (const text of [
      'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      `${head}Host: a\r\n\r\n`,
      `${head}X:1\r\n\r\n`,
      `${head}X: 1 \r\n\r\n`,
      `${head}X_A: 1\r\n\r\n`,
      `${head}TE: trailers\r\n\r\n`,
      `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${head}Content-Length: 01\r\n\r\na`,
      `${head}Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
      `${head}Transfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n0\r\n\r\n`,
      `${head}Connection: close\r\n\r\n`,
      `${head}\r\nGET`,
    ]) {
      assert.throws(() => readStrictRequests(text), Finding, JSON.stringify(text));
    }
  });

  it('takes answers in their canonical form and in no other', () => {
    const [message] = readStrictResponses(`${ok}Content-Length: 2\r\n\r\nhi`, answer);
    assert.deepEqual([message?.gist, message?.body, message?.isEnded], ['200 OK', 'hi', true]);
    for (const text of [
      'HTTP/1.1 200\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
      `${ok}Keep-Alive: timeout=5\r\n\r\n`,
      `${ok}Upgrade: a\r\n\r\n`,
      `${ok}Connection: x-a\r\n\r\n`,
    ]) {
      assert.throws(() => readStrictResponses(text, answer), Finding, JSON.stringify(text));
    }
  });
});
