// What a worker is told of the requests on handed-over connections, and what it tells: limits, counts, log lines, and
// routers that come, go, or say what is not understood.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { handoffVersion, slotStates, type HandoffLogEntry } from '../../lib/handoff.ts';
import { handoffSocket } from '../../lib/run-dir.ts';
import { HandingRouter } from '../harness/handing-router.ts';
import { answersOf, get, seenBy, startHandoff } from '../harness/handoff-site.ts';
import { RawConnection } from '../harness/http-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { routeTo, startRouter } from '../harness/router-process.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const post = (length: number, body: string, path = '/'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n${body}`;
const chunked = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a limit of bodies', { skip: withoutAddon }, () => {
  it('is kept with the very answer of the router, and the connection ends', async (t) => {
    const { vassal, router } = await startHandoff(t, { rules: { limitPost: 10, generation: 'test/1' } });
    const proxy = await startRouter(t, {
      apps: [routeTo(vassal.socket(), { name: 'test', limitPost: 10 })],
      router: { 'generation-header': true },
    });
    const page = async (endpoint: RawConnection, request: string): Promise<string> => {
      endpoint.write(request);
      const received = await endpoint.ended();
      const plain = received
        .replace(/feedbeef\.[\w-]+|[0-9a-f]{8,}-\w+/g, 'id')
        .replace(/^(date|content-length): .*$/gim, '$1');
      const [head = '', body] = plain.split('\r\n\r\n');
      return `${head.split('\r\n').sort().join('\n')}\n\n${body ?? ''}`;
    };
    for (const request of [
      post(11, 'x'.repeat(11)),
      post(5_000_000, ''),
      `POST / HTTP/1.1\r\nHost: a.test\r\nAccept: application/json\r\nContent-Length: 11\r\n\r\n`,
      `POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n`,
      `${chunked}b\r\n${'x'.repeat(11)}\r\n0\r\n\r\n`,
    ]) {
      const { connection, slot } = await router.client(t);
      const direct = await page(connection, request);
      assert.match(direct, /^HTTP\/1\.1 413 /m);
      const proxied = new RawConnection(proxy.port);
      t.after(() => {
        proxied.destroy();
      });
      assert.equal(direct, await page(proxied, request), request);
      await router.gone(slot);
      assert.equal(router.states[slot], slotStates.idle, 'the answer is whole');
    }
  });

  it('lets through what it allows', async (t) => {
    const { router } = await startHandoff(t, { rules: { limitPost: 10 } });
    const { connection } = await router.client(t);
    connection.write(`${post(10, '0123456789')}${chunked}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n`);
    for (const answer of await answersOf(connection, 2)) assert.equal(seenBy(answer).body, '0123456789');
  });

  it('cuts an answer that has begun', async (t) => {
    const { router } = await startHandoff(t, { rules: { limitPost: 10 } });
    const { connection, slot } = await router.client(t);
    connection.write(chunked.replace(' / ', ' /events '));
    connection.write(`5\r\n01234\r\n`);
    await connection.until('the answer', (text) => text.includes('begun'));
    connection.write(`6\r\n567890\r\n`);
    await router.gone(slot);
  });
});

describe('reports', { skip: withoutAddon }, () => {
  it('count what was answered and what runs, and nothing else while nothing happens', async (t) => {
    const { router } = await startHandoff(t);
    const [one, other] = [await router.client(t), await router.client(t)];
    one.connection.write(get('/waits'));
    await router.told('one in flight', (message) => message.type === 'report' && message.inFlight === 1);
    other.connection.write(get('/go'));
    await answersOf(one.connection, 1);
    const total = (): number => router.reports.reduce((sum, { requests }) => sum + requests, 0);
    await waitFor(() => total() === 2 && router.reports.at(-1)?.inFlight === 0, { what: 'both to be counted' });
    assert.deepEqual(
      router.reports.flatMap(({ log }) => log),
      [],
    );
  });

  it('bring a line for each request where they are asked for, and none of strays', async (t) => {
    const { router } = await startHandoff(t, { rules: { accessLog: true } });
    const { connection } = await router.client(t, 'A.Test.:8080');
    const host = 'Host: A.Test.:8080';
    connection.write(`POST /?q=1 HTTP/1.1\r\n${host}\r\nContent-Length: 4\r\n\r\nbody`);
    connection.write(`POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`);
    connection.write(`HEAD /head-object HTTP/1.1\r\n${host}\r\n\r\n`);
    connection.write(`GET /chunks HTTP/1.1\r\n${host}\r\n\r\n`);
    const lines = async (count: number): Promise<HandoffLogEntry[]> =>
      waitFor(
        () => {
          const log = router.reports.flatMap((report) => report.log);
          return log.length >= count ? log : undefined;
        },
        { what: `${count} lines` },
      );
    const [first, second, third, fourth] = await lines(4);
    const { bytesOut = 0, durationMs = -1, requestId = '', ...rest } = first ?? {};
    assert.deepEqual(rest, {
      method: 'POST',
      host: 'a.test',
      path: '/?q=1',
      status: 200,
      bytesIn: 4,
      client: '127.0.0.1',
      isCut: false,
    });
    assert.ok(bytesOut > 100 && durationMs >= 0);
    assert.match(requestId, /^feedbeef\./);
    assert.deepEqual([second?.bytesIn, third?.status, third?.bytesOut, fourth?.bytesOut], [4, 201, 0, 7]);
    connection.write(`GET /x HTTP/1.1\r\nHost: b.test\r\n\r\n`);
    const cut = await router.client(t);
    cut.connection.write(get('/slow'));
    await cut.connection.until('the beginning', (text) => text.includes('begun'));
    cut.connection.socket.resetAndDestroy();
    const unanswered = await router.client(t);
    unanswered.connection.write(get('/waits'));
    await waitFor(() => router.states[unanswered.slot] === slotStates.busy, { what: 'the request to begin' });
    unanswered.connection.socket.resetAndDestroy();
    const rest2 = (await lines(6)).slice(4).map(({ path, status, isCut }) => ({ path, status, isCut }));
    assert.deepEqual(
      rest2.sort((a, b) => a.status - b.status),
      [
        { path: '/slow', status: 200, isCut: true },
        { path: '/waits', status: 499, isCut: true },
      ],
    );
    assert.equal(router.strays.length, 1);
  });

  it('of many requests come in as many messages as they need', async (t) => {
    const { router } = await startHandoff(t, { rules: { accessLog: true } });
    const { connection } = await router.client(t);
    const path = `/request-id?${'x'.repeat(4000)}`;
    for (let round = 0; round < 8; round++) connection.write(get(path).repeat(10));
    const log = await waitFor(
      () => {
        const all = router.reports.flatMap((report) => report.log);
        return all.length === 80 ? all : undefined;
      },
      { what: '80 lines' },
    );
    assert.equal(new Set(log.map(({ requestId }) => requestId)).size, 80);
    assert.equal(
      router.reports.reduce((sum, { requests }) => sum + requests, 0),
      80,
    );
  });
});

describe('a router', { skip: withoutAddon }, () => {
  it('that dies has what runs answered, and its connections end', async (t) => {
    const { router, vassal } = await startHandoff(t, { rules: { idleMs: 60_000 } });
    const [idle, busy, half] = [await router.client(t), await router.client(t), await router.client(t)];
    const asked = await router.client(t);
    asked.connection.write(get('/waits'));
    await waitFor(() => router.states[asked.slot] === slotStates.busy, { what: 'the request to begin' });
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    half.connection.write('GET /half HTTP/1.1\r\n');
    await waitFor(() => router.states[half.slot] === slotStates.busy, { what: 'the part of a head to be read' });
    router.stop();
    assert.equal(await idle.connection.ended(), '');
    const other = await HandingRouter.start(t, { path: vassal.state?.workers[0]?.handoff ?? '' });
    (await other.client(t)).connection.write(get('/go'));
    assert.match(await asked.connection.ended(), /Connection: close[^]*waited/);
    assert.match(await busy.connection.ended(), /begun,[^]*done[^]*$/);
    half.connection.write('Host: a.test\r\n\r\n');
    assert.match(await half.connection.ended(), /Connection: close[^]*"url":"\/half"/);
    for (const { connection } of [idle, busy, half]) assert.equal(connection.socket.readableEnded, true, 'no reset');
    // The next router is served as if nothing had been.
    const path = vassal.state?.workers[0]?.handoff ?? '';
    const next = await HandingRouter.start(t, { path });
    const { connection } = await next.client(t);
    connection.write(get('/'));
    await answersOf(connection, 1);
  });

  it('that dies does not keep its worker from ending', async (t) => {
    const { router, vassal } = await startHandoff(t);
    const { connection } = await router.client(t);
    connection.write(get('/'));
    await answersOf(connection, 1);
    router.stop();
    vassal.stop();
    await connection.ended();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
  });

  it('of another version is left alone', async (t) => {
    const { router } = await startHandoff(t, { version: handoffVersion + 1 });
    await waitFor(() => router.ends.length > 0, { what: 'the end of the channel' });
  });

  for (const [what, text] of [
    ['no JSON', '{'],
    ['no message', '[]'],
    ['an unknown message', '{"type":"x"}'],
    ['a message of another shape', '{"type":"recall","slot":"1"}'],
    ['a slot that is none', '{"type":"take","slot":5000,"address":"","host":"a.test"}'],
    ['a second hello without memory', `{"type":"hello","version":${handoffVersion},"idPrefix":"x","slots":1}`],
  ] as const) {
    it(`that sends ${what} is left alone, and the log says so`, async (t) => {
      const { router, vassal } = await startHandoff(t);
      router.sendRaw(text);
      await waitFor(() => router.ends.length > 0, { what: 'the end of the channel' });
      await vassal.logged('a router handed connections over in a way that is not understood');
    });
  }

  it('that hands over what is no connection has it back', async (t) => {
    const { router } = await startHandoff(t);
    const client = await router.client(t);
    router.sendRaw('{"type":"take","slot":77,"address":"","host":"a.test"}');
    assert.equal(await router.back(77), 'stray');
    client.connection.write(get('/'));
    await answersOf(client.connection, 1);
  });
});

describe('a worker', { skip: withoutAddon }, () => {
  for (const [what, fixture, keys] of [
    ['whose spec says so', 'echo-exchange', { handoff: 'off' }],
    ['whose server speaks TLS', 'listens-with-tls', {}],
    ['of a command', 'python-port', { command: 'python3 server.py' }],
  ] as const) {
    it(`${what} takes no connection over`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys });
      const { workers } = await vassal.until('the workers', (state) => state.workers.length > 0);
      assert.equal(workers[0]?.handoff, null);
      assert.equal(existsSync(handoffSocket(vassal.dir, 1)), false);
    });
  }

  it('whose server is the primary of node:cluster takes no connection over', async (t) => {
    const vassal = await startVassal(t, { fixture: 'uses-cluster' });
    const { workers } = await vassal.ready();
    assert.equal(workers[0]?.handoff, null);
  });

  it('without the addon takes no connection over', async (t) => {
    const vassal = await startVassal(t, { fixture: 'echo-exchange', env: { EMPEROR_NO_NATIVE: '1' } });
    const { workers } = await vassal.ready();
    assert.equal(workers[0]?.handoff, null);
  });

  it('serves others on its own socket while it serves handed-over connections', async (t) => {
    const { router, vassal } = await startHandoff(t);
    const { connection } = await router.client(t);
    const proxied = new RawConnection(vassal.socket());
    t.after(() => {
      proxied.destroy();
    });
    for (const one of [connection, proxied])
      one.write(get('/', 'X-Forwarded-For: 1.1.1.1\r\nX-Request-Id: theirs\r\n'));
    assert.equal(seenBy((await answersOf(connection, 1))[0]).headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(seenBy((await answersOf(proxied, 1))[0]).headers['x-forwarded-for'], '1.1.1.1');
  });
});
