// What a WSGI app is given: its environ, and the bodies of requests. A standard validator stands around the app.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chunked, gatewayHead, inChunks, netstring } from '../harness/gateway-client.ts';
import { rawExchange } from '../harness/http-client.ts';
import { shareWsgiSite } from '../harness/wsgi-site.ts';

describe('the environ of a WSGI app', () => {
  const site = shareWsgiSite();

  const environOf = async (
    variables: Readonly<Record<string, string | undefined>>,
  ): Promise<Record<string, unknown>> => {
    const { status, body } = await site().ask('/environment?a=b', { variables });
    assert.equal(status, 200);
    return JSON.parse(body) as Record<string, unknown>;
  };

  it('holds the variables of the request and what PEP 3333 asks for', async () => {
    const environ = await environOf({ HTTP_COOKIE: 'a=1; b=2' });
    assert.equal(environ['REQUEST_METHOD'], 'GET');
    assert.equal(environ['PATH_INFO'], '/environment');
    assert.equal(environ['QUERY_STRING'], 'a=b');
    assert.equal(environ['HTTP_COOKIE'], 'a=1; b=2');
    assert.deepEqual(environ['wsgi.version'], [1, 0]);
    assert.equal(environ['wsgi.multithread'], false);
    assert.equal(environ['wsgi.multiprocess'], false);
    assert.equal(environ['wsgi.run_once'], false);
    assert.equal(environ['wsgi.input_terminated'], true);
    assert.equal('CONTENT_LENGTH' in environ, false);
  });

  it('says https where the client came by it', async () => {
    assert.equal((await environOf({}))['wsgi.url_scheme'], 'http');
    assert.equal((await environOf({ REQUEST_SCHEME: 'https', HTTPS: 'on' }))['wsgi.url_scheme'], 'https');
    assert.equal((await environOf({ REQUEST_SCHEME: undefined, HTTPS: 'on' }))['wsgi.url_scheme'], 'https');
  });

  it('has bytes above 0x7F as characters of the same number', async () => {
    assert.equal((await environOf({ HTTP_X_NAME: 'caf\xc3\xa9' }))['HTTP_X_NAME'], 'caf\xc3\xa9');
  });

  it('is a new one for each request of a connection', async (t) => {
    const connection = site().connect(t);
    await connection.ask({ path: '/environment', variables: { HTTP_X_FIRST: '1' } });
    const { body } = await connection.ask({ path: '/environment' });
    assert.equal(body.includes('HTTP_X_FIRST'), false);
  });

  it('is complete for a plain SCGI client that sends as little as nginx does', async () => {
    const { logLength } = site();
    const variables = {
      SCGI: '1',
      CONTENT_LENGTH: '0',
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/environ%6Dent?x=%41',
      QUERY_STRING: 'x=%41',
      HTTP_PROXY: 'http://evil',
    };
    const head = Object.entries(variables).map(([name, value]) => `${name}\0${value}\0`);
    const answer = await rawExchange(site().vassal.socket(), netstring(head.join('')));
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(answer, /chunked|HTTP_PROXY/i);
    assert.match(answer, /"PATH_INFO": "\/environment"/);
    assert.equal(site().logLength, logLength);
  });
});

describe('a head that is none', () => {
  const site = shareWsgiSite();

  for (const [what, bytes] of [
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a length with a leading zero', `0${gatewayHead({})}`],
    ['a length that is too large', '200000:A\0'],
    ['a length that does not end at the comma', gatewayHead({}).replace(/,$/, ';')],
    ['variables without an end', netstring('REQUEST_METHOD\0GET')],
    ['a name without value', netstring('REQUEST_METHOD\0GET\0PATH_INFO\0')],
    ['a variable twice', netstring('REQUEST_METHOD\0GET\0A\x001\0A\x002\0')],
    ['a variable without name', netstring('REQUEST_METHOD\0GET\0\0x\0')],
    ['no method', netstring('PATH_INFO\0/\0')],
    ['a body whose length is no number', gatewayHead({ variables: { CONTENT_LENGTH: '1x' } })],
    ['a body of two lengths', gatewayHead({ variables: { CONTENT_LENGTH: '1', HTTP_TRANSFER_ENCODING: 'chunked' } })],
  ] as const) {
    it(`(${what}) closes its connection, and no other`, async (t) => {
      const kept = site().connect(t);
      await kept.ask({ path: '/hello' });
      assert.equal(await rawExchange(site().vassal.socket(), bytes), '');
      assert.equal((await kept.ask({ path: '/hello' })).status, 200);
    });
  }

  it('is waited for while it comes byte by byte, and holds nobody else up', async (t) => {
    const slow = site().connect(t);
    const head = gatewayHead({ path: '/hello' });
    slow.write(head.slice(0, 2));
    assert.equal((await site().ask('/hello')).status, 200);
    for (const byte of head.slice(2, 20)) slow.write(byte);
    assert.equal((await site().ask('/hello')).status, 200);
    slow.write(head.slice(20));
    await slow.until('the answer', (received) => received.includes('hello'));
  });

  it('may be as long as 128 KB', async () => {
    const path = `/hello?${'q'.repeat(60_000)}`;
    assert.equal((await site().ask(path)).status, 200);
  });
});

