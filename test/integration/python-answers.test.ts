// What becomes of what a WSGI app answers, right or wrong. Where a client cannot be told any more that something failed,
// its connection is cut: never a clean end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gatewayHead, type GatewayRequest } from '../harness/gateway-client.ts';
import { rawExchange } from '../harness/http-client.ts';
import { isAlive } from '../harness/processes.ts';
import { fixtureApp } from '../harness/paths.ts';
import { shareWsgiSite } from '../harness/wsgi-site.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A POST of JSON in ASCII. */
function json(value: unknown): GatewayRequest {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return { method: 'POST', body: JSON.stringify(value).replace(/[^ -~]/g, escaped) };
}

describe('an answer', () => {
  const site = shareWsgiSite();

  it('of one block has its length, and leaves its connection open', async (t) => {
    const connection = site().connect(t);
    for (let count = 0; count < 3; count += 1) {
      const { status, fields, body } = await connection.ask({ path: '/bare/hello' });
      assert.equal(status, 200);
      assert.equal(fields.get('content-length'), '6');
      assert.equal(fields.has('connection'), false);
      assert.equal(body, 'hello\n');
    }
  });

  it('is streamed block by block, each as soon as the app gives it', async (t) => {
    const connection = site().connect(t);
    connection.send({ path: '/stream' });
    await connection.until('the first block', (received) => received.includes('one\n'));
    assert.equal(connection.received.includes('two'), false);
    site().write('go');
    assert.equal((await connection.answer()).body, 'one\ntwo\n');
    assert.equal((await connection.ask({ path: '/hello' })).status, 200);
  });

  it('may be begun by write()', async () => {
    assert.equal((await site().ask('/writes')).body, 'written,returned');
  });

  it('without a byte has a length of none', async () => {
    const { status, fields, isWhole } = await site().ask('/status?201');
    assert.equal(status, 201);
    assert.equal(fields.get('content-length'), '0');
    assert.equal(isWhole, true);
  });

  for (const [what, request] of [
    ['to HEAD', { method: 'HEAD', path: '/hello' }],
    ['204', { path: '/status?204' }],
    ['304', { path: '/status?304' }],
  ] as const) {
    it(`${what} has no body, and the next one begins behind it`, async (t) => {
      const connection = site().connect(t);
      const first = await connection.ask(request);
      assert.equal(first.fields.has('transfer-encoding'), false);
      assert.equal(first.fields.has('content-length'), false);
      const { body } = await connection.ask({ path: '/hello' });
      assert.equal(body, 'hello\n');
    });
  }

  it('may be told anew with exc_info before it is sent', async () => {
    const { status, head, body } = await site().ask('/retold');
    assert.equal(status, 503);
    assert.doesNotMatch(head, /X-First/);
    assert.equal(body, 'instead');
  });

  it('to a plain SCGI client ends with its connection, and is not chunked', async () => {
    const request = gatewayHead({ path: '/writes', variables: { SCGI: '1' } });
    const answer = await rawExchange(site().vassal.socket(), request);
    assert.match(
      answer,
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nConnection: close\r\n\r\nwritten,returned$/,
    );
  });

  it('that is a file is sent as it is, with its length', async () => {
    const content = readFileSync(`${fixtureApp('wsgi')}/app.py`, 'latin1').repeat(40);
    site().write('content', content);
    const { fields, body } = await site().ask('/bare/file?content');
    assert.equal(fields.get('content-length'), String(content.length));
    assert.ok(body === content, 'the bytes are those of the file');
    assert.equal((await site().ask('/file?content')).body.length, content.length);
  });

  it('that is a file of another kind is read and sent', async () => {
    assert.equal((await site().ask('/memory-file')).body, 'm'.repeat(100_000));
  });

  it('is closed when it is sent, and when its client goes away', async (t) => {
    let from = site().logLength;
    assert.equal((await site().ask('/closing')).body, 'ab');
    await site().logged('closed', from);
    from = site().logLength;
    const connection = site().connect(t);
    connection.send({ path: '/endless' });
    await connection.until('a block', (received) => received.includes('xxx'));
    connection.destroy();
    const log = await site().logged('closed', from);
    assert.equal(log, 'endless began\nclosed');
    assert.equal((await site().ask('/hello')).status, 200);
  });

  it('may come with words for the log, on whatever stream', async () => {
    const from = site().logLength;
    await site().ask('/errors');
    await site().logged('written to wsgi.errors', from);
    await site().logged('printed without a flush', from);
  });
});

