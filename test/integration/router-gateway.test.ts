// Requests to workers that speak the gateway protocol, through the real router process: heads, answers, connections.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AppRoute } from '../../lib/routes.ts';
import { GatewayWorker, ok, type GatewayAnswer } from '../harness/gateway-worker.ts';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { route, startRouter, type RouterOptions, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

async function serving(
  t: TestContext,
  answer?: GatewayAnswer,
  { app = {}, options = {} }: { readonly app?: Partial<AppRoute>; readonly options?: RouterOptions } = {},
): Promise<{ worker: GatewayWorker; router: RouterProcess }> {
  const worker = await GatewayWorker.start(t, answer);
  const router = await startRouter(t, {
    ...options,
    apps: [route({ targets: [worker.target('app/1/1', 1)], ...app })],
  });
  return { worker, router };
}

const get = (target = '/', fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

describe('a gateway worker', () => {
  it('is told of a request as variables, of its client by address and port', async (t) => {
    const { worker, router } = await serving(t);
    const client = new RawConnection(router.port);
    client.write(get('/a%20b?c=%20', 'User-Agent: me\r\nX-Own: 1\r\nProxy: evil\r\nX_Bad: 1\r\nx-own: 2\r\n'));
    await client.until('the answer', (text) => text.endsWith('OK'));
    const { variables } = await worker.request();
    const requestId = variables.get('HTTP_X_REQUEST_ID') ?? '';
    assert.match(requestId, /^[0-9a-f]{8}-/);
    assert.deepEqual(Object.fromEntries([...variables].sort()), {
      HTTP_HOST: 'a.test',
      HTTP_USER_AGENT: 'me',
      HTTP_X_FORWARDED_FOR: '127.0.0.1',
      HTTP_X_FORWARDED_HOST: 'a.test',
      HTTP_X_FORWARDED_PROTO: 'http',
      HTTP_X_OWN: '1, 2',
      HTTP_X_REQUEST_ID: requestId,
      PATH_INFO: '/a b',
      QUERY_STRING: 'c=%20',
      REMOTE_ADDR: '127.0.0.1',
      REMOTE_PORT: String(client.socket.localPort),
      REQUEST_METHOD: 'GET',
      REQUEST_SCHEME: 'http',
      REQUEST_URI: '/a%20b?c=%20',
      SCRIPT_NAME: '',
      SERVER_NAME: 'a.test',
      SERVER_PORT: String(router.port),
      SERVER_PROTOCOL: 'HTTP/1.1',
    });
    const [answer] = readAnswers(client.received).final;
    assert.deepEqual([answer?.status, answer?.body, answer?.fields.has('date')], [200, 'OK', true]);
    client.destroy();
  });

  it('is told where it is mounted by the domain that the request was routed by', async (t) => {
    const { worker, router } = await serving(t, undefined, {
      app: { domains: ['a.test/shop', 'a.test/shop/caf%C3%A9'] },
    });
    for (const path of ['/shop', '/shop/cart?x', '/shop/caf%C3%A9/menu'])
      await ask(router.port, { host: 'a.test', path });
    assert.equal((await ask(router.port, { host: 'a.test', path: '/shopping' })).status, 404);
    assert.deepEqual(
      worker.requests.map(({ variables }) => [variables.get('SCRIPT_NAME'), variables.get('PATH_INFO')]),
      [
        ['/shop', ''],
        ['/shop', '/cart'],
        ['/shop/caf\u00c3\u00a9', '/menu'],
      ],
    );
  });

  it('believes of a trusted proxy what it says of its client', async (t) => {
    const { worker, router } = await serving(t, undefined, { options: { trustedProxies: ['127.0.0.1'] } });
    const headers = { 'X-Forwarded-For': '198.51.100.7', 'X-Forwarded-Proto': 'https' };
    await ask(router.port, { host: 'a.test', headers });
    const { variables } = await worker.request();
    const names = ['REMOTE_ADDR', 'REMOTE_PORT', 'HTTPS', 'REQUEST_SCHEME', 'SERVER_PORT', 'HTTP_X_FORWARDED_FOR'];
    assert.deepEqual(
      names.map((name) => variables.get(name)),
      ['198.51.100.7', undefined, 'on', 'https', '443', '198.51.100.7, 127.0.0.1'],
    );
  });

  it('gets one request after the other on one connection, from whichever client', async (t) => {
    const { worker, router } = await serving(t);
    for (const path of ['/1', '/2', '/3']) assert.equal((await ask(router.port, { host: 'a.test', path })).status, 200);
    assert.equal(worker.connections.length, 1);
    assert.deepEqual(
      worker.requests.map(({ index }) => index),
      [0, 1, 2],
    );
  });

  it('gets pipelined requests one by one', async (t) => {
    const { worker, router } = await serving(t, ({ variables }) => ok(variables.get('PATH_INFO')));
    const client = new RawConnection(router.port);
    client.write(get('/1') + get('/2') + get('/3'));
    await client.until('the answers', (text) => readAnswers(text).final.at(2)?.isWhole === true);
    assert.deepEqual(
      readAnswers(client.received).final.map(({ body }) => body),
      ['/1', '/2', '/3'],
    );
    assert.equal(worker.connections.length, 1);
    client.destroy();
  });

  it('never sees a path with an encoded NUL: 400, and the connections go on', async (t) => {
    const { worker, router } = await serving(t, undefined, { options: { accessLog: true } });
    const client = new RawConnection(router.port);
    client.write(get('/first'));
    await client.until('the answer', (text) => text.endsWith('OK'));
    client.write(get('/a%00b'));
    await client.until('the refusal', (text) => readAnswers(text).final.at(1)?.isWhole === true);
    client.write(get('/last?%00'));
    await client.until('another answer', (text) => readAnswers(text).final.length === 3 && text.endsWith('OK'));
    const [, refused, last] = readAnswers(client.received).final;
    assert.deepEqual([refused?.status, refused?.fields.get('x-emperor-error')], [400, 'path-with-nul']);
    assert.equal(last?.status, 200);
    assert.deepEqual(
      worker.requests.map(({ variables }) => variables.get('REQUEST_URI')),
      ['/first', '/last?%00'],
    );
    assert.equal(worker.connections.length, 1);
    await router.accessLine('the line of the refused one', (line) => line['status'] === 400);
    client.destroy();
  });

  it('is never asked to upgrade, and may not: such a request is an ordinary one', async (t) => {
    const { worker, router } = await serving(t);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n';
    const client = new RawConnection(router.port);
    client.write(get('/', upgrade));
    await client.until('the answer', (text) => text.endsWith('OK'));
    const { variables } = await worker.request();
    assert.deepEqual([variables.has('HTTP_UPGRADE'), variables.has('HTTP_CONNECTION')], [false, false]);
    assert.equal(variables.get('HTTP_SEC_WEBSOCKET_KEY'), 'a');
    worker.answer = () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    client.write(get('/', upgrade));
    await client.until('a 502', (text) => readAnswers(text).final.at(1)?.isWhole === true);
    const answer = readAnswers(client.received).final[1];
    assert.deepEqual([answer?.status, answer?.fields.get('x-emperor-error')], [502, 'worker-garbage']);
    client.destroy();
  });

  it('serves HTTP/1.0 clients, and such as name no host', async (t) => {
    const { worker, router } = await serving(t, undefined, { app: { domains: ['*'] } });
    assert.match(await rawExchange(router.port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
    const { variables } = await worker.request();
    const names = ['SERVER_PROTOCOL', 'SERVER_NAME', 'HTTP_HOST'];
    assert.deepEqual(
      names.map((name) => variables.get(name)),
      ['HTTP/1.0', 'localhost', 'localhost'],
    );
  });
});

describe('the answer of a gateway worker', () => {
  it('to HEAD, and one of 304 or 204, has no body, and the next request follows on the connection', async (t) => {
    const answers = [
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
      ok(),
    ];
    const { worker, router } = await serving(t, ({ index }) => answers[index]);
    const client = new RawConnection(router.port);
    const methods = ['HEAD', 'GET', 'GET', 'GET'];
    for (const [index, method] of methods.entries()) {
      client.write(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      await client.until('an answer', (text) => readAnswers(text, methods).final.at(index)?.isWhole === true);
    }
    const { final } = readAnswers(client.received, methods);
    assert.deepEqual(
      final.map(({ status, body }) => [status, body]),
      [
        [200, ''],
        [304, ''],
        [204, ''],
        [200, 'OK'],
      ],
    );
    assert.equal(worker.connections.length, 1);
    client.destroy();
  });

  it('that is chunked, or ends with its connection, is passed on, and the connection used again only where it may be', async (t) => {
    const { worker, router } = await serving(t, ({ connection, variables }) => {
      const head = 'HTTP/1.1 200 OK\r\n';
      if (variables.get('PATH_INFO') === '/chunked')
        return `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`;
      connection.socket.end(`${head}Connection: close\r\n\r\nuntil the end`);
      return undefined;
    });
    for (const [path, body] of [
      ['/chunked', 'ab'],
      ['/close', 'until the end'],
      ['/chunked', 'ab'],
    ] as const) {
      assert.equal((await ask(router.port, { host: 'a.test', path })).body, body);
    }
    assert.equal(worker.connections.length, 2);
  });

  it('that is cut cuts the client, in every framing that can show it', async (t) => {
    const { router } = await serving(t, ({ connection, variables }) => {
      const isChunked = variables.get('PATH_INFO') === '/chunked';
      const framing = isChunked
        ? 'Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n'
        : 'Content-Length: 10\r\n\r\nabcde';
      connection.socket.end(`HTTP/1.1 200 OK\r\n${framing}`);
      return undefined;
    });
    for (const path of ['/length', '/chunked']) {
      const client = new RawConnection(router.port);
      client.write(get(path));
      await client.ended();
      const [answer] = readAnswers(client.received).final;
      assert.deepEqual([answer?.status, answer?.isWhole], [200, false], path);
    }
  });

  it('that is longer than it says is cut to what it says, and its connection is not used again', async (t) => {
    const { worker, router } = await serving(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOKsurplus');
    for (let i = 0; i < 2; i++) assert.equal((await ask(router.port, { host: 'a.test' })).body, 'OK');
    assert.equal(worker.connections.length, 2);
  });

  it('that is no HTTP is a 502', async (t) => {
    const { router } = await serving(t, () => 'Status: 200 OK\r\n\r\nhello');
    const { status, headers } = await ask(router.port, { host: 'a.test' });
    assert.deepEqual([status, headers['x-emperor-error']], [502, 'worker-garbage']);
  });

  it('may be preceded by early hints', async (t) => {
    const { router } = await serving(t, () => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${ok()}`);
    const client = new RawConnection(router.port);
    client.write(get());
    await client.until('the answer', (text) => text.endsWith('OK'));
    assert.deepEqual(
      readAnswers(client.received).interim.map(({ status }) => status),
      [103],
    );
    client.destroy();
  });

  it('of which the client goes away ends the connection of the worker', async (t) => {
    const { worker, router } = await serving(t, () => undefined, { options: { accessLog: true } });
    const client = new RawConnection(router.port);
    client.write(get());
    const { connection } = await worker.request();
    client.destroy();
    await waitFor(() => connection.isClosed, { what: 'the worker to see the end' });
    await router.accessLine('a line that says 499', (line) => line['status'] === 499);
  });
});
