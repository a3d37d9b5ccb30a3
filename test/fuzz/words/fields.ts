// The words that field lines are made of: what is right, and what is nearly right.
import { numbers } from './bodies.ts';

export const separators = [': ', ': ', ': ', ':', ':\t', ':   '];

export const oddSeparators = [' : ', '\t:', ' ', '', '::', ':\r\n ', ':\0', '\xa0:'];

export const hosts = [
  'a.test',
  'a.test',
  'a.test',
  'A.Test:80',
  '[::1]',
  '[::ffff:1.2.3.4]:8080',
  'a_b.test.',
  '127.0.0.1',
];

const oddHosts = [
  ...[
    '',
    'a..b',
    'x@a.test',
    'a.test, b',
    'a.test:65536',
    'a.test:65535',
    'a.test:',
    ':80',
    '[1::2::3]',
    '[::1',
    '::1',
  ],
  ...[
    '[::1.2.3.256]',
    '[1:2:3:4:5:6:7:8]',
    '[1:2:3:4:5:6:7::]',
    '[fe80::1%eth0]',
    '.',
    '.a',
    'a.',
    'a/b',
    'a b',
    'a%2eb',
  ],
  ...[
    '[::]',
    '[]',
    'a.test:080',
    'a.test:000080',
    'a'.repeat(255),
    'a'.repeat(256),
    `${'a'.repeat(255)}:1`,
    '\xe9.test',
  ],
  ...['[0000:0000:0000:0000:0000:0000:255.255.255.255]', '[::01.2.3.4]', 'a\tb', 'localhost'],
];

const oddLengths = [
  ...['05', '+5', '-1', '-0', '5 ', '5, 5', '5,5', '0x5', '', '5;a', '1e3', '5 6', '5.0', '\xb2', '5\v', '00', '5\t'],
];

const codings = [
  ...['chunked', 'chunked', 'chunked', 'Chunked', 'CHUNKED', 'chunked ', ',chunked', 'chunked,', 'gzip, chunked'],
  ...[
    'identity',
    'chunked, chunked',
    'xchunked',
    '',
    '"chunked"',
    'chunked;q=1',
    '\vchunked',
    'chunked\0',
    'chunked, gzip',
  ],
  ...['gzip,,chunked', 'chunke\x64', 'chun\rked', '\tchunked\t', 'identity, chunked'],
];

const connections = [
  ...[
    'close',
    'keep-alive',
    'Keep-Alive',
    'upgrade',
    'Upgrade, close',
    'x-a',
    'X-A, x-b,close',
    'host',
    'Content-Length',
  ],
  ...[
    'transfer-encoding',
    ',,',
    ', close ,',
    'a b',
    'close;q=1',
    '"close"',
    'te',
    'x-forwarded-for, x-a',
    'expect',
    'cookie',
  ],
  ...[Array.from({ length: 32 }, (_, i) => `x-${i}`).join(), Array.from({ length: 33 }, (_, i) => `x-${i}`).join()],
];

const upgrades = [
  'websocket',
  'WebSocket',
  'h2c',
  'H2C',
  'h2',
  'h2c/1',
  'a/1, b',
  'websocket, h2c',
  'a/',
  '/',
  '',
  'a b',
  'a,,b',
];

/** Names with the values they may have, by no means all good. */
export const fields: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['Host', [...hosts, ...oddHosts]],
  ['Content-Length', [...numbers, ...oddLengths, '0', '5', '5', '5']],
  ['Transfer-Encoding', codings],
  ['Connection', connections],
  ['Upgrade', upgrades],
  ['Expect', ['100-continue', '100-Continue', '200-ok', '', '100-continue, x']],
  ['Trailer', ['x-t', 'content-length']],
  ['TE', ['trailers', 'gzip, trailers', '']],
  ['Keep-Alive', ['timeout=5', 'timeout=0, max=1']],
  ['Proxy-Connection', ['keep-alive', 'close']],
  ['HTTP2-Settings', ['AAMAAABkAAQAAP__']],
  ['Proxy', ['http://evil.test']],
  ['X-Forwarded-For', ['1.2.3.4', '1.2.3.4, 5.6.7.8', 'a\xe9', '']],
  ['X_Forwarded_For', ['1.2.3.4']],
  ['X-Forwarded-Host', ['evil.test']],
  ['X-Forwarded-Proto', ['https']],
  ['X-Forwarded-Bogus', ['1']],
  ['X-Request-Id', ['a', 'a b', 'a'.repeat(129)]],
  ['Forwarded', ['for=1.2.3.4']],
  ['X-Emperor-Generation', ['a/1']],
  ['Date', ['Sun, 06 Nov 1994 08:49:37 GMT']],
  ['Content-Type', ['text/event-stream', 'text/plain']],
  ['Content-Range', ['bytes 0-1/2']],
  ['Cookie', ['a=b', 'a=b; c="d"', '']],
  [
    'X-A',
    ['1', 'a b', ' a', 'a ', '\ta\t', '', 'caf\xe9', '\x80\xff', ':', 'a:b', ',', '"\\"', 'a\tb', 'x'.repeat(200)],
  ],
  ['x-b', ['2', 'GET / HTTP/1.1', '0', 'chunked']],
  ['X.D', ['dot']],
  ["!#$%&'*+-.^_`|~", ['token']],
];

export const oddNames = [
  ...[
    '',
    'X A',
    'X\0',
    'Host ',
    'H\xf6st',
    'Content-Length\v',
    'Transfer-Encoding\t',
    '\xa0Host',
    'X:Y',
    '\x7f',
    '"X"',
    '(x)',
  ],
  ...[
    'Content_Length',
    'Transfer_Encoding',
    'Content.Length',
    'content-lengt',
    'ontent-length',
    'Content-Length\u00df',
  ],
];

export const oddValues = ['\0', 'a\0b', 'a\rb', 'a\nb', '\x01', '\x7f', 'a\x0bb', '\r', 'a\r\n b', '\x1f', 'a\r\r'];
