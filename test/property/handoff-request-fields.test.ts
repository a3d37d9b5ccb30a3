// A request on a connection that was handed over reaches the app as the router would have sent it, or not at all: what
// the router would refuse, or treat in a way of its own, is left to it.
import assert from 'node:assert/strict';
import { createServer, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { writeRequestHead, type BodyFraming } from '../../router/core/request-fields.ts';
import { givenId } from '../../router/core/request-ids.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import type { RequestHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';
import { readTakenHead, type ReceivedHead } from '../../vassal/runtimes/node/handoff/request-fields.ts';

const address = '9.9.9.9';
const requestId = 'id-1';
const host = 'a.test:81';

/** Each name with values that make a difference. */
const known: Readonly<Record<string, readonly string[]>> = {
  Host: [host, 'A.Test:81', 'b.test', ''],
  Connection: ['keep-alive', 'Keep-Alive', 'close', 'x-a', 'upgrade', 'keep-alive, te', 'close, host', ''],
  'Content-Length': ['0', '5', '05', '+5', '5, 5', '', '99999999999999999999'],
  'Transfer-Encoding': ['chunked', 'Chunked', 'gzip, chunked', 'chunked, chunked', 'identity', ''],
  Expect: ['100-continue', '100-Continue', 'x'],
  Upgrade: ['websocket', 'h2c'],
  'HTTP2-Settings': ['AAMAAABkAAQAoAAAAAIAAAAA'],
  'Keep-Alive': ['timeout=5'],
  'Proxy-Connection': ['keep-alive'],
  TE: ['trailers', 'gzip'],
  Trailer: ['x-a', 'X-Sum'],
  Proxy: ['http://evil.test'],
  'Proxy-Authorization': ['Basic eDp5'],
  'Proxy-Authenticate': ['Basic'],
  'X-Forwarded-For': ['1.2.3.4', ''],
  'X-Forwarded-Proto': ['https'],
  'X-Forwarded-Host': ['evil.test'],
  'X-Forwarded-Port': ['443'],
  'X-Forwarded-Prefix': ['/x'],
  'X-Real-IP': ['1.2.3.4'],
  Forwarded: ['for=1.2.3.4'],
  'X-Request-Id': ['mine'],
  'X-Emperor-Generation': ['shop/1'],
  'X-A': ['1', 'two  words', 'caf\u00e9', ''],
  X_A: ['1'],
  'X.A': ['1'],
  Cookie: ['a=b', 'c=d'],
  Accept: ['*/*'],
  'Content-Type': ['text/plain'],
};

const field = fc
  .constantFrom(...Object.keys(known))
  .chain((name) =>
    fc.tuple(fc.constantFrom(name, name.toLowerCase(), name.toUpperCase()), fc.constantFrom(...(known[name] ?? ['']))),
  );
/** Mostly a plain GET, so that what is added decides. */
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST') },
  fc.constantFrom('HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'PURGE', 'M-SEARCH'),
);
const target = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/', '/a/b?c=%20&d') },
  fc.constantFrom('*', `http://${host}/x`, 'http://b.test/', '/a#b', '//x/y', `/${'a'.repeat(9000)}`, '/\u00e9', '/"'),
);
const version = fc.oneof({ weight: 6, arbitrary: fc.constant('1.1') }, fc.constant('1.0'));
const hostLine = fc.oneof({ weight: 6, arbitrary: fc.constant([['Host', host] as [string, string]]) }, fc.constant([]));

/** As Node's parser fills it. */
interface LinedMessage extends IncomingMessage {
  _addHeaderLines?(fields: readonly string[], count: number): void;
}

interface Text {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly (readonly [string, string])[];
}

const request: fc.Arbitrary<Text> = fc
  .tuple(method, target, version, hostLine, fc.array(field, { maxLength: 6 }))
  .map(([verb, path, minor, first, rest]) => ({
    method: verb,
    target: path,
    version: minor,
    fields: [...first, ...rest],
  }));

