import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { fieldIds } from '../../router/http1/field-names.ts';
import type { RequestHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { RecordingSink, everyByte, recordRequests, requestLimits } from '../harness/http1-recording.ts';

function record(text: string): ReturnType<typeof recordRequests> {
  return recordRequests([Buffer.from(text, 'latin1')]);
}

function get(...lines: string[]): string {
  return ['GET / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n');
}

function post(...lines: string[]): string {
  return ['POST / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n');
}

function chunked(body: string): string {
  return `${post('Transfer-Encoding: chunked')}${body}`;
}

describe('the request parser', () => {
  it('accepts a head of exactly the limit and refuses one byte more, saying the limit', () => {
    const filler = (total: number): string => get(`X-A: ${'a'.repeat(total - get('X-A: ').length)}`);
    assert.equal(filler(16_384).length, 16_384);
    assert.equal(record(filler(16_384)).refusal, undefined);
    for (const pieces of [[Buffer.from(filler(16_385))], everyByte(Buffer.from(filler(16_385)))]) {
      assert.deepEqual(recordRequests(pieces).refusal, { status: 400, reason: 'request head larger than 16384 bytes' });
    }
  });

  it('accepts a request line of 8192 bytes and answers 414 to one more', () => {
    const withLine = (bytes: number): string => {
      const rest = 'GET / HTTP/1.1'.length;
      return `GET /${'a'.repeat(bytes - rest)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    };
    assert.equal(record(withLine(8192)).refusal, undefined);
    assert.equal(record(withLine(8193)).refusal?.status, 414);
    assert.equal(recordRequests(everyByte(Buffer.from(withLine(8193)))).refusal?.status, 414);
  });

  it('answers 414 where the whole head limit is spent on the request line', () => {
    const recording = recordRequests([Buffer.from(`GET /${'a'.repeat(600)}`)], { maxHeadBytes: 512, maxFields: 10 });
    assert.deepEqual(recording.refusal, { status: 414, reason: 'request line longer than 512 bytes' });
  });

  it('goes on behind bytes of a body that went another way, with the request behind it', () => {
    const head = Buffer.from(post('Content-Length: 10'));
    const sink = new RecordingSink<RequestHead>();
    const parser = new RequestParser(sink, requestLimits);
    parser.execute(head, 0, head.length);
    assert.equal(parser.bodyLeft, 10);
    parser.skipBody(7);
    const rest = Buffer.from(`end${get()}`);
    const stop = parser.execute(rest, 0, rest.length);
    assert.equal(stop, 3);
    parser.execute(rest, stop, rest.length);
    assert.deepEqual(sink.calls, ['onHead', 'onBody', 'onEnd', 'onHead', 'onEnd']);
  });

  it('says of a chunked body that nobody knows what is left of it', () => {
    const head = Buffer.from(chunked('5\r\nhe'));
    const parser = new RequestParser(new RecordingSink<RequestHead>(), requestLimits);
    parser.execute(head, 0, head.length);
    assert.equal(parser.bodyLeft, 0);
  });

  it('accepts as many fields as the limit and answers 431 to one more', () => {
    const lines = (count: number): string => get(...Array.from({ length: count - 1 }, (_, i) => `X-${i}: ${i}`));
    const [message] = record(lines(200)).messages;
    assert.equal(message?.head.fields.length, 200);
    assert.deepEqual(message.head.fields.at(-1), ['x-198', '198']);
    assert.deepEqual(record(lines(201)).refusal, { status: 431, reason: 'more than 200 field lines' });
  });

  it('names the line of a malformed field without repeating its bytes', () => {
    assert.equal(
      record(get('X-A: \u0001<script>')).refusal?.reason,
      'field line 2: control character 0x01 in the value',
    );
    assert.equal(record(get('a', '')).refusal?.reason, 'field line 2: no colon');
    assert.match(record(get('X-A : 1')).refusal?.reason ?? '', /^field line 2: blank in or after the name/);
  });

  it('hands over fields by id, name and value', () => {
    const sink = new RecordingSink<RequestHead>();
    const bytes = Buffer.from(get('ACCEPT: a', 'X-Other:  b c ', 'accept: d', 'X-Caf: \u00e9'), 'latin1');
    assert.equal(new RequestParser(sink, requestLimits).execute(bytes, 0, bytes.length), bytes.length);
    bytes.fill(0);
    const fields = sink.liveHead?.fields;
    assert.ok(fields !== undefined);
    assert.equal(fields.count, 5);
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => fields.id(i)),
      [fieldIds.host, fieldIds.accept, 0, fieldIds.accept],
    );
    assert.equal(fields.name(1), 'accept');
    assert.equal(fields.name(2), 'x-other');
    assert.equal(fields.value(2), 'b c');
    assert.equal(fields.value(4), '\u00e9');
    assert.equal(fields.first(fieldIds.accept), 'a');
    assert.equal(fields.first(fieldIds.cookie), undefined);
  });

  it('forgets the fields of the last request', () => {
    const { messages } = record(
      `${get('Cookie: a=b', 'X-A: 1')}${get('X-B: 2')}${post('Content-Length: 2')}hi${chunked('2\r\nyo\r\n0\r\nX-T: 1\r\n\r\n')}${chunked('0\r\n\r\n')}${get()}`,
    );
    assert.deepEqual(
      messages.map(({ head, body, trailers, isEnded }) => [head.fields.length, body, trailers, isEnded]),
      [
        [3, '', undefined, true],
        [2, '', undefined, true],
        [2, 'hi', undefined, true],
        [2, 'yo', [['x-t', '1']], true],
        [2, '', undefined, true],
        [1, '', undefined, true],
      ],
    );
  });

  it('carries nothing over to the next request of the connection', () => {
    const sink = new RecordingSink<RequestHead>();
    const parser = new RequestParser(sink, requestLimits);
    const extensions = chunked(`${`1;${'a'.repeat(250)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`);
    const spacious = `${'\r\n'.repeat(8)}${get('Cookie: a=b', 'Connection: close, x-a')}`;
    const bytes = Buffer.from(extensions + extensions + spacious + spacious + get());
    for (let pos = 0; pos < bytes.length;) {
      pos = parser.execute(bytes, pos, bytes.length);
      assert.equal(sink.refusal, undefined);
    }
    const last = sink.liveHead;
    assert.equal(sink.messages.length, 5);
    assert.equal(last?.fields.first(fieldIds.cookie), undefined);
    assert.equal(last?.fields.first(fieldIds.connection), undefined);
    assert.deepEqual(last?.nominated, []);
    assert.equal(last.keepAlive, true);
  });

  it('says whether the connection may be kept', () => {
    const keepAlive = (text: string): boolean | undefined => record(text).messages[0]?.head.keepAlive;
    assert.equal(keepAlive(get()), true);
    assert.equal(keepAlive(get('Connection: keep-alive, Close')), false);
    assert.equal(keepAlive('GET / HTTP/1.0\r\n\r\n'), false);
    assert.equal(keepAlive('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n'), true);
    assert.equal(keepAlive('GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n'), false);
  });

  it('expects to be told to go on only where there is a body', () => {
    const expects = (text: string): boolean | undefined => record(text).messages[0]?.head.expectsContinue;
    assert.equal(expects(`${post('Content-Length: 1', 'Expect: 100-continue')}x`), true);
    assert.equal(expects(`${post('Transfer-Encoding: chunked', 'Expect: 100-continue')}0\r\n\r\n`), true);
    assert.equal(expects(post('Content-Length: 0', 'Expect: 100-continue')), false);
  });

  it('reports a valid upgrade and leaves the bytes behind it', () => {
    const sink = new RecordingSink<RequestHead>();
    const head = get('Upgrade: websocket', 'Connection: keep-alive, Upgrade');
    const bytes = Buffer.from(`${head}\u0081\u0005hello`, 'latin1');
    assert.equal(new RequestParser(sink, requestLimits).execute(bytes, 0, bytes.length), head.length);
    assert.equal(sink.messages[0]?.head.upgrade, 'websocket');
    assert.deepEqual(sink.messages[0].head.nominated, []);
  });

  it('rewrites absolute-form', () => {
    const target = (line: string, host = 'Host: a.test\r\n'): unknown[] => {
      const head = record(`${line}\r\n${host}\r\n`).messages[0]?.head;
      return [head?.target, head?.authority, head?.host];
    };
    assert.deepEqual(target('GET http://a.test?x=/y HTTP/1.1'), ['/?x=/y', 'a.test', 'a.test']);
    assert.deepEqual(target('OPTIONS http://a.test HTTP/1.1'), ['*', 'a.test', 'a.test']);
    assert.deepEqual(target('OPTIONS http://a.test/ HTTP/1.1'), ['/', 'a.test', 'a.test']);
    assert.deepEqual(target('GET http://B.test:81/x HTTP/1.0', ''), ['/x', 'B.test:81', 'b.test']);
  });

  it('reports nothing more after a refusal', () => {
    const sink = new RecordingSink<RequestHead>();
    const parser = new RequestParser(sink, requestLimits);
    const bad = Buffer.from('GET / HTTP/1.1\r\n\r\n');
    parser.execute(bad, 0, bad.length);
    assert.equal(parser.isIdle, false);
    const good = Buffer.from(get());
    assert.equal(parser.execute(good, 0, good.length), 0);
    parser.finish();
    assert.deepEqual(sink.calls, ['onRefusal']);
  });

  it('is idle between requests only, empty lines not counted', () => {
    const parser = new RequestParser(new RecordingSink<RequestHead>(), requestLimits);
    const states: boolean[] = [];
    for (const part of ['\r\n\r\n', 'G', 'ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n', 'x', '\r']) {
      parser.execute(Buffer.from(part), 0, part.length);
      states.push(parser.isIdle);
    }
    assert.deepEqual(states, [true, false, false, true, true]);
  });

  it('ends quietly where the client ends between requests', () => {
    const sink = new RecordingSink<RequestHead>();
    const parser = new RequestParser(sink, requestLimits);
    parser.finish();
    const bytes = Buffer.from(`${get()}\r\n`);
    parser.execute(bytes, parser.execute(bytes, 0, bytes.length), bytes.length);
    parser.finish();
    assert.deepEqual(sink.calls, ['onHead', 'onEnd']);
  });

  it('pauses after any callback and goes on from there, also without new bytes', () => {
    const text = chunked('3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n');
    const bytes = Buffer.from(text);
    const sink = new RecordingSink<RequestHead>(() => {
      parser.pause();
    });
    const parser = new RequestParser(sink, requestLimits);
    let pos = 0;
    const calls: number[] = [];
    while (sink.messages[0]?.isEnded !== true) {
      pos = parser.execute(bytes, pos, bytes.length);
      calls.push(sink.calls.length);
    }
    assert.equal(pos, bytes.length);
    assert.deepEqual(calls, [1, 2, 3, 4, 5]);
    assert.deepEqual(sink.calls, ['onHead', 'onBody', 'onBody', 'onTrailers', 'onEnd']);
    assert.equal(sink.messages[0].body, 'abcdef');
  });

  it('passes body bytes through uncopied', () => {
    const bytes = Buffer.from(`${post('Content-Length: 5')}hello`);
    const seen: unknown[] = [];
    const parser = new RequestParser(
      {
        onHead: () => undefined,
        onBody: (body, start, end) => seen.push(body === bytes, end - start),
        onTrailers: () => undefined,
        onEnd: () => undefined,
        onRefusal: () => undefined,
      },
      requestLimits,
    );
    parser.execute(bytes, 0, bytes.length);
    assert.deepEqual(seen, [true, 5]);
  });

  it('reads only the range it is given', () => {
    const sink = new RecordingSink<RequestHead>();
    const text = `junk${get()}junk`;
    const bytes = Buffer.from(text);
    assert.equal(new RequestParser(sink, requestLimits).execute(bytes, 4, bytes.length), bytes.length - 4);
    assert.deepEqual(sink.calls, ['onHead', 'onEnd']);
  });
});
