// The exchanges whose cost is measured: what the client sends, in the pieces in which it arrives, and what the worker
// answers to each request.
import { Buffer } from 'node:buffer';

export interface Shape {
  /** Of the client; each arrives by itself. */
  readonly request: readonly Buffer[];
  /** Requests in it. */
  readonly requests: number;
  readonly answer: Buffer;
}

const browserRequestBytes = 800;
const pageBytes = 4096;
const postBytes = 10 * 1024;
const pipelined = 8;

const get = text('GET / HTTP/1.1', ['Host: a.test']);

const browserLines = [
  'Host: a.test',
  'Connection: keep-alive',
  'Cache-Control: max-age=0',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Referer: http://a.test/page?from=elsewhere',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Priority: u=0, i',
];
const withoutCookie = text('GET /page HTTP/1.1', browserLines).length;
const cookie = 'Cookie: session='.padEnd(browserRequestBytes - withoutCookie - 2, '0123456789abcdef');

const okLines = [
  'Server: nginx/1.22.1',
  'Date: Sat, 21 Nov 2026 12:00:00 GMT',
  'Content-Type: text/plain',
  'Connection: keep-alive',
];
const hello = text('HTTP/1.1 200 OK', [...okLines, 'Content-Length: 12'], 'hello world\n');
const page = text(
  'HTTP/1.1 200 OK',
  [
    ...okLines,
    `Content-Length: ${pageBytes}`,
    'Cache-Control: private, max-age=0',
    'ETag: "5f0c6e9a-1000"',
    'Set-Cookie: session=0123456789abcdef; Path=/; HttpOnly',
  ],
  'a'.repeat(pageBytes),
);

const body = 'b'.repeat(postBytes);
const postLines = ['Host: a.test', 'User-Agent: bench', 'Content-Type: application/octet-stream'];
const chunks = `${(postBytes / 2).toString(16)}\r\n${body.slice(postBytes / 2)}\r\n`.repeat(2) + '0\r\n\r\n';

/** By name. */
export const shapes: Readonly<Record<string, Shape>> = {
  get: { request: [get], requests: 1, answer: hello },
  browser: { request: [text('GET /page HTTP/1.1', [...browserLines, cookie])], requests: 1, answer: page },
  'post-length': {
    request: [text('POST / HTTP/1.1', [...postLines, `Content-Length: ${postBytes}`], body)],
    requests: 1,
    answer: hello,
  },
  'post-chunked': {
    request: [text('POST / HTTP/1.1', [...postLines, 'Transfer-Encoding: chunked'], chunks)],
    requests: 1,
    answer: hello,
  },
  pipelined: { request: [Buffer.concat(Array<Buffer>(pipelined).fill(get))], requests: pipelined, answer: hello },
};

function text(start: string, lines: readonly string[], body = ''): Buffer {
  return Buffer.from(`${[start, ...lines].join('\r\n')}\r\n\r\n${body}`, 'latin1');
}