describe('a request on a handed-over connection', () => {
  it('reaches the app as the router would have sent it, or is left to the router', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(request, async (text) => {
        const received = await readByNode(text);
        const head = received && readTakenHead(received, { host, address }, requestId);
        if (received === undefined || head === undefined) return;
        taken++;
        const sent = sendByRouter(text, head.bodyLength);
        assert.ok(sent !== undefined, 'the router refuses what the worker takes');
        assert.deepEqual([`${received.method ?? ''} ${received.url ?? ''} HTTP/1.1`, ...linesOf(head.fields)], sent);
      }),
      { numRuns: 3000 },
    );
    assert.ok(taken > 500, `only ${taken} of the requests were taken`);
  });

  it('has the headers that Node makes of its fields, in their order', () => {
    let plain = 0;
    const twice = fc.tuple(fc.constantFrom('Cookie', 'Accept', 'Set-Cookie', 'Constructor'), fc.constantFrom('1', ''));
    const fields = fc.array(fc.oneof({ weight: 3, arbitrary: field }, { weight: 1, arbitrary: twice }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fields, (more) => {
        const rawHeaders = [['Host', host], ...more].flat();
        const head = readTakenHead(
          { method: 'POST', url: '/', httpVersion: '1.1', rawHeaders },
          { host, address },
          'i',
        );
        if (head?.headers === undefined) return;
        plain++;
        const received: LinedMessage = new IncomingMessage(new Socket());
        received._addHeaderLines?.(head.fields, head.fields.length);
        assert.deepEqual(Object.entries(head.headers), Object.entries(received.headers));
      }),
      { numRuns: 3000 },
    );
    assert.ok(plain > 500, `only ${plain} of the requests had plain headers`);
  });

  it('of a client without an address names none', () => {
    const rawHeaders = ['host', host];
    const head = readTakenHead({ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }, { host, address: '' }, 'i');
    assert.deepEqual(linesOf(head?.fields ?? []), [
      `Host: ${host}`,
      'X-Forwarded-Proto: http',
      `X-Forwarded-Host: ${host}`,
      'X-Request-Id: i',
    ]);
  });
});

function linesOf(raw: readonly string[]): string[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1] ?? ''}`] : []));
}

function bytesOf({ method: verb, target: path, version: minor, fields }: Text): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${verb} ${path} HTTP/${minor}\r\n${lines.join('')}\r\n`, 'latin1');
}

/** What Node's server makes of the head; undefined where it takes none of it, or for an upgrade. */
async function readByNode(text: Text): Promise<ReceivedHead | undefined> {
  const server = createServer({ requireHostHeader: false });
  const received = await new Promise<ReceivedHead | undefined>((resolve) => {
    const take = (head: ReceivedHead): void => {
      resolve(head);
    };
    for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take);
    for (const event of ['upgrade', 'connect', 'clientError']) {
      server.on(event, () => {
        resolve(undefined);
      });
    }
    const connection = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => {
        done();
      },
    });
    server.emit('connection', connection);
    connection.push(bytesOf(text));
  });
  return received;
}

/** The lines of the head that the router sends; undefined where it refuses the request. */
function sendByRouter(text: Text, bodyLength: number): string[] | undefined {
  const writer = new HeadWriter();
  const refusals: string[] = [];
  const onHead = (head: RequestHead): void => {
    // Of a chunked body that came whole the router may tell the length, too.
    const body: BodyFraming = bodyLength === -1 ? { kind: 'chunked' } : (head.framing as BodyFraming);
    writeRequestHead(writer, head, { clientAddress: address, isTrusted: false, requestId: givenId(requestId) }, body);
  };
  const parser = new RequestParser(
    {
      onHead,
      onBody: () => undefined,
      onTrailers: () => undefined,
      onEnd: () => undefined,
      onRefusal: ({ reason }) => refusals.push(reason),
    },
    { maxHeadBytes: 16_384, maxFields: 200 },
  );
  const bytes = bytesOf(text);
  parser.execute(bytes, 0, bytes.length);
  return refusals.length > 0 ? undefined : writer.take().toString('latin1').split('\r\n').slice(0, -2);
}
