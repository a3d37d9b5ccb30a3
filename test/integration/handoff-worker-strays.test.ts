// Requests on a handed-over connection that the router has to judge go back to it, and nothing of them is lost or changed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slotStates } from '../../lib/handoff.ts';
import { answersOf, get, seenBy, startHandoff } from '../harness/handoff-site.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { readAnswers } from '../harness/raw-answers.ts';
import { waitFor } from '../harness/wait-for.ts';

const stray = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: b.test\r\n${fields}\r\n`;

describe('a stray', { skip: withoutAddon }, () => {
  const cases: readonly (readonly [what: string, request: string, path: string])[] = [
    ['for another host', stray('/x'), '/x'],
    ['for its host at another port', 'GET /x HTTP/1.1\r\nHost: a.test:81\r\n\r\n', '/x'],
    ['with a whole URL', 'GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n', 'http://a.test/x'],
    ['of a method beyond the usual', 'PROPFIND /x HTTP/1.1\r\nHost: a.test\r\n\r\n', '/x'],
    ['with an option for its connection', get('/x', 'Connection: X-A\r\nX-A: 1\r\n'), '/x'],
    ['with two hosts', get('/x', 'Host: a.test\r\n'), '/x'],
    ['with a transfer coding that might be read otherwise', get('/x', 'Transfer-Encoding:\r\n'), '/x'],
  ];
  for (const [what, request, path] of cases) {
    it(`${what} is answered by the router, and its connection given back`, async (t) => {
      const { router } = await startHandoff(t);
      const client = await router.client(t);
      client.connection.write(request);
      const [answer] = await answersOf(client.connection, 1);
      assert.equal(answer?.body, `stray ${path}`);
      assert.equal(answer.fields.get('x-by'), 'router');
      assert.equal(await router.back(client.slot), 'stray');
      assert.deepEqual(
        router.messages.filter(({ type }) => type === 'stray'),
        [{ type: 'stray', address: '127.0.0.1' }],
      );
      const again = router.handOver(client);
      client.connection.write(get('/own'));
      assert.equal(seenBy((await answersOf(client.connection, 2))[1]).url, '/own');
      router.recall(again.slot);
      await router.back(again.slot);
    });
  }

  it('reaches the router as it came, with its body and trailers', async (t) => {
    const { router } = await startHandoff(t);
    const { connection } = await router.client(t);
    connection.write(
      'POST /x HTTP/1.1\r\nHost: b.test\r\nX-Forwarded-For: 1.1.1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    connection.write('4\r\nbody\r\n0\r\nX-Sum: 7\r\n\r\n');
    await answersOf(connection, 1);
    const [{ request, body } = assert.fail()] = router.strays;
    assert.equal(body, 'body');
    assert.deepEqual(request.rawHeaders.slice(0, 6), [
      ...['Host', 'b.test', 'X-Forwarded-For', '1.1.1.1', 'Transfer-Encoding', 'chunked'],
    ]);
    assert.deepEqual(request.rawTrailers, ['X-Sum', '7']);
  });

  it('waits for the router to ask for its body', async (t) => {
    const { router } = await startHandoff(t);
    const { connection } = await router.client(t);
    connection.write('PUT /x HTTP/1.1\r\nHost: b.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    await connection.until('100', (text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    connection.write('body');
    await answersOf(connection, 1);
    assert.equal(router.strays[0]?.body, 'body');
  });

  it('of HTTP/1.0 is answered by the router, and its connection ends', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write('GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n');
    assert.match(await connection.ended(), /^HTTP\/1\.1 200 [^]*\r\n\r\nstray \/x$/);
    await router.gone(slot);
  });

  it('among requests of the app is answered in its turn', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write(get('/slow') + stray('/x') + get('/own'));
    const [first, second, third] = await answersOf(connection, 3);
    assert.deepEqual([first?.body, second?.body, seenBy(third).url], ['begun,done', 'stray /x', '/own']);
    assert.equal(await router.back(slot), 'stray');
  });

  it('whose answer has early hints and trailers brings them along', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.removeAllListeners('request').on('request', (_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.writeHead(203, 'Well', { trailer: 'X-Sum', 'Set-Cookie': ['a=1', 'b=2'] });
      response.write('one');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const { connection } = await router.client(t);
    connection.write(stray('/x'));
    const [answer] = await answersOf(connection, 1);
    assert.match(answer?.head ?? '', /^HTTP\/1\.1 203 Well\r\n/);
    assert.equal(answer?.head.match(/^set-cookie: /gim)?.length, 2);
    assert.equal(answer.body, 'one');
    assert.match(connection.received, /^HTTP\/1\.1 103 Early Hints\r\nlink: /i);
    assert.match(connection.received, /0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('after whose answer the router closes ends its connection', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.removeAllListeners('request').on('request', (_request, response) => {
      response.writeHead(400, { connection: 'close' }).end('no');
    });
    const { connection, slot } = await router.client(t);
    connection.write(stray('/x'));
    assert.match(await connection.ended(), /^HTTP\/1\.1 400 [^]*connection: close[^]*\r\nno\r\n/i);
    await router.gone(slot);
  });

  it('whose answer breaks off breaks off', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.removeAllListeners('request').on('request', (_request, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const { connection, slot } = await router.client(t);
    connection.write(stray('/x'));
    await router.gone(slot);
    assert.equal(router.states[slot], slotStates.answering);
    assert.equal(readAnswers(connection.received).final[0]?.isWhole ?? false, false);
  });

  it('that nobody answers is answered 503', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.removeAllListeners('request').on('request', (request) => {
      request.socket.destroy();
    });
    const { connection, slot } = await router.client(t);
    connection.write(stray('/x'));
    const received = await connection.ended();
    assert.match(received, /^HTTP\/1\.1 503 [^]*X-Emperor-Error: shutdown[^]*Connection: close/);
    await router.gone(slot);
  });

  it('whose client leaves ends at the router', async (t) => {
    const { router } = await startHandoff(t);
    let isLeft = false;
    router.strayServer.removeAllListeners('request').on('request', (_request, response) => {
      response.write('half');
      response.on('close', () => {
        isLeft = true;
      });
    });
    const { connection, slot } = await router.client(t);
    connection.write(stray('/x'));
    await connection.until('the beginning', (text) => text.includes('half'));
    connection.socket.resetAndDestroy();
    await router.gone(slot);
    await waitFor(() => isLeft, { what: 'the end at the router' });
  });

  it('that asks for another protocol becomes a tunnel to the router, in both directions and with their ends', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.on('upgrade', (request, socket, head) => {
      const echo = (bytes: Buffer): unknown => socket.write(`heard ${bytes.toString()};`);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${request.url ?? ''};`,
      );
      if (head.length > 0) echo(head);
      socket.on('data', echo);
      socket.on('end', () => socket.end('bye'));
    });
    const { connection, slot } = await router.client(t);
    connection.write(`${get('/t', 'Connection: Upgrade\r\nUpgrade: x\r\n')}early`);
    await connection.until('the echo', (text) => text.includes('heard early'));
    assert.equal(router.states[slot], slotStates.answering);
    connection.write('late');
    await connection.until('the echo', (text) => text.includes('heard late'));
    connection.end();
    assert.match(await connection.ended(), /^HTTP\/1\.1 101 [^]*\r\n\r\n\/t;heard early;heard late;bye$/);
    await router.gone(slot);
    assert.equal(router.states[slot], slotStates.idle);
  });

  it('that is refused another protocol has its answer, and its connection ends', async (t) => {
    const { router } = await startHandoff(t);
    const { connection, slot } = await router.client(t);
    connection.write(get('/t', 'Connection: Upgrade\r\nUpgrade: x\r\n'));
    assert.match(await connection.ended(), /^HTTP\/1\.1 200 [^]*Connection: close[^]*stray \/t$/);
    await router.gone(slot);
  });

  it('by CONNECT is refused by the router', async (t) => {
    const { router } = await startHandoff(t);
    router.strayServer.on('connect', (_request, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { connection, slot } = await router.client(t);
    connection.write('CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n');
    assert.match(await connection.ended(), /^HTTP\/1\.1 400 /);
    await router.gone(slot);
  });
});
