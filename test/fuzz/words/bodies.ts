// The words that bodies are made of, numbers, and what is inserted anywhere.

/** Decimal numbers at bounds, and what is taken for a number by one program and not by another. */
export const numbers = [
  ...['0', '1', '5', '6', '9', '10', '255', '256', '65535', '65536', '2147483647', '2147483648', '4294967295'],
  ...['4294967296', '9007199254740991', '9007199254740992', '9223372036854775807', '9223372036854775808'],
  ...['18446744073709551615', '18446744073709551616', '18446744073709551621', '99999999999999999999999'],
];

export const sizes = [
  ...[
    '0',
    '00',
    '0000000000000',
    '00000000000000',
    '1',
    'a',
    'A',
    'f',
    'F',
    '10',
    'ff',
    'FFFF',
    '7fffffff',
    '80000000',
  ],
  ...[
    'ffffffff',
    '100000000',
    'fffffffffffff',
    '10000000000000',
    'ffffffffffffffff',
    '0x5',
    '+5',
    '-5',
    ' 5',
    '5 ',
    'g',
    '',
  ],
];

export const trailers = [
  ...['X-T: 1', 'x-t:2', 'Content-Digest: x', 'X-T:\t\xe9 ', 'Server-Timing: a', 'X-Emperor-Generation: a/1'],
  ...[
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Host: a',
    'X_Forwarded-For: 1',
    'Content_Digest: x',
    'x t: 1',
  ],
  ...['Trailer: a', 'Proxy_Authenticate: a', 'cookie: a', 'X-T', ': a', ' X-T: 1', 'Content_Length: 5'],
];

export const extensions = [
  ...[
    ';a',
    ';a=b',
    ';a="b"',
    ';a="b;\\"\\r c"',
    ';a;b=c;d="e"',
    ';',
    '; a',
    ';a=',
    ';a="',
    ';a="\r\n',
    ';a="b"c',
    ' ;a',
    ';=b',
  ],
  ...[`;${'a'.repeat(255)}`, `;${'a'.repeat(256)}`, ';a="\xff"', ';a="\t"', ';a="\\\0"', ';\n'],
];

export const bodies = [
  'hello',
  '',
  'a',
  '0\r\n\r\n',
  'GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n',
  '\r\n',
  '\0\xff',
  '5\r\nhello\r\n',
];

/** What is inserted anywhere. */
export const crumbs = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\0',
    ':',
    ' ',
    '\t',
    ',',
    ';',
    '=',
    '"',
    '\\',
    '\x7f',
    '\x80',
    '\xff',
    '\v',
    '\f',
    '\x85',
    '\xa0',
  ],
  ...[
    '\r\n\r\n',
    '0\r\n\r\n',
    '\n\n',
    '5\r\nhello\r\n',
    'chunked',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\n',
  ],
  ...[
    'Host: b.test\r\n',
    '\r\n ',
    'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Expect: 100-continue\r\n',
    ' HTTP/1.1',
    '%0d%0a',
    '\xc4\x8a',
    '#',
    '_',
    '-',
    '.',
    '0',
    '\r\r\n',
  ],
];