describe('the body of a request', () => {
  const site = shareWsgiSite();

  it('is read up to its length', async () => {
    assert.equal((await site().ask('/echo', { method: 'POST', body: 'a\xffb' })).body, 'a\xffb');
    assert.equal((await site().ask('/echo', { method: 'POST', body: '' })).body, '');
  });

  it('of unknown length is read to its last chunk', async () => {
    const body = chunked('one,', 'two,', 'x'.repeat(70_000));
    const answer = await site().ask('/echo', { method: 'POST', body, variables: inChunks });
    assert.equal(answer.body, `one,two,${'x'.repeat(70_000)}`);
  });

  for (const variables of [{}, inChunks]) {
    const how = 'HTTP_TRANSFER_ENCODING' in variables ? 'in chunks' : 'of known length';

    it(`${how} is read by lines as by blocks, however it is cut`, async (t) => {
      const connection = site().connect(t);
      const text = 'first\nsecond\nthird\nfourth\nfifth';
      const body = how === 'in chunks' ? chunked(text.slice(0, 9), text.slice(9)) : text;
      connection.write(gatewayHead({ method: 'POST', path: '/lines', body, variables }));
      for (const byte of body) connection.write(byte);
      await connection.until('the answer', (received) => received.includes(']]'));
      const told = String.raw`[b'first\n', b'sec', [b'ond\n'], [b'third\n', b'fourth\n', b'fifth']]`;
      assert.ok(connection.received.includes(told), connection.received);
      // The next request begins where the body ended.
      connection.write(gatewayHead({ path: '/hello' }));
      await connection.until('the next answer', (received) => received.includes('hello'));
    });
  }

  it('of 20 MB is streamed', async (t) => {
    const connection = site().connect(t);
    const size = 20 * 1024 * 1024;
    connection.write(gatewayHead({ method: 'POST', path: '/counts', variables: { CONTENT_LENGTH: String(size) } }));
    for (let sent = 0; sent < size; sent += 1024 * 1024) connection.socket.write(Buffer.alloc(1024 * 1024, 'x'));
    await connection.until('the count', (received) => received.includes(String(size)), 30_000);
  });

  it('in many small chunks is read in no more than its time', async () => {
    const body = chunked(...Array.from({ length: 50_000 }, () => 'x'));
    const answer = await site().ask('/counts', { method: 'POST', body, variables: inChunks });
    assert.equal(answer.body, '50000');
  });

  it('is asked for by 100 Continue when the app first reads, and not before', async (t) => {
    const connection = site().connect(t);
    const variables = { HTTP_EXPECT: '100-continue', CONTENT_LENGTH: '4' };
    connection.write(gatewayHead({ method: 'POST', path: '/echo', variables }));
    await connection.until('100', (received) => received === 'HTTP/1.1 100 Continue\r\n\r\n');
    connection.write('body');
    await connection.until('the answer', (received) => received.includes('\r\nbody\r\n'));
  });

  it('is not asked for by an app that answers without it, and the connection is closed', async (t) => {
    const connection = site().connect(t);
    const variables = { HTTP_EXPECT: '100-continue', CONTENT_LENGTH: '4' };
    connection.write(gatewayHead({ method: 'POST', path: '/early', variables }));
    const received = await connection.ended();
    assert.match(received, /^HTTP\/1\.1 403 Forbidden\r\n.*\r\nConnection: close\r\n/s);
  });

  it('that nobody read is thrown away, and its connection is kept', async (t) => {
    const connection = site().connect(t);
    connection.write(gatewayHead({ method: 'POST', path: '/early', variables: { CONTENT_LENGTH: '200000' } }));
    await connection.until('the answer', (received) => received.includes('no, thank you\n'));
    connection.write('x'.repeat(200_000) + gatewayHead({ path: '/hello' }));
    await connection.until('the next answer', (received) => received.includes('hello'));
  });

  it('that nobody read and that is long closes the connection after the answer', async (t) => {
    const connection = site().connect(t);
    connection.write(gatewayHead({ method: 'POST', path: '/early', variables: { CONTENT_LENGTH: '300000' } }));
    connection.write('x'.repeat(1000));
    const received = await connection.ended();
    assert.match(received, /\r\nConnection: close\r\n.*no, thank you\n/s);
  });

  for (const [what, variables, body] of [
    ['of known length', { CONTENT_LENGTH: '10' }, 'abcd'],
    ['in chunks', inChunks, '4\r\nabcd\r\n8\r\nx'],
  ] as const) {
    it(`${what} that its client does not end is an OSError for the app, and no failure of it`, async (t) => {
      const from = site().logLength;
      const connection = site().connect(t);
      connection.write(gatewayHead({ method: 'POST', path: '/bare/swallows', variables }) + body);
      connection.end();
      assert.equal(await connection.ended(), '');
      const log = await site().logged('ClientGone', from);
      assert.match(log, /^ClientGone: the client went away after \d+ (of 10 )?bytes of the body$/);
      assert.equal((await site().ask('/hello')).status, 200);
      assert.equal(site().logLength, from + 1);
    });
  }

  it('whose chunks are malformed is an OSError for the app, and the end of the connection', async (t) => {
    const connection = site().connect(t);
    const from = site().logLength;
    connection.write(gatewayHead({ method: 'POST', path: '/bare/swallows', variables: inChunks }) + 'zz\r\n');
    assert.match(await connection.ended(), /^HTTP\/1\.1 500 .*Connection: close/s);
    await site().logged('MalformedBody: a chunk of the body does not begin with its size', from);
  });
});