describe('an app that fails', () => {
  const site = shareWsgiSite();

  for (const [path, why] of [
    ['raises', 'RuntimeError: raised on purpose'],
    ['twice', 'AssertionError: start_response was called for the second time'],
    ['exits', 'SystemExit of an app ends its request, not the worker'],
    ['interrupts', 'KeyboardInterrupt of an app ends its request, not the worker'],
    ['text', 'TypeError: the app must give bytes, got str'],
    ['nothing', 'TypeError: the app returned None'],
    ['no-start', 'AssertionError: the app gave its answer before it called start_response'],
    ['short-at-once', 'ValueError: the answer has 3 bytes and its Content-Length says 10'],
  ] as const) {
    it(`before its answer began (${path}) is answered for with 500, and the log says why`, async (t) => {
      const from = site().logLength;
      const connection = site().connect(t);
      const { status, fields, body } = await connection.ask({ path: `/bare/${path}` });
      assert.equal(status, 500);
      assert.equal(fields.get('content-type'), 'text/plain');
      assert.equal(body, 'The app failed to answer this request.\n');
      const log = await site().logged(why, from);
      assert.match(log, new RegExp(`worker 1: GET /bare/${path} failed`));
      assert.match(log, /Traceback \(most recent call last\)/);
      assert.equal((await connection.ask({ path: '/hello' })).status, 200);
    });
  }

  for (const [path, why, told] of [
    ['raises-half-way', 'RuntimeError: raised half-way', 'begun'],
    ['late', 'ValueError: failed half-way', 'begun'],
    ['short', 'an answer ended after 3 of the 10 bytes of its Content-Length; it was cut', '123'],
  ] as const) {
    it(`within its answer (${path}) has its connection cut, and the log says why`, async (t) => {
      const from = site().logLength;
      const connection = site().connect(t);
      connection.send({ path: `/bare/${path}` });
      const received = await connection.ended();
      assert.ok(received.includes(told), received);
      assert.equal(connection.answers.final[0]?.isWhole, false);
      await site().logged(why, from);
      assert.equal((await site().ask('/hello')).status, 200);
    });
  }

  it('in the close() of its answer is told in the log; the answer stands', async (t) => {
    const from = site().logLength;
    const connection = site().connect(t);
    assert.equal((await connection.ask({ path: '/bare/raises-in-close' })).body, 'whole');
    await site().logged('RuntimeError: raised in close', from);
    assert.equal((await connection.ask({ path: '/hello' })).status, 200);
  });

  it('by more bytes than its Content-Length has the surplus cut off', async (t) => {
    const from = site().logLength;
    const connection = site().connect(t);
    assert.equal((await connection.ask({ path: '/bare/long' })).body, '12345');
    await site().logged('an answer is longer than the 5 bytes of its Content-Length', from);
    assert.equal((await connection.ask({ path: '/hello' })).body, 'hello\n');
  });

  for (const [name, value, why] of [
    ['X-Evil', 'a\r\nSet-Cookie: b', 'ValueError: the header X-Evil holds the control character'],
    ['X-Evil', 'a\nb', 'ValueError: the header X-Evil holds the control character'],
    ['X-Evil', 'a\0b', 'ValueError: the header X-Evil holds the control character'],
    ['X-Evil', 'a\u20ac', 'which is not in ISO-8859-1'],
    ['X-Evil', 5, 'TypeError: the value of the header X-Evil must be a str, got int'],
    ['X Evil', 'a', "ValueError: 'X Evil' is no name of a header"],
    ['X-Evil:', 'a', "ValueError: 'X-Evil:' is no name of a header"],
    ['Connection', 'close', "ValueError: the header Connection is the server's own"],
    ['transfer-encoding', 'chunked', "ValueError: the header transfer-encoding is the server's own"],
    ['Content-Length', '+4', 'ValueError: the header Content-Length must be a number'],
  ] as const) {
    it(`by the header ${JSON.stringify([name, value])} is answered for with 500, and the log names it`, async () => {
      const from = site().logLength;
      const answer = await site().ask('/bare/field', json([name, value]));
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.head, /evil/i);
      await site().logged(why, from);
    });
  }

  for (const status of ['200 OK\r\nX-Evil: 1', '101 Switching Protocols', '99 Low', 'OK', '600 High', '']) {
    it(`by the status ${JSON.stringify(status)} is answered for with 500`, async () => {
      const answer = await site().ask('/bare/status-text', json(status));
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.head, /evil/i);
    });
  }

  it('may send bytes of ISO-8859-1 and tabs in a header', async () => {
    const { fields } = await site().ask('/bare/field', json(['X-Name', 'caf\xe9\tau lait']));
    assert.equal(fields.get('x-name'), 'caf\xe9\tau lait');
  });

  it('tells a client in its log only as text', async () => {
    const from = site().logLength;
    await site().ask('/bare/raises', { variables: { REQUEST_URI: '/\x1b[2J\xff' } });
    await site().logged(String.raw`GET /\x1b[2J\xff failed`, from);
  });
});

describe('a process that an app forks', () => {
  const site = shareWsgiSite();

  it('does not answer, when it comes back as if it were the worker', async (t) => {
    const connection = site().connect(t);
    assert.equal((await connection.ask({ path: '/bare/forks' })).body, 'from the worker\n');
    assert.equal((await connection.ask({ path: '/hello' })).body, 'hello\n');
  });

  it('does not keep the connection of its request open', async (t) => {
    const answer = await rawExchange(
      site().vassal.socket(),
      gatewayHead({ path: '/bare/forks-away', variables: { SCGI: '1' } }),
    );
    const child = Number(/X-Child: (\d+)/.exec(answer)?.[1]);
    t.after(() => {
      site().write('go');
    });
    assert.ok(isAlive(child), 'it lives on when the connection has ended');
    site().write('go');
    await waitFor(() => !isAlive(child), { what: 'the child to end' });
    assert.equal((await site().ask('/hello')).status, 200);
  });
});

describe('a worker whose app calls os._exit', () => {
  const site = shareWsgiSite();

  it('ends, and another one serves in its place', async () => {
    const pid = site().vassal.pid();
    assert.equal(await rawExchange(site().vassal.socket(), gatewayHead({ path: '/bare/exits-at-once' })), '');
    const isReplaced = ({ workers }: { workers: readonly { pid: number | null; state: string }[] }): boolean =>
      workers[0]?.state === 'ready' && workers[0].pid !== pid;
    const { workers } = await site().vassal.until('another worker', isReplaced);
    assert.equal(workers[0]?.lastExit, 'exit code 9');
    assert.equal((await site().ask('/hello')).status, 200);
  });
});
