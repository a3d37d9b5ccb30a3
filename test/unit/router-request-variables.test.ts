// Single variables of the head that a gateway worker gets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BodyFraming } from '../../router/core/request-fields.ts';
import { givenId } from '../../router/core/request-ids.ts';
import { hasEncodedNul, writeRequestVariables, type GatewayOrigin } from '../../router/core/request-variables.ts';
import { TrustedProxies } from '../../router/core/trusted-proxies.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import { readGatewayHead } from '../harness/gateway-head.ts';
import { parseRequestHead } from '../harness/parsed-head.ts';

const origin: GatewayOrigin = {
  ...{ clientAddress: '192.0.2.1', isTrusted: false, requestId: givenId('id-1') },
  ...{ proxies: new TrustedProxies(['10.0.0.0/8', 'unix']), remotePort: 50_000, localPort: 8080 },
  ...{ prefix: '', awaitsContinue: false },
};

function variablesOf(
  text: string,
  more: Partial<GatewayOrigin> = {},
  body: BodyFraming = { kind: 'none' },
): (...names: string[]) => (string | undefined)[] {
  const writer = new HeadWriter();
  writeRequestVariables(writer, parseRequestHead(text), { ...origin, ...more }, body);
  const head = readGatewayHead(writer.take().toString('latin1'));
  assert.ok(head !== undefined);
  return (...names) => names.map((name) => head.variables.get(name));
}

const get = (target: string, fields = '', host = 'a.test'): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

