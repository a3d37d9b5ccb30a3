// One line per rule: what is let through, and what is answered to everything that is not.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { everyByte, recordRequests } from '../harness/http1-recording.ts';

function get(...lines: string[]): string {
  return ['GET / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n');
}

function post(...lines: string[]): string {
  return ['POST / HTTP/1.1', 'Host: a.test', ...lines, '', ''].join('\r\n');
}

function chunked(body: string): string {
  return `${post('Transfer-Encoding: chunked')}${body}`;
}

interface Verdict {
  readonly title: string;
  readonly text: string;
  /** 0: accepted. */
  readonly status: number;
}

const verdicts: readonly Verdict[] = [
  { title: 'a PURGE', text: 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n', status: 0 },
  { title: 'a VERSION-CONTROL', text: 'VERSION-CONTROL / HTTP/1.1\r\nHost: a\r\n\r\n', status: 0 },
  { title: 'an unknown method', text: 'FROB / HTTP/1.1\r\nHost: a\r\n\r\n', status: 501 },
  { title: 'a method of 32 bytes', text: `${'M'.repeat(32)} / HTTP/1.1\r\nHost: a\r\n\r\n`, status: 501 },
  { title: 'a method of 33 bytes', text: 'M'.repeat(33), status: 501 },
  { title: 'HTTP/0.9 by name', text: 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'HTTP/3.0', text: 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', status: 505 },
  { title: 'a request line ending in LF', text: 'GET / HTTP/1.1\nHost: a\r\n\r\n', status: 400 },
  { title: 'a fragment in the target', text: 'GET /#x HTTP/1.1\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'a non-ASCII target', text: 'GET /caf\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'a target without a slash', text: 'GET x HTTP/1.1\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'GET *', text: 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'an absolute target without a host', text: 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n', status: 400 },
  { title: 'an absolute target without Host', text: 'GET http://a/x HTTP/1.1\r\n\r\n', status: 400 },
  {
    title: 'an absolute target in other case',
    text: 'GET HTTP://A.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n',
    status: 0,
  },
  { title: '8 empty lines before it', text: `${'\r\n'.repeat(8)}${get()}`, status: 0 },
  { title: '9 empty lines before it', text: `${'\r\n'.repeat(9)}${get()}`, status: 400 },
  { title: 'a bare LF before it', text: `\n${get()}`, status: 400 },
  { title: 'a bare CR before it', text: `\r${get()}`, status: 400 },
  { title: 'a blank before the first field', text: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', status: 400 },
  { title: 'an empty field name', text: get(': x'), status: 400 },
  { title: 'an empty value', text: get('X-A:'), status: 0 },
  { title: 'a tab inside a value', text: get('X-A: a\tb'), status: 0 },
  { title: 'a folded line', text: get('X-A: a', '\tb'), status: 400 },
  { title: 'a fold before the end', text: get('X-A: a', ' '), status: 400 },
  { title: 'CR CR LF at the end', text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\r\n', status: 400 },
  { title: 'an empty Content-Length', text: post('Content-Length:'), status: 400 },
  { title: 'Content-Length 00', text: post('Content-Length: 00'), status: 400 },
  { title: 'Content-Length 0', text: post('Content-Length: 0'), status: 0 },
  { title: 'Content-Length 2^53', text: post('Content-Length: 9007199254740992'), status: 400 },
  { title: 'Content-Length 1e3', text: post('Content-Length: 1e3'), status: 400 },
  { title: 'Content-Length "5,5"', text: `${post('Content-Length: 5,5')}hello`, status: 400 },
  {
    title: 'Content-Length and Transfer-Encoding',
    text: `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    status: 400,
  },
  { title: 'an empty Transfer-Encoding', text: post('Transfer-Encoding:'), status: 400 },
  { title: 'Transfer-Encoding gzip', text: post('Transfer-Encoding: gzip'), status: 400 },
  { title: 'Transfer-Encoding gzip, chunked', text: post('Transfer-Encoding: gzip, chunked'), status: 501 },
  { title: 'Transfer-Encoding chunked, gzip', text: post('Transfer-Encoding: chunked, gzip'), status: 400 },
  {
    title: 'Transfer-Encoding chunked twice',
    text: post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    status: 400,
  },
  { title: 'Transfer-Encoding chunked with a parameter', text: post('Transfer-Encoding: chunked;q=1'), status: 400 },
  { title: 'Transfer-Encoding in quotes', text: post('Transfer-Encoding: "chunked"'), status: 400 },
  {
    title: 'Transfer-Encoding with blanks around',
    text: `${post('Transfer-Encoding: \t chunked \t')}0\r\n\r\n`,
    status: 0,
  },
  { title: 'Transfer-Encoding behind a no-break space', text: post('Transfer-Encoding: \u00a0chunked'), status: 400 },
  {
    title: 'two Expect lines',
    text: post('Content-Length: 0', 'Expect: 100-continue', 'Expect: 100-continue'),
    status: 400,
  },
  { title: 'Expect in other case', text: `${post('Content-Length: 1', 'Expect: 100-Continue')}x`, status: 0 },
  {
    title: 'Expect with more than its body behind',
    text: `${post('Content-Length: 1', 'Expect: 100-continue')}xy`,
    status: 400,
  },
  {
    title: 'Upgrade on HTTP/1.0',
    text: 'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    status: 400,
  },
  {
    title: 'Upgrade with a chunked body',
    text: post('Connection: upgrade', 'Upgrade: x', 'Transfer-Encoding: chunked'),
    status: 400,
  },
  {
    title: 'Upgrade with an empty body',
    text: post('Connection: upgrade', 'Upgrade: x', 'Content-Length: 0'),
    status: 0,
  },
  { title: 'an empty Upgrade', text: get('Connection: upgrade', 'Upgrade:'), status: 400 },
  { title: 'Upgrade to a list with h2c', text: get('Connection: upgrade', 'Upgrade: websocket, H2C'), status: 400 },
  { title: 'two Upgrade lines', text: get('Connection: upgrade', 'Upgrade: a', 'Upgrade: b'), status: 400 },
  { title: 'Connection: upgrade alone', text: get('Connection: upgrade'), status: 0 },
  { title: 'Connection with empty elements', text: get('Connection: ,close,, '), status: 0 },
  { title: 'Connection with a blank inside', text: get('Connection: keep alive'), status: 400 },
  { title: 'Connection with a parameter', text: get('Connection: close;x'), status: 400 },
  {
    title: 'Connection naming Content-Length',
    text: `${post('Content-Length: 1', 'Connection: Content-Length')}x`,
    status: 400,
  },
  { title: 'Connection naming Host', text: get('Connection: close, HOST'), status: 400 },
  { title: 'Connection naming 32 fields', text: get(`Connection: ${'x,'.repeat(32)}`), status: 0 },
  { title: 'Connection naming 33 fields', text: get(`Connection: ${'x,'.repeat(33)}`), status: 400 },
  { title: 'a body shorter than its length', text: `${post('Content-Length: 5')}hell`, status: 400 },
  {
    title: 'chunks of every case of digits',
    text: chunked('00a\r\n0123456789\r\nB\r\n0123456789a\r\n00\r\n\r\n'),
    status: 0,
  },
  { title: 'a chunk size of 13 digits', text: chunked('0000000000001\r\nx\r\n0\r\n\r\n'), status: 0 },
  { title: 'a chunk size of 14 digits', text: chunked('00000000000001\r\nx\r\n0\r\n\r\n'), status: 400 },
  { title: 'a blank behind a chunk size', text: chunked('1 \r\nx\r\n0\r\n\r\n'), status: 400 },
  { title: 'extensions of all kinds', text: chunked('1;a;b=c;d="e\\"; f"\r\nx\r\n0;z\r\n\r\n'), status: 0 },
  { title: 'an extension without a value', text: chunked('1;a=\r\nx\r\n0\r\n\r\n'), status: 400 },
  { title: 'an extension behind quotes', text: chunked('1;a="b"c\r\nx\r\n0\r\n\r\n'), status: 400 },
  { title: 'an extension with a tab in quotes', text: chunked('1;a="\t"\r\nx\r\n0\r\n\r\n'), status: 400 },
  { title: 'an extension of 255 bytes', text: chunked(`1;${'a'.repeat(255)}\r\nx\r\n0\r\n\r\n`), status: 0 },
  { title: 'an extension of 256 bytes', text: chunked(`1;${'a'.repeat(256)}\r\nx\r\n0\r\n\r\n`), status: 400 },
  {
    title: 'extensions of 16 KB in all',
    text: chunked(`${`1;${'a'.repeat(200)}\r\nx\r\n`.repeat(90)}0\r\n\r\n`),
    status: 400,
  },
  { title: 'a trailer Content-Length', text: chunked('0\r\nContent-Length: 1\r\n\r\n'), status: 400 },
  { title: 'a trailer content_length', text: chunked('0\r\ncontent_length: 1\r\n\r\n'), status: 400 },
  { title: 'a trailer X-Forwarded-For', text: chunked('0\r\nX-Forwarded-For: 1\r\n\r\n'), status: 400 },
  { title: 'a trailer Host', text: chunked('0\r\nHost: b\r\n\r\n'), status: 400 },
  { title: 'a folded trailer', text: chunked('0\r\nX-T: 1\r\n 2\r\n\r\n'), status: 400 },
  { title: '201 trailers', text: chunked(`0\r\n${'x: y\r\n'.repeat(201)}\r\n`), status: 431 },
  { title: 'a connection that ends inside the trailers', text: chunked('0\r\nX-T: 1\r\n'), status: 400 },
  { title: 'a connection that ends inside the empty line', text: chunked('0\r\n\r'), status: 400 },
];

describe('the request parser', () => {
  for (const { title, text, status } of verdicts) {
    it(`${status === 0 ? 'accepts' : `answers ${status} to`} ${title}, in one piece and byte by byte`, () => {
      for (const recording of [
        recordRequests([Buffer.from(text, 'latin1')]),
        recordRequests(everyByte(Buffer.from(text, 'latin1'))),
      ]) {
        // One byte at a time nothing can lie behind a head.
        if (title === 'Expect with more than its body behind' && recording.messages.length > 0) continue;
        assert.equal(recording.refusal?.status ?? 0, status, recording.refusal?.reason ?? 'accepted');
      }
    });
  }
});
