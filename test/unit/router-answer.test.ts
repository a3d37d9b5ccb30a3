import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { Answer, type AnsweredHead } from '../../router/edge/answer.ts';
import { HttpDates } from '../../router/edge/http-dates.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import type { ResponseHead } from '../../router/http1/message.ts';
import { ResponseParser } from '../../router/http1/response-parser.ts';
import { RecordingSink, responseLimits } from '../harness/http1-recording.ts';

/** What a client gets of a worker's head. */
function answerTo(request: AnsweredHead, ...lines: string[]): string {
  let sent = '';
  const outlet = {
    write: (bytes: Buffer, start: number, end: number): boolean => {
      sent += bytes.toString('latin1', start, end);
      return true;
    },
  };
  const edge = { writer: new HeadWriter(), dates: new HttpDates({ wallMs: () => 0 }) };
  const answer = new Answer(edge, outlet, request);
  const sink = new RecordingSink<ResponseHead>();
  const parser = new ResponseParser(sink, responseLimits);
  parser.expect(request.method);
  const bytes = Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');
  parser.execute(bytes, 0, bytes.length);
  assert.ok(sink.liveHead !== undefined);
  answer.begin(sink.liveHead, false, undefined);
  return sent;
}

const date = 'Date: Thu, 01 Jan 1970 00:00:00 GMT';

describe('an answer', () => {
  it('to HEAD, and a 304, tell the length of the body that they do not have', () => {
    const head = { method: 'HEAD', minorVersion: 1 } as const;
    const get = { method: 'GET', minorVersion: 1 } as const;
    assert.equal(
      answerTo(head, 'HTTP/1.1 200 OK', 'Content-Length: 5'),
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${date}\r\n\r\n`,
    );
    assert.equal(
      answerTo(get, 'HTTP/1.1 304 Not Modified', 'Content-Length: 5'),
      `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n${date}\r\n\r\n`,
    );
  });

  it('of 204 tells no length, not even to HEAD', () => {
    for (const method of ['HEAD', 'GET']) {
      assert.equal(
        answerTo({ method, minorVersion: 1 }, 'HTTP/1.1 204 No Content', 'Content-Length: 5'),
        `HTTP/1.1 204 No Content\r\n${date}\r\n\r\n`,
      );
    }
  });
});
