import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import type { Framing, ResponseHead } from '../../router/http1/message.ts';
import { ResponseParser } from '../../router/http1/response-parser.ts';
import {
  RecordingSink,
  everyByte,
  recordAnswer,
  responseLimits,
  type ExpectedAnswer,
} from '../harness/http1-recording.ts';

function record(text: string, expected: ExpectedAnswer = {}): ReturnType<typeof recordAnswer> {
  return recordAnswer([Buffer.from(text, 'latin1')], expected);
}

function answer(statusLine: string, ...lines: string[]): string {
  return [statusLine, ...lines, '', ''].join('\r\n');
}

const refused: readonly (readonly [title: string, text: string])[] = [
  ['HTTP/2', answer('HTTP/2.0 200 OK')],
  ['HTTP/0.9 style', 'hello'],
  ['a lower-case version', answer('http/1.1 200 OK')],
  ['two blanks before the status', answer('HTTP/1.1  200 OK')],
  ['a two-digit status', answer('HTTP/1.1 20 OK')],
  ['a status with a letter', answer('HTTP/1.1 2x0 OK')],
  ['a status line ending in LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
  ['a control character in the reason', answer('HTTP/1.1 200 O\u0001K', 'Content-Length: 0')],
  ['a bare CR in the reason', answer('HTTP/1.1 200 O\rK', 'Content-Length: 0')],
  ['a blank before the colon', answer('HTTP/1.1 200 OK', 'Content-Length : 0')],
  ['a missing colon', answer('HTTP/1.1 200 OK', 'garbage', 'Content-Length: 0')],
  ['identical Content-Length lines', answer('HTTP/1.1 200 OK', 'Content-Length: 0', 'Content-Length: 0')],
  ['a Content-Length list', answer('HTTP/1.1 200 OK', 'Content-Length: 0, 0')],
  ['Transfer-Encoding identity', answer('HTTP/1.1 200 OK', 'Transfer-Encoding: identity')],
  ['an empty Transfer-Encoding', answer('HTTP/1.1 200 OK', 'Transfer-Encoding:')],
  ['Transfer-Encoding in HTTP/1.0', answer('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')],
  ['Connection naming Content-Length', answer('HTTP/1.1 200 OK', 'Content-Length: 0', 'Connection: content-length')],
  ['an unasked 101', answer('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: upgrade')],
  ['1001 fields', answer('HTTP/1.1 200 OK', ...Array.from({ length: 1001 }, () => 'x: y'))],
  ['only interim heads', answer('HTTP/1.1 100 Continue')],
];

describe('the response parser', () => {
  for (const [title, text] of refused) {
    it(`answers 502 to ${title}, in one piece and byte by byte`, () => {
      for (const { messages, refusal } of [record(text), recordAnswer(everyByte(Buffer.from(text, 'latin1')))]) {
        assert.equal(refusal?.status, 502);
        assert.ok(messages.every(({ head }) => head.status === 100));
      }
    });
  }

  it('frames by what is claimed, except where no answer has a body', () => {
    const framing = (text: string, method = 'GET'): Framing | undefined =>
      record(text, { method }).messages[0]?.head.framing;
    const none = { kind: 'none' };
    assert.deepEqual(framing(answer('HTTP/1.1 200 OK')), { kind: 'until-close' });
    assert.deepEqual(framing(answer('HTTP/1.0 200 OK')), { kind: 'until-close' });
    assert.deepEqual(framing(answer('HTTP/1.1 200 OK', 'Content-Length: 3')), { kind: 'length', length: 3 });
    assert.deepEqual(framing(answer('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked')), { kind: 'chunked' });
    assert.deepEqual(framing(answer('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'), 'HEAD'), none);
    assert.deepEqual(framing(answer('HTTP/1.1 200 OK'), 'HEAD'), none);
    assert.deepEqual(framing(answer('HTTP/1.1 304 Not Modified', 'Content-Length: 3')), none);
    assert.deepEqual(framing(answer('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked')), none);
    assert.deepEqual(framing(answer('HTTP/1.1 205 Reset', 'Content-Length: 0')), { kind: 'length', length: 0 });
  });

  it('says whether the worker keeps the connection', () => {
    const keeps = (text: string): boolean | undefined => record(text).messages[0]?.head.keepAlive;
    const length = 'Content-Length: 0';
    assert.equal(keeps(answer('HTTP/1.1 200 OK', length)), true);
    assert.equal(keeps(answer('HTTP/1.1 200 OK', length, 'Connection: close')), false);
    assert.equal(keeps(answer('HTTP/1.1 200 OK')), false);
    assert.equal(keeps(answer('HTTP/1.0 200 OK', length)), false);
    assert.equal(keeps(answer('HTTP/1.0 200 OK', length, 'Connection: keep-alive')), true);
    assert.equal(keeps(answer('HTTP/1.0 200 OK', 'Connection: keep-alive')), false);
  });

  it('reports status and reason as sent', () => {
    const head = (line: string): unknown[] => {
      const message = record(answer(line, 'Content-Length: 0')).messages[0];
      return [message?.head.status, message?.head.reasonPhrase, message?.head.minorVersion];
    };
    assert.deepEqual(head('HTTP/1.1 200 OK'), [200, 'OK', 1]);
    assert.deepEqual(head('HTTP/1.1 404 Not Found caf\u00e9'), [404, 'Not Found caf\u00e9', 1]);
    assert.deepEqual(head('HTTP/1.0 200'), [200, '', 0]);
    assert.deepEqual(head('HTTP/1.1 200 '), [200, '', 1]);
    assert.deepEqual(head('HTTP/1.7 999 X'), [999, 'X', 1]);
  });

  it('reads chunks and trailers, and refuses trailers that would change the message', () => {
    const chunks = '3;x\r\nabc\r\n2\r\nde\r\n0\r\n';
    const text = answer('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunks;
    const whole = record(`${text}Grpc-Status: 0\r\nContent-Digest: x\r\n\r\n`);
    assert.equal(whole.refusal, undefined);
    assert.equal(whole.messages[0]?.body, 'abcde');
    assert.deepEqual(whole.messages[0].trailers, [
      ['grpc-status', '0'],
      ['content-digest', 'x'],
    ]);
    for (const trailer of [
      'Content-Length: 5',
      'Set-Cookie: a=b',
      'Transfer_Encoding: x',
      `X: ${'x'.repeat(70_000)}`,
    ]) {
      assert.equal(record(`${text}${trailer}\r\n\r\n`).refusal?.status, 502);
    }
  });

  it('ends an until-close body where the worker closes', () => {
    const { messages, refusal } = record(`${answer('HTTP/1.1 200 OK')}hello`);
    assert.equal(refusal, undefined);
    assert.equal(messages[0]?.body, 'hello');
    assert.equal(messages[0].isEnded, true);
  });

  it('says how much of a body came', () => {
    const { refusal } = record(`${answer('HTTP/1.1 200 OK', 'Content-Length: 10')}hello`);
    assert.deepEqual(refusal, { status: 502, reason: 'the connection ended after 5 of 10 body bytes' });
  });

  it('goes on behind bytes of a body that went another way, and takes no end that it was not shown', () => {
    const head = Buffer.from(answer('HTTP/1.1 200 OK', 'Content-Length: 10'));
    const sink = new RecordingSink<ResponseHead>();
    const parser = new ResponseParser(sink, responseLimits);
    parser.expect('GET');
    assert.equal(parser.bodyLeft, 0);
    parser.execute(head, 0, head.length);
    parser.skipBody(7);
    assert.equal(parser.bodyLeft, 3);
    assert.throws(() => {
      parser.skipBody(3);
    });
    assert.equal(parser.execute(Buffer.from('end!'), 0, 4), 3);
    assert.deepEqual(sink.calls, ['onHead', 'onBody', 'onEnd']);
    assert.equal(parser.bodyLeft, 0);
  });

  it('stops behind an asked-for 101, leaves the tunnel alone and takes no further answer', () => {
    const head = answer('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');
    const interim = answer('HTTP/1.1 100 Continue');
    const bytes = Buffer.from(`${interim}${head}HTTP/1.1 200 OK\r\n\r\n`);
    const sink = new RecordingSink<ResponseHead>();
    const parser = new ResponseParser(sink, responseLimits);
    parser.expect('GET', true);
    const stop = parser.execute(bytes, 0, bytes.length);
    assert.equal(stop, interim.length + head.length);
    assert.equal(parser.execute(bytes, stop, bytes.length), stop);
    parser.finish();
    assert.deepEqual(sink.calls, ['onHead', 'onHead']);
    assert.equal(sink.messages[1]?.head.upgrade, 'websocket');
    assert.deepEqual(sink.messages[1].head.framing, { kind: 'none' });
    assert.equal(parser.isIdle, false);
    assert.throws(() => {
      parser.expect('GET');
    });
  });

  it('takes a final answer to a request that asked to upgrade', () => {
    const { messages, refusal } = record(
      `${answer('HTTP/1.1 426 Upgrade Required', 'Upgrade: x', 'Content-Length: 2')}no`,
      {
        asksUpgrade: true,
      },
    );
    assert.equal(refusal, undefined);
    assert.equal(messages[0]?.body, 'no');
    assert.equal(messages[0].head.upgrade, undefined);
  });

  it('refuses a 101 without Upgrade', () => {
    const { refusal } = record(answer('HTTP/1.1 101 X', 'Connection: upgrade'), { asksUpgrade: true });
    assert.equal(refusal?.reason, 'status 101 without Upgrade');
  });

  it('takes 16 interim heads before each answer and refuses the 17th', () => {
    const interim = answer('HTTP/1.1 103 Early Hints', 'Link: </a>');
    const final = answer('HTTP/1.1 200 OK', 'Content-Length: 0');
    assert.equal(record(interim.repeat(16) + final).refusal, undefined);
    assert.equal(record(interim.repeat(17) + final).refusal?.status, 502);
    const sink = new RecordingSink<ResponseHead>();
    const parser = new ResponseParser(sink, responseLimits);
    const bytes = Buffer.from(interim.repeat(16) + final);
    for (let exchange = 0; exchange < 3; exchange++) {
      parser.expect('GET');
      assert.equal(parser.execute(bytes, 0, bytes.length), bytes.length);
    }
    assert.equal(sink.refusal, undefined);
  });

  it('answers one request after another, each by its own method', () => {
    const sink = new RecordingSink<ResponseHead>();
    const parser = new ResponseParser(sink, responseLimits);
    for (const [method, text] of [
      ['HEAD', answer('HTTP/1.1 200 OK', 'Content-Length: 5', 'X-A: 1')],
      ['GET', `${answer('HTTP/1.1 200 OK', 'Content-Length: 5')}hello`],
      ['HEAD', answer('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')],
    ] as const) {
      assert.equal(parser.isIdle, true);
      parser.expect(method);
      assert.equal(parser.isIdle, true);
      assert.equal(parser.execute(Buffer.from(text), 0, text.length), text.length);
    }
    assert.deepEqual(
      sink.messages.map(({ head, body, isEnded }) => [head.fields.length, body, isEnded]),
      [
        [2, '', true],
        [1, 'hello', true],
        [1, '', true],
      ],
    );
  });

  it('is idle while no byte of an awaited answer came, and not after an interim head', () => {
    const parser = new ResponseParser(new RecordingSink<ResponseHead>(), responseLimits);
    parser.expect('GET');
    const bytes = Buffer.from(answer('HTTP/1.1 100 Continue'));
    assert.equal(parser.isIdle, true);
    parser.execute(bytes, 0, 0);
    assert.equal(parser.isIdle, true);
    parser.execute(bytes, 0, 1);
    assert.equal(parser.isIdle, false);
    parser.execute(bytes, 1, bytes.length);
    assert.equal(parser.isIdle, false);
  });

  it('refuses bytes that no request asked for', () => {
    const sink = new RecordingSink<ResponseHead>();
    const parser = new ResponseParser(sink, responseLimits);
    const bytes = Buffer.from(answer('HTTP/1.1 408 Request Timeout', 'Content-Length: 0'));
    assert.equal(parser.execute(bytes, 0, bytes.length), 0);
    assert.deepEqual(sink.calls, ['onRefusal']);
  });

  it('does nothing when the worker ends between answers', () => {
    const sink = new RecordingSink<ResponseHead>();
    new ResponseParser(sink, responseLimits).finish();
    assert.deepEqual(sink.calls, []);
  });

  it('must not be told to expect an answer while one is outstanding', () => {
    const parser = new ResponseParser(new RecordingSink<ResponseHead>(), responseLimits);
    parser.expect('GET');
    assert.throws(() => {
      parser.expect('GET');
    });
  });

  it('pauses after any callback and goes on from there, also without new bytes', () => {
    const bytes = Buffer.from(`${answer('HTTP/1.1 100 Continue')}${answer('HTTP/1.1 200 OK', 'Content-Length: 2')}ok`);
    const sink = new RecordingSink<ResponseHead>(() => {
      parser.pause();
    });
    const parser = new ResponseParser(sink, responseLimits);
    parser.expect('GET');
    let pos = 0;
    const calls: number[] = [];
    while (!sink.calls.includes('onEnd')) {
      pos = parser.execute(bytes, pos, bytes.length);
      calls.push(sink.calls.length);
    }
    assert.deepEqual(calls, [1, 2, 3, 4]);
    assert.deepEqual(sink.calls, ['onHead', 'onHead', 'onBody', 'onEnd']);
  });
});
