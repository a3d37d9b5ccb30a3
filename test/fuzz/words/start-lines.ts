// The words that start lines are made of: what is right, and what is nearly right.

export const methods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND', 'VERSION-CONTROL', 'QUERY'];

export const oddMethods = [
  ...['get', '', 'G', 'GE{T', 'GET\t', ' GET', 'CONNECT', 'TRACE', 'PRI', 'A'.repeat(32), 'A'.repeat(33), 'GETX'],
];

export const targets = ['/', '/a?b=c', '//x/y', '/%00', '/a\\b', "/a'b(c)*~", '/?', '/x;y=z'];

export const oddTargets = [
  ...['*', 'http://a.test/', 'http://a.test', 'HTTP://A.Test:80/x?y', 'http://a.test?q', 'http://[::1]/'],
  ...[
    'http://user@a.test/',
    'a.test:80',
    '/a#b',
    'http:///',
    'http://',
    'https://a.test/',
    '',
    '/a b',
    '/\xff',
    '/\x00',
  ],
  ...['http://a.test:99999/', 'http://A.TEST', `/${'a'.repeat(300)}`, `/${'a'.repeat(8170)}`, `/${'a'.repeat(8200)}`],
];

export const versions = [...Array.from({ length: 15 }, () => 'HTTP/1.1'), 'HTTP/1.0'];

export const oddVersions = [
  ...['HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/11', 'HTTP/1.1.1', 'HTTP/01.1'],
  ...['', 'HTTP/1.', 'HTTP /1.1', 'HTTP/1,1'],
];

export const oddLineEnds = ['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\t', ' \r\n', '\0\r\n', '\r\n\r\n'];

export const statuses = ['200 OK', '200 OK', '204 No Content', '304 Not Modified', '100 Continue', '103 Early Hints'];

export const oddStatuses = [
  ...[
    '200',
    '200 ',
    '101 Switching Protocols',
    '099 X',
    '000',
    '999 X',
    '1000 X',
    '20 X',
    '2x0',
    '200OK',
    '200\tOK',
    '-20 X',
  ],
  ...[
    '404 caf\xe9',
    '500 a\tb',
    '200 a\0',
    '200  two',
    '102 ',
    '199 Odd',
    '600 X',
    '205 Reset Content',
    '200 \x7f',
    '+20',
  ],
];
