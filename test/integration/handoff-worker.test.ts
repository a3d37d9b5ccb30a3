// What a Node worker does with client connections that a router hands over to it: its clients see what they would see
// by way of the router, and each connection comes back whole.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { HandingRouter, type HandingSetup } from '../harness/handing-router.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { RawConnection, type Endpoint } from '../harness/http-client.ts';
import { readAnswers, type RawAnswer } from '../harness/raw-answers.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { startVassal, type VassalProcess } from '../harness/vassal-process.ts';

interface Site {
  readonly vassal: VassalProcess;
  readonly router: HandingRouter;
}

async function start(t: TestContext, setup: Partial<HandingSetup> & { readonly fixture?: string } = {}): Promise<Site> {
  const vassal = await startVassal(t, { fixture: setup.fixture ?? 'echo-exchange' });
  const { workers } = await vassal.ready();
  const path = workers[0]?.handoff;
  assert.ok(typeof path === 'string', 'the worker takes connections over');
  return { vassal, router: await HandingRouter.start(t, { path, ...setup }) };
}

const get = (path: string, rest = ''): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${rest}\r\n`;

describe('a connection that is handed over', { skip: withoutAddon }, () => {
  it('is served, request after request', async (t) => {
    const { router } = await start(t);
    const { connection } = await router.client(t);
    for (let count = 1; count <= 3; count++) {
      connection.write(get('/'));
      const received = await connection.until('an answer', (text) => readAnswers(text).final.length === count);
      assert.equal(readAnswers(received).final.at(-1)?.status, 200);
    }
    assert.deepEqual(router.messages, []);
  });
});

/** Requests whose answers depend on what is done to their heads, bodies and ends. */
const exchanges: readonly (readonly [what: string, request: string])[] = [
  ['nothing but a host', get('/')],
  [
    'what a browser sends',
    get(
      '/a?b=%20',
      'Connection: keep-alive\r\nUser-Agent: x\r\nAccept: text/html\r\nCookie: a=b; c=d\r\nTE: trailers\r\n',
    ),
  ],
  [
    'claims about where it comes from',
    get(
      '/',
      'X-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: https\r\nX-Forwarded-Prefix: /x\r\nX-Real-IP: 1.1.1.1\r\n' +
        'Forwarded: for=1.1.1.1\r\nX-Request-Id: mine\r\nProxy: http://b.test\r\nX_Under: 1\r\nX-Emperor-Generation: z/1\r\n',
    ),
  ],
  ['a repeated field', get('/', 'X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nAccept: a\r\nAccept: b\r\n')],
  ['a body', `POST / HTTP/1.1\r\nHost: A.TEST\r\nContent-Length: 4\r\n\r\nbody`],
  ['an empty body', 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n'],
  ['no length', 'DELETE /x HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['a body that waits', 'PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody'],
  ['an answer in chunks', get('/chunks')],
  ['an answer with trailers', get('/trailers')],
  ['an answer of writeHead', get('/head-object')],
  ['only the head of one', 'HEAD /head-object HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['only the head of one in chunks', 'HEAD /chunks HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['an answer of a list of fields', get('/head-list')],
  ['an answer with fields that are not its own to send', get('/hop-by-hop')],
  ['an app that closes its connection', get('/close')],
  ['an answer without a body', get('/empty')],
  ['an answer that nothing changed', get('/same')],
  ['an answer without a date', get('/no-date')],
  ['early hints', get('/early')],
  ['a large answer', get('/big')],
  ['a body that nobody reads', 'POST /unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody'],
  ['a client that closes', get('/', 'Connection: close\r\n')],
  ['OPTIONS', 'OPTIONS / HTTP/1.1\r\nHost: a.test\r\n\r\n'],
];

/** Answers, and what apps say of requests, but for what differs from request to request. */
function comparable({ status, head, body, isWhole }: RawAnswer): object {
  const [statusLine, ...lines] = head.split('\r\n');
  const fields = lines.map((line) => line.replace(/^(date|x-request-id): .*$/i, '$1: …')).sort();
  return { status, statusLine, fields, body, isWhole };
}

describe('an answer on a handed-over connection', { skip: withoutAddon }, () => {
  for (const generation of [null, 'test/1']) {
    it(`is that of the router, field for field${generation === null ? '' : ', with the generation'}`, async (t) => {
      const { vassal, router } = await start(t, { rules: { generation } });
      const proxy = await startRouter(t, {
        apps: [routeTo(vassal.socket(), { name: 'test' })],
        router: { 'generation-header': generation !== null },
      });
      for (const [what, request] of exchanges) {
        const direct = await exchange((await router.client(t)).connection, request);
        const proxied = await exchange(connect(t, proxy.port), request);
        assert.deepEqual(direct.interim.map(comparable), proxied.interim.map(comparable), `interim answers to ${what}`);
        assert.deepEqual(direct.final.map(comparable), proxied.final.map(comparable), `the answer to ${what}`);
        assert.equal(direct.isClosing, proxied.isClosing, `the end of the connection after ${what}`);
      }
      assert.deepEqual(router.strays, []);
    });
  }
});

function connect(t: TestContext, endpoint: Endpoint): RawConnection {
  const connection = new RawConnection(endpoint);
  t.after(() => {
    connection.destroy();
  });
  return connection;
}

async function exchange(
  connection: RawConnection,
  request: string,
): Promise<ReturnType<typeof readAnswers> & { readonly isClosing: boolean }> {
  const methods = [request.split(' ', 1)[0] ?? ''];
  connection.write(request);
  const received = await connection.until('an answer', (text) => readAnswers(text, methods).final[0]?.isWhole === true);
  const answers = readAnswers(received, methods);
  const isClosing = answers.final[0]?.fields.get('connection') === 'close';
  if (isClosing) await connection.ended();
  return { ...answers, isClosing };
}
