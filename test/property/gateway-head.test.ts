// What a gateway worker is told of a request is what an HTTP worker would be told, and always well-formed.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { writeRequestHead, type BodyFraming } from '../../router/core/request-fields.ts';
import { givenId } from '../../router/core/request-ids.ts';
import { hasEncodedNul, writeRequestVariables, type GatewayOrigin } from '../../router/core/request-variables.ts';
import { TrustedProxies } from '../../router/core/trusted-proxies.ts';
import { ByteView } from '../../router/http1/byte-view.ts';
import type { HeadSpace } from '../../router/http1/head-space.ts';
import { HeadWriter } from '../../router/http1/head-writer.ts';
import { readGatewayHead } from '../harness/gateway-head.ts';
import { parseRequestHead } from '../harness/parsed-head.ts';

const proxies = new TrustedProxies(['9.9.9.0/24', 'fd00::/8']);

const name = fc.constantFrom(
  ...['Accept', 'accept', 'Cookie', 'User-Agent', 'Content-Type', 'Referer', 'X-Own', 'x-own', 'X-OWN', 'X-Other', 'N'],
  ...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Prefix'],
  ...['X-Real-IP', 'Forwarded', 'X-Request-Id', 'Proxy', 'TE', 'Keep-Alive', 'Trailer', 'X_Own', 'X.Own', 'Set-Cookie'],
);
const value = fc.constantFrom(
  ...['', '1', 'a, b', 'two  words', 'caf\u00e9', '1.2.3.4', '9.9.9.9', 'https', '443', '"', 'x'.repeat(500)],
);
const connection = fc.constantFrom('', '', '', 'Connection: x-own\r\n', 'Connection: close, Cookie\r\n');
const target = fc
  .array(fc.constantFrom('/', 'a', 'caf%C3%A9', '%2F', '%', '%zz', '%4', '+', '.', '?', '=', '&', '%25', '%0', '0'), {
    maxLength: 12,
  })
  .map((parts) => `/${parts.join('')}`);
const bodies: readonly BodyFraming[] = [{ kind: 'none' }, { kind: 'length', length: 0 }, { kind: 'chunked' }];

interface Sample {
  readonly method: string;
  readonly version: string;
  readonly prefix: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly connection: string;
  readonly isTrusted: boolean;
  readonly body: BodyFraming;
}

const sample: fc.Arbitrary<Sample> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'VERSION-CONTROL'),
  version: fc.constantFrom('1.1', '1.0'),
  prefix: fc.constantFrom('', '', '/shop', '/caf%C3%A9'),
  path: target,
  fields: fc.array(fc.tuple(name, value), { maxLength: 12 }),
  connection,
  isTrusted: fc.boolean(),
  body: fc.oneof(
    fc.constantFrom(...bodies),
    fc.nat({ max: 2 ** 40 }).map((length) => ({ kind: 'length', length }) as const),
  ),
});

describe('the head that a gateway worker gets', () => {
  it('is one netstring of variables that say what the head for an HTTP worker says', () => {
    fc.assert(
      fc.property(sample, (one) => {
        const { http, variables } = written(one);
        const [requestLine = '', ...lines] = http.slice(0, -4).split('\r\n');
        const [method, uri = ''] = requestLine.split(' ');
        assert.deepEqual([variables.get('REQUEST_METHOD'), variables.get('REQUEST_URI')], [method, uri]);
        const [path = '', ...query] = uri.split('?');
        const spelled = [variables.get('SCRIPT_NAME'), variables.get('PATH_INFO'), variables.get('QUERY_STRING')];
        assert.deepEqual(spelled, [decode(one.prefix), decode(path.slice(one.prefix.length)), query.join('?')]);
        assert.equal(variables.get('SERVER_PROTOCOL'), `HTTP/${one.version}`);
        assert.deepEqual(fieldsAmong(variables), expectedFields(lines));
      }),
      { numRuns: 3000 },
    );
  });

  it('is the same wherever it is written, and however often the memory has to grow for it', () => {
    fc.assert(
      fc.property(sample, fc.nat({ max: 300 }), fc.nat({ max: 300 }), (one, before, room) => {
        const { gateway } = written(one);
        const space = spaceOf(before, room);
        assert.equal(written(one, new HeadWriter(space)).gateway, gateway);
      }),
      { numRuns: 500 },
    );
  });
});

/** With so many bytes in use already, and so much room behind them. */
function spaceOf(before: number, room: number): HeadSpace {
  let at = before;
  return {
    view: new ByteView(Buffer.alloc(before + room)),
    get at() {
      return at;
    },
    empty: () => {
      at = 0;
    },
  };
}

function written(
  { method, version, prefix, path, fields, connection: options, isTrusted, body }: Sample,
  writer = new HeadWriter(),
): { http: string; gateway: string; variables: ReadonlyMap<string, string> } {
  const head = parseRequestHead(
    `${method} ${prefix}${path} HTTP/${version}\r\nHost: A.test:81\r\n${options}` +
      `${fields.map(([key, text]) => `${key}: ${text}\r\n`).join('')}\r\n`,
  );
  const origin: GatewayOrigin = {
    ...{ clientAddress: '9.9.9.9', isTrusted, requestId: givenId('id-1'), proxies },
    ...{ remotePort: 50_000, localPort: 8080, prefix, awaitsContinue: false },
  };
  const plain = new HeadWriter();
  writeRequestHead(plain, head, origin, body);
  assert.equal(hasEncodedNul(head.target), decode(head.target.split('?')[0] ?? '').includes('\0'));
  if (hasEncodedNul(head.target)) fc.pre(false);
  writer.clear();
  writeRequestVariables(writer, head, origin, body);
  const gateway = writer.take().toString('latin1');
  const read = readGatewayHead(gateway);
  assert.ok(read !== undefined && read.length === gateway.length, gateway);
  return { http: plain.take().toString('latin1'), gateway, variables: read.variables };
}

/** Percent-decoding by another way. */
function decode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

const ofRequest = new Set([
  ...['REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SERVER_PROTOCOL', 'SERVER_NAME'],
  ...['SERVER_PORT', 'REMOTE_ADDR', 'REMOTE_PORT', 'REQUEST_SCHEME', 'HTTPS'],
]);

function fieldsAmong(variables: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...variables].filter(([key]) => !ofRequest.has(key)));
}

function expectedFields(lines: readonly string[]): Record<string, string> {
  const expected: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const key = line.slice(0, colon).toUpperCase().replaceAll('-', '_');
    // There are no trailers here to announce.
    if (key === 'TRAILER') continue;
    const variable = key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH' ? key : `HTTP_${key}`;
    const text = line.slice(colon + 2);
    const earlier = expected[variable];
    expected[variable] = earlier === undefined ? text : earlier + (key === 'COOKIE' ? '; ' : ', ') + text;
  }
  return expected;
}
