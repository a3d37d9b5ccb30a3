// What a parser may hold is bounded by its limits, whatever a peer sends and for how long: measured on many parsers that
// are flooded in the ways that make them keep bytes.
import { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { MessageParser } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { ResponseParser } from '../../router/http1/response-parser.ts';
import { must } from './finding.ts';
import { requestLimits, responseLimits } from './input.ts';

interface Flood {
  readonly name: string;
  readonly begin: string;
  /** Sent again and again. */
  readonly unit: string;
}

const parsers = 64;
/** Of one flood, in multiples of the limit. */
const excess = 4;
/** One for all, so that nothing but what parsers keep is left in the end. */
const piece = Buffer.alloc(1400);
const bytesPerField = 20;
/** Objects, small tables and a first buffer. */
const bytesOfParser = 8 * 1024;

const head = 'POST / HTTP/1.1\r\nHost: a.test\r\n';
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
const floods: readonly Flood[] = [
  { name: 'a request line', begin: 'GET /', unit: 'a' },
  { name: 'one long value', begin: `${head}X-A: `, unit: 'a' },
  { name: 'many short lines', begin: head, unit: 'a:\r\n' },
  { name: 'a body', begin: `${head}Content-Length: 9007199254740991\r\n\r\n`, unit: 'hello' },
  { name: 'many chunks', begin: chunked, unit: '1;a=b\r\nx\r\n' },
  { name: 'chunk extensions', begin: chunked, unit: '1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n' },
  { name: 'many trailers', begin: `${chunked}0\r\n`, unit: 'a:\r\n' },
  { name: 'a long trailer', begin: `${chunked}0\r\na: `, unit: 'a' },
];
const answerFloods: readonly Flood[] = [
  { name: 'a status line', begin: 'HTTP/1.1 200 ', unit: 'a' },
  { name: 'one long value of an answer', begin: 'HTTP/1.1 200 OK\r\nX-A: ', unit: 'a' },
  { name: 'many short lines of an answer', begin: 'HTTP/1.1 200 OK\r\n', unit: 'a:\r\n' },
  { name: 'interim answers', begin: '', unit: 'HTTP/1.1 102 Processing\r\nX-A: a\r\n\r\n' },
];
const ignore = {
  onHead: (): void => undefined,
  onBody: (): void => undefined,
  onTrailers: (): void => undefined,
  onEnd: (): void => undefined,
  onRefusal: (): void => undefined,
};

/** Returns the most bytes that one parser held; a Finding where that is too much. */
export function measureMemory(): number {
  const collect = exposeCollector();
  const most = [
    ...floods.map((flood) => held(flood, () => new RequestParser(ignore, requestLimits), collect)),
    ...answerFloods.map((flood) => held(flood, startAnswer, collect)),
  ];
  return Math.max(...most);
}

function startAnswer(): MessageParser {
  const parser = new ResponseParser(ignore, responseLimits);
  parser.expect('GET');
  return parser;
}

/** Bytes per parser. */
function held({ name, begin, unit }: Flood, create: () => MessageParser, collect: () => void): number {
  const limits = begin.startsWith('HTTP') || begin === '' ? responseLimits : requestLimits;
  // The head of the message and its trailers are two sections.
  const bound = 2 * (limits.maxHeadBytes + bytesPerField * limits.maxFields) + bytesOfParser;
  const bytes = Buffer.from(begin + unit.repeat(Math.ceil((excess * limits.maxHeadBytes) / unit.length)));
  const flooded: MessageParser[] = [];
  const before = usedBytes(collect);
  for (let i = 0; i < parsers; i++) {
    const parser = create();
    flood(parser, bytes);
    flooded.push(parser);
  }
  const each = Math.round((usedBytes(collect) - before) / flooded.length);
  must('memory', each <= bound, () => `${name}: a parser holds ${each} bytes, which may be ${bound}`);
  return each;
}

function flood(parser: MessageParser, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += piece.length) {
    const length = bytes.copy(piece, 0, at);
    if (parser.execute(piece, 0, length) < length) return;
  }
}

function usedBytes(collect: () => void): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
