// The life of a request through the real router process, as clients and workers see it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, RawConnection, rawExchange } from '../harness/http-client.ts';
import { ok, RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';

describe('a request through the router', () => {
  it('reaches the worker in canonical form and the answer comes back', async (t) => {
    const worker = await RecordingWorker.start(t);
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const answer = await ask(router.port, {
      host: 'a.test',
      path: '/x?y=1',
      headers: { 'X-Own': 'kept', TE: 'trailers' },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'OK');
    assert.match(answer.headers.date ?? '', /GMT$/);
    const request = await worker.request();
    assert.equal(request.requestLine, 'GET /x?y=1 HTTP/1.1');
    assert.deepEqual(request.fields.get('host'), ['a.test']);
    assert.deepEqual(request.fields.get('x-own'), ['kept']);
    assert.deepEqual(request.fields.get('x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(request.fields.get('x-forwarded-proto'), ['http']);
    assert.deepEqual(request.fields.get('x-forwarded-host'), ['a.test']);
    assert.equal(request.fields.get('x-request-id')?.length, 1);
    assert.equal(request.fields.has('te'), false);
    assert.equal(request.fields.has('connection'), false);
    await router.shutdown();
  });

  it('pipelined requests are answered one after the other, in order', async (t) => {
    const worker = await RecordingWorker.start(t, ({ requestLine }) => ok(requestLine));
    const router = await startRouter(t, { apps: [routeTo(worker.path)] });
    const requests = Array.from({ length: 20 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    requests.push('GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    const received = await rawExchange(router.port, requests.join(''));
    assert.deepEqual(
      [...received.matchAll(/GET \/(\w+) /g)].map(([, path]) => path),
      [...Array.from({ length: 20 }, (_, i) => String(i)), 'last'],
    );
  });

  it('an unknown host is answered 404 by a page that says who answers', async (t) => {
    const router = await startRouter(t, {});
    const connection = new RawConnection(router.port);
    connection.write('GET / HTTP/1.1\r\nHost: nobody.test\r\nAccept: application/json\r\n\r\n');
    const received = await connection.until('a JSON error', (text) => text.endsWith('}}\n'));
    assert.match(received, /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.match(received, /X-Emperor-Error: unknown-host\r\n/);
    assert.match(received, /"message":"[^"]*nobody\.test/);
    connection.destroy();
  });
});
