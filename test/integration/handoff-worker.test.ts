// What a Node worker does with client connections that a router hands over to it: its clients see what they would see
// by way of the router, and each connection comes back whole.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { slotStates } from '../../lib/handoff.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { RawConnection, type Endpoint } from '../harness/http-client.ts';
import { readAnswers, type RawAnswer } from '../harness/raw-answers.ts';
import { answersOf, get, seenBy, startHandoff, type SeenRequest } from '../harness/handoff-site.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { tempDir } from '../harness/temp-dir.ts';

describe('a connection that is handed over', { skip: withoutAddon }, () => {
  it('is served, request after request, and nothing is told of it', async (t) => {
    const { router } = await startHandoff(t);
    const { connection } = await router.client(t);
    for (let count = 1; count <= 3; count++) {
      connection.write(get('/'));
      assert.equal((await answersOf(connection, count)).at(-1)?.status, 200);
    }
    assert.deepEqual(
      router.messages.filter(({ type }) => type !== 'report' && type !== 'ruled'),
      [],
    );
  });

  it('has ids of its own for its requests, which go on as the router begins them', async (t) => {
    const { router } = await startHandoff(t);
    const ids = new Set<string>();
    const fixture = get('/request-id');
    for (const { connection } of [await router.client(t), await router.client(t)]) {
      connection.write(fixture + fixture);
      for (const { body } of await answersOf(connection, 2)) ids.add(body);
    }
    assert.equal(ids.size, 4);
    // What the router appends begins with a hyphen.
    for (const id of ids) assert.match(id, /^feedbeef\.[\w-]+$/);
  });

  it('of a client on a unix socket names no address', async (t) => {
    const { router } = await startHandoff(t, { listen: join(tempDir(t), 'front.sock') });
    const { connection } = await router.client(t);
    connection.write(get('/'));
    assert.equal(seenBy((await answersOf(connection, 1))[0]).headers['x-forwarded-for'], undefined);
  });

  it('takes a chunked body with its trailers, but for those that an app must not see', async (t) => {
    const { router } = await startHandoff(t);
    const { connection } = await router.client(t);
    connection.write('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n');
    connection.write('X-Sum: 7\r\nX_Sum: 8\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n');
    const { body, trailers, headers } = seenBy((await answersOf(connection, 1))[0]);
    assert.equal(body, 'body');
    assert.deepEqual(trailers, { 'x-sum': '7' });
    assert.equal(headers['transfer-encoding'], 'chunked');
  });

  it('answers pipelined requests in their order', async (t) => {
    const { router } = await startHandoff(t);
    const { connection } = await router.client(t);
    connection.write(['/slow', '/1', '/big', '/2'].map((path) => get(path)).join(''));
    const bodies = (await answersOf(connection, 4)).map(({ body }) => body);
    assert.equal(bodies[0], 'begun,done');
    assert.equal((JSON.parse(bodies[1] ?? '') as SeenRequest).url, '/1');
    assert.equal(bodies[2]?.length, 3_000_000);
    assert.equal((JSON.parse(bodies[3] ?? '') as SeenRequest).url, '/2');
  });

  it('whose client ends its direction still gets its answer, and is gone then', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write(get('/slow'));
    connection.end();
    assert.equal((await answersOf(connection, 1))[0]?.body, 'begun,done');
    await connection.ended();
    await router.gone(slot);
    assert.equal(router.states[slot], slotStates.idle);
  });

  it('is gone with its client; busy, where an answer was not whole', async (t) => {
    const { router } = await startHandoff(t);
    const [idle, busy] = [await router.client(t), await router.client(t)];
    idle.connection.write(get('/'));
    await answersOf(idle.connection, 1);
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    idle.connection.destroy();
    busy.connection.socket.resetAndDestroy();
    await router.gone(idle.slot);
    await router.gone(busy.slot);
    assert.deepEqual([router.states[idle.slot], router.states[busy.slot]], [slotStates.idle, slotStates.answering]);
  });

  it('that an app cuts is told as not idle, so that the client sees no regular end', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write(get('/cut'));
    await router.gone(slot);
    assert.equal(router.states[slot], slotStates.answering);
  });

  it('may be taken by the app itself', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write(get('/detach'));
    assert.equal((await answersOf(connection, 1))[0]?.body, 'mine');
    connection.end();
    await router.gone(slot);
  });

  it('outlives the time limit that an app sets for one answer', async (t) => {
    const { router } = await startHandoff(t, { rules: { idleMs: 400 } });
    const { connection, slot } = await router.client(t);
    connection.write(get('/limit'));
    await answersOf(connection, 1);
    assert.equal(await router.back(slot), 'idle');
    assert.equal(connection.isEnded, false);
  });

  it('with what is no HTTP is answered 400, and gone', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write('GET / HTTP/1.1\r\nHost a.test\r\n\r\n');
    assert.match(await connection.ended(), /^HTTP\/1\.1 400 /);
    await router.gone(slot);
    assert.equal(router.states[slot], slotStates.idle);
  });

  const echo = 'POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody';
  for (const [fixture, body, app = './server.js', request = get('/')] of [
    ['http-server', '{"framework":"node:http"}'],
    ['express-app', '{"framework":"express","host":"a.test"}'],
    ['koa-app', '{"framework":"koa"}'],
    ['fastify-app', '{"framework":"fastify"}'],
    ['hono-app', '{"framework":"hono"}', './server.mjs'],
    ['fetch-handler', 'body', './server.mjs', echo],
  ] as const) {
    it(`is served by ${fixture} as any other`, async (t) => {
      const { vassal, router } = await startHandoff(t, {
        fixture,
        keys: { app },
        rules: { accessLog: true, generation: 'test/1' },
      });
      const { connection } = await router.client(t);
      connection.write(request);
      const [direct] = await answersOf(connection, 1);
      const proxy = await startRouter(t, {
        apps: [routeTo(vassal.socket(), { name: 'test' })],
        router: { 'generation-header': true },
      });
      const proxied = await exchange(connect(t, proxy.port), request);
      assert.deepEqual(
        [direct].map((one) => one && comparable(one)),
        proxied.final.map(comparable),
      );
      assert.equal(direct?.body, body);
      const report = await router.told('the log', (message) => message.type === 'report' && message.log.length > 0);
      assert.ok(report.type === 'report');
      assert.equal(report.log[0]?.bytesOut, body.length);
    });
  }
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
  const fields = lines
    .map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase()).replace(/^(date|x-request-id): .*$/, '$1: …'))
    .sort();
  return { status, statusLine, fields, body, isWhole };
}

describe('an answer on a handed-over connection', { skip: withoutAddon }, () => {
  for (const generation of [null, 'test/1']) {
    it(`is that of the router, field for field${generation === null ? '' : ', with the generation'}`, async (t) => {
      const { vassal, router } = await startHandoff(t, { rules: { generation } });
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