describe('the variables of a request', () => {
  it('tell path and mount point decoded, and the target as it came', () => {
    const names = ['REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'];
    const cases: [string, string, string, string, string][] = [
      ['/', '', '', '/', ''],
      ['/a%20b/%C3%A9?x=%41&y', '', '', '/a b/\u00c3\u00a9', 'x=%41&y'],
      ['/a?', '', '', '/a', ''],
      ['/a??b', '', '', '/a', '?b'],
      ['/shop', '/shop', '/shop', '', ''],
      ['/shop?q', '/shop', '/shop', '', 'q'],
      ['/shop/cart', '/shop', '/shop', '/cart', ''],
      ['/caf%C3%A9/x', '/caf%C3%A9', '/caf\u00c3\u00a9', '/x', ''],
      ['/%2525/%zz/%4/%', '', '', '/%25/%zz/%4/%', ''],
    ];
    for (const [target, prefix, scriptName, pathInfo, query] of cases) {
      assert.deepEqual(variablesOf(get(target), { prefix })(...names), [target, scriptName, pathInfo, query], target);
    }
    const options = 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n';
    assert.deepEqual(variablesOf(options)(...names), ['*', '', '*', '']);
    assert.deepEqual(variablesOf(get('http://a.test/x?y'))(...names), ['/x?y', '', '/x', 'y']);
  });

  it('cannot tell a path with an encoded NUL', () => {
    for (const target of ['/%00', '/a%00b', '/%%00', '/%4%00']) assert.equal(hasEncodedNul(target), true, target);
    for (const target of ['/', '/%2500', '/?%00', '/%0']) assert.equal(hasEncodedNul(target), false, target);
  });

  it('tell the server by the authority, and its port as the client sees it', () => {
    const names = ['SERVER_NAME', 'SERVER_PORT', 'HTTP_HOST'];
    const at = (host: string, more: Partial<GatewayOrigin> = {}, fields = ''): unknown =>
      variablesOf(get('/', fields, host), more)(...names);
    assert.deepEqual(at('A.Test'), ['a.test', '8080', 'A.Test']);
    assert.deepEqual(at('a.test:0081'), ['a.test', '81', 'a.test:0081']);
    assert.deepEqual(at('a.test:'), ['a.test', '8080', 'a.test:']);
    assert.deepEqual(at('[::1]'), ['[::1]', '8080', '[::1]']);
    assert.deepEqual(at('[::1]:443'), ['[::1]', '443', '[::1]:443']);
    assert.deepEqual(at('a.test', { localPort: 0 }), ['a.test', '80', 'a.test'], 'over a unix socket');
    const trusted = { isTrusted: true };
    assert.deepEqual(at('a.test', trusted, 'X-Forwarded-Proto: https\r\n'), ['a.test', '443', 'a.test']);
    assert.deepEqual(at('a.test', trusted, 'X-Forwarded-Proto: http\r\n'), ['a.test', '80', 'a.test']);
    const port = 'X-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n';
    assert.deepEqual(at('a.test', trusted, port), ['a.test', '8443', 'a.test']);
    assert.deepEqual(at('a.test', {}, port), ['a.test', '8080', 'a.test'], 'from somebody else');
    assert.deepEqual(variablesOf('GET / HTTP/1.0\r\n\r\n')(...names), ['localhost', '8080', 'localhost']);
  });

  it('name the client, or whom trusted proxies name, as near as one of them can be believed', () => {
    const client = (chain: string | undefined, more: Partial<GatewayOrigin> = {}): unknown =>
      variablesOf(get('/', chain === undefined ? '' : `X-Forwarded-For: ${chain}\r\n`), more)(
        'REMOTE_ADDR',
        'REMOTE_PORT',
      );
    assert.deepEqual(client(undefined), ['192.0.2.1', '50000']);
    assert.deepEqual(client('198.51.100.7'), ['192.0.2.1', '50000'], 'who is not trusted names nobody');
    const trusted = { isTrusted: true, clientAddress: '10.0.0.1' };
    assert.deepEqual(client(undefined, trusted), ['10.0.0.1', '50000']);
    assert.deepEqual(client('198.51.100.7', trusted), ['198.51.100.7', undefined]);
    assert.deepEqual(client('6.6.6.6, 198.51.100.7, 10.0.0.2', trusted), ['198.51.100.7', undefined]);
    assert.deepEqual(client('10.0.0.3, 10.0.0.2', trusted), ['10.0.0.3', undefined]);
    assert.deepEqual(client('198.51.100.7:1234', trusted), ['198.51.100.7', undefined]);
    assert.deepEqual(client('[2001:db8::1]:1234', trusted), ['2001:db8::1', undefined]);
    assert.deepEqual(client('2001:db8::1', trusted), ['2001:db8::1', undefined]);
    assert.deepEqual(client('unknown', trusted), ['10.0.0.1', '50000']);
    assert.deepEqual(client('6.6.6.6, unknown, 10.0.0.2', trusted), ['10.0.0.2', undefined]);
    const unix = { isTrusted: true, clientAddress: '', remotePort: 0 };
    assert.deepEqual(client(undefined, unix), ['', undefined]);
    assert.deepEqual(client('198.51.100.7', unix), ['198.51.100.7', undefined]);
  });

  it('say https by the last word of a trusted proxy only', () => {
    const names = ['REQUEST_SCHEME', 'HTTPS', 'HTTP_X_FORWARDED_PROTO'];
    const scheme = (fields: string, isTrusted: boolean): unknown =>
      variablesOf(get('/', fields), { isTrusted })(...names);
    assert.deepEqual(scheme('', false), ['http', undefined, 'http']);
    assert.deepEqual(scheme('X-Forwarded-Proto: https\r\n', false), ['http', undefined, 'http']);
    assert.deepEqual(scheme('X-Forwarded-Proto: HTTPS\r\n', true), ['https', 'on', 'HTTPS']);
    assert.deepEqual(scheme('X-Forwarded-Proto: https, http\r\n', true), ['http', undefined, 'https, http']);
  });

  it('tell of the body and of what the client waits for', () => {
    const names = ['CONTENT_LENGTH', 'HTTP_TRANSFER_ENCODING', 'HTTP_EXPECT'];
    const expecting = 'Content-Length: 5\r\nExpect: 100-continue\r\n';
    const of = (body: BodyFraming, awaitsContinue = false): unknown =>
      variablesOf(get('/', expecting), { awaitsContinue }, body)(...names);
    assert.deepEqual(of({ kind: 'length', length: 5 }), ['5', undefined, undefined]);
    assert.deepEqual(of({ kind: 'length', length: 0 }, true), ['0', undefined, '100-continue']);
    assert.deepEqual(of({ kind: 'chunked' }), [undefined, 'chunked', undefined]);
    assert.deepEqual(of({ kind: 'none' }), [undefined, undefined, undefined]);
  });

  it('join fields of one name, whatever their case, and cookies as cookies', () => {
    const fields = 'Cookie: a=1\r\nX-One: 1\r\nAccept: a\r\ncookie: b=2\r\nx-ONE: 2\r\nAccept: b\r\nX-Two: 3\r\n';
    const names = ['HTTP_COOKIE', 'HTTP_X_ONE', 'HTTP_ACCEPT', 'HTTP_X_TWO'];
    assert.deepEqual(variablesOf(get('/', fields))(...names), ['a=1; b=2', '1, 2', 'a, b', '3']);
  });
});
