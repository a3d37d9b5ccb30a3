// What mutations start from: the conformance cases, and messages that come near rules which no such case is about.
import { Buffer } from 'node:buffer';
import { requestCases, responseCases } from '../conformance/cases.ts';

/** Longer ones are mutated seldom: they would take most of the time. */
export const usualSeedBytes = 1024;

export interface Seed {
  readonly bytes: Buffer;
  /** Of the request that an answer belongs to. */
  readonly method: string;
}

const requests = [
  'POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n5;a="b"\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx',
  'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'PUT / HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  'GET http://a.test/x?y HTTP/1.1\r\nHost: A.test\r\nConnection: close, x-a\r\nX-A: 1\r\n\r\n',
  'OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n',
];
/** As many empty lines as are skipped before a request, and one more. */
const afterEmptyLines = [8, 9].map((lines) => `${'\r\n'.repeat(lines)}GET / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
const answers = [
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nbytes',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 5\r\n\r\nhello',
];

export const requestSeeds: readonly Seed[] = [
  ...requestCases().map(({ bytes }) => ({ bytes, method: '' })),
  ...[...requests, ...afterEmptyLines].map((text) => ({ bytes: Buffer.from(text, 'latin1'), method: '' })),
];
export const responseSeeds: readonly Seed[] = [
  ...responseCases().map(({ bytes, method }) => ({ bytes, method })),
  ...answers.map((text) => ({ bytes: Buffer.from(text, 'latin1'), method: 'GET' })),
];
