// When a worker gives a client connection back: nothing of what the client sent or was to be sent is lost by it.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { slotStates } from '../../lib/handoff.ts';
import type { Client } from '../harness/handing-router.ts';
import { answersOf, get, seenBy, startHandoff } from '../harness/handoff-site.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { gone } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Hands it over again and asks for more: what came is whole, and the rest of a request is not lost. */
async function goesOn(handOver: (client: Client) => Client, client: Client, soFar: number): Promise<Client> {
  const again = handOver(client);
  client.connection.write(get('/again'));
  assert.equal(seenBy((await answersOf(client.connection, soFar + 1))[soFar]).url, '/again');
  return again;
}

describe('a handed-over connection', { skip: withoutAddon }, () => {
  it('that idles for its time is given back, and goes on elsewhere', async (t) => {
    const { router } = await startHandoff(t, { rules: { idleMs: 200 } });
    const client = await router.client(t);
    client.connection.write(get('/'));
    await answersOf(client.connection, 1);
    assert.equal(await router.back(client.slot), 'idle');
    assert.equal(router.states[client.slot], slotStates.idle);
    const again = await goesOn((one) => router.handOver(one), client, 1);
    assert.equal(await router.back(again.slot), 'idle');
  });

  it('that was never used is given back as well', async (t) => {
    const { router } = await startHandoff(t, { rules: { idleMs: 200 } });
    const client = await router.client(t);
    assert.equal(await router.back(client.slot), 'idle');
    await goesOn((one) => router.handOver(one), client, 0);
  });

  it('that is recalled comes back at once where it idles, else after its answer', async (t) => {
    const { router } = await startHandoff(t);
    const [idle, busy] = [await router.client(t), await router.client(t)];
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    assert.equal(router.states[busy.slot], slotStates.answering);
    router.recall(idle.slot);
    router.recall(busy.slot);
    assert.equal(await router.back(idle.slot), 'recalled');
    assert.equal(await router.back(busy.slot), 'recalled');
    assert.equal((await answersOf(busy.connection, 1))[0]?.body, 'begun,done');
    await goesOn((one) => router.handOver(one), busy, 1);
  });

  it('that idles is back before the worker says that it goes by rules by which it serves no more', async (t) => {
    const { router } = await startHandoff(t);
    const [idle, busy] = [await router.client(t), await router.client(t)];
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    const isRuled = ({ type }: { readonly type: string }): boolean => type === 'ruled';
    await router.told('the first rules in force', isRuled);
    router.rule({ isServing: false });
    await waitFor(() => router.messages.filter(isRuled).length === 2, { what: 'the second rules in force' });
    const order = router.messages.map((message) =>
      'slot' in message ? `${message.type} ${message.slot}` : message.type,
    );
    const ofNote = order.filter((what) => what === 'ruled' || what.startsWith('back'));
    assert.deepEqual(ofNote.slice(0, 3), ['ruled', `back ${idle.slot}`, 'ruled']);
    await router.back(busy.slot);
  });

  it('comes back with a large answer whole, however slowly its client reads', async (t) => {
    const { router } = await startHandoff(t);
    const client = await router.client(t);
    client.connection.socket.pause();
    client.connection.write(get('/huge'));
    await waitFor(() => router.states[client.slot] === slotStates.answering, { what: 'the answer to begin' });
    router.recall(client.slot);
    // It answers another one meanwhile: time enough to give back too early.
    const other = await router.client(t);
    other.connection.write(get('/slow'));
    await answersOf(other.connection, 1);
    assert.equal(
      router.messages.some(({ type }) => type === 'back'),
      false,
    );
    client.connection.socket.resume();
    await client.connection.until('all of it', (text) => text.length > 24_000_000, 30_000);
    assert.equal((await answersOf(client.connection, 1))[0]?.body.length, 24_000_000);
    assert.equal(await router.back(client.slot), 'recalled');
    await goesOn((one) => router.handOver(one), client, 1);
  });

  it('with a part of a head is kept until that was answered, and is busy so long', async (t) => {
    const { router } = await startHandoff(t, { rules: { idleMs: 200 } });
    const [client, idle] = [await router.client(t), await router.client(t)];
    client.connection.write(`${get('/first')}GET /sec`);
    await answersOf(client.connection, 1);
    await waitFor(() => router.states[client.slot] === slotStates.busy, { what: 'the part of a head to count' });
    router.recall(client.slot);
    // Another one idles for longer than this would have had to.
    await router.back(idle.slot);
    assert.equal(
      router.messages.some((message) => message.type === 'back' && message.slot === client.slot),
      false,
    );
    client.connection.write('ond HTTP/1.1\r\nHost: a.test\r\n\r\n');
    assert.equal(seenBy((await answersOf(client.connection, 2))[1]).url, '/second');
    assert.equal(await router.back(client.slot), 'recalled');
  });

  it('with a body that its app did not wait for is kept until that has come', async (t) => {
    const { router } = await startHandoff(t);
    const client = await router.client(t);
    client.connection.write('POST /unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n12345');
    await answersOf(client.connection, 1);
    router.recall(client.slot);
    const other = await router.client(t);
    router.recall(other.slot);
    await router.back(other.slot);
    assert.notEqual(router.states[client.slot], slotStates.idle);
    assert.equal(router.messages.filter(({ type }) => type === 'back').length, 1);
    client.connection.write('67890');
    assert.equal(await router.back(client.slot), 'recalled');
    await goesOn((one) => router.handOver(one), client, 1);
  });

  it('moves to and fro under pipelining, and every request is answered once', async (t) => {
    const { router } = await startHandoff(t);
    const clients = await Promise.all(Array.from({ length: 8 }, () => router.client(t)));
    await Promise.all(clients.map((client) => movesAbout(t, client, router)));
    assert.ok(router.messages.filter(({ type }) => type === 'back').length > 20, 'they moved');
  });

  it('comes back when its app serves no more, and what comes then comes back unread', async (t) => {
    const { router } = await startHandoff(t);
    const [idle, busy] = [await router.client(t), await router.client(t)];
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    router.rule({ isServing: false });
    assert.equal(await router.back(idle.slot), 'recalled');
    const late = await router.client(t);
    late.connection.write(get('/late'));
    assert.equal(await router.back(late.slot), 'recalled');
    assert.equal(await router.back(busy.slot), 'recalled');
    assert.equal((await answersOf(busy.connection, 1))[0]?.body, 'begun,done');
    router.rule({ isServing: true });
    const again = router.handOver(late);
    assert.equal(seenBy((await answersOf(late.connection, 1))[0]).url, '/late');
    router.recall(again.slot);
    await router.back(again.slot);
  });

  it('with a stream of events comes back within the time there is, the stream ended as a whole answer', async (t) => {
    const { router } = await startHandoff(t);
    const clients = await Promise.all(Array.from({ length: 4 }, () => router.client(t)));
    for (const { connection } of clients) connection.write(get('/events'));
    for (const { connection } of clients) await connection.until('an event', (text) => text.includes('begun'));
    router.rule({ isServing: false, drainMs: 300 });
    for (const { slot, connection } of clients) {
      assert.equal(await router.back(slot), 'recalled');
      assert.equal((await answersOf(connection, 1))[0]?.body, 'data: begun\n\n');
    }
  });

  it('keeps its stream of events where the app serves again in time', async (t) => {
    const { router } = await startHandoff(t);
    const [stream, other] = [await router.client(t), await router.client(t)];
    stream.connection.write(get('/events'));
    await stream.connection.until('an event', (text) => text.includes('begun'));
    router.rule({ isServing: false, drainMs: 3_600_000 });
    await router.back(other.slot);
    router.rule({ isServing: true, drainMs: 3_600_000 });
    const again = router.handOver(other);
    router.rule({ isServing: false, drainMs: 0 });
    await router.back(again.slot);
    assert.equal(await router.back(stream.slot), 'recalled');
  });

  it('comes back when its worker is told to stop, each request answered first', async (t) => {
    const { router, vassal } = await startHandoff(t);
    const [idle, busy, events] = [await router.client(t), await router.client(t), await router.client(t)];
    busy.connection.write(get('/slow'));
    events.connection.write(get('/events'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    await events.connection.until('an event', (text) => text.includes('begun'));
    vassal.stop();
    for (const { slot } of [idle, busy, events]) assert.equal(await router.back(slot), 'recalled');
    assert.equal((await answersOf(busy.connection, 1))[0]?.body, 'begun,done');
    await answersOf(events.connection, 1);
    await waitFor(() => router.ends.length > 0, { what: 'the worker to end' });
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    // The last report was sent before.
    const requests = router.reports.reduce((sum, report) => sum + report.requests, 0);
    assert.deepEqual([requests, router.reports.at(-1)?.inFlight], [2, 0]);
  });

  it('of a worker that ends by itself on the signal comes back before it may go on', async (t) => {
    const { router, vassal } = await startHandoff(t, { fixture: 'own-sigterm' });
    const client = await router.client(t);
    client.connection.write(get('/'));
    await answersOf(client.connection, 1);
    vassal.stop();
    assert.equal(await router.back(client.slot), 'recalled');
    await vassal.process.exit();
  });

  it('whose request never comes whole does not hold its worker up', async (t) => {
    const { router, vassal } = await startHandoff(t);
    const client = await router.client(t);
    client.connection.write('GET / HTT');
    await waitFor(() => router.states[client.slot] === slotStates.busy, { what: 'the part of a head to be read' });
    vassal.stop();
    await router.gone(client.slot);
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
  });

  it('says what a worker took with it that was killed: which request, and whether an answer had begun', async (t) => {
    const { router, vassal } = await startHandoff(t);
    const [idle, asked, busy] = [await router.client(t), await router.client(t), await router.client(t)];
    const head = await router.client(t);
    idle.connection.write(get('/'));
    await answersOf(idle.connection, 1);
    // An app may know its head long before it sends it.
    asked.connection.write(get('/decided'));
    head.connection.write(get('/silent').replace('GET', 'HEAD'));
    busy.connection.write(get('/slow'));
    await busy.connection.until('the beginning', (text) => text.includes('begun'));
    await waitFor(() => router.states[head.slot] === slotStates.busyHead, { what: 'HEAD to begin' });
    await waitFor(() => router.states[asked.slot] === slotStates.busy, { what: 'GET to begin' });
    await waitFor(() => router.states[idle.slot] === slotStates.idle, { what: 'the answer to be over' });
    const pid = vassal.pid();
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    await waitFor(() => router.ends.length > 0, { what: 'the end of the channel' });
    assert.deepEqual(
      [idle, asked, head, busy].map(({ slot }) => router.states[slot]),
      [slotStates.idle, slotStates.busy, slotStates.busyHead, slotStates.answering],
    );
    // Our descriptors keep them open.
    assert.deepEqual([idle.connection.isEnded, busy.connection.isEnded], [false, false]);
    const path = (await vassal.until('the next process', ({ workers }) => workers[0]?.state === 'ready')).workers[0];
    assert.ok(path?.handoff);
  });
});

/** Asks in bursts, and is recalled and handed over again all the while. */
async function movesAbout(
  t: TestContext,
  first: Client,
  router: Awaited<ReturnType<typeof startHandoff>>['router'],
): Promise<void> {
  let client = first;
  const { connection } = client;
  let asked = 0;
  for (let round = 0; round < 8; round++) {
    const paths = Array.from({ length: 3 }, () => `/${asked++}`);
    const bytes = paths.map((path) => get(path)).join('');
    // In two pieces, somewhere within a head.
    const at = 10 + ((round * 37) % (bytes.length - 20));
    connection.write(bytes.slice(0, at));
    router.recall(client.slot);
    const rest = bytes.slice(at);
    await Promise.race([router.back(client.slot), answersOf(connection, Math.max(1, asked - 3))]);
    connection.write(rest);
    while ((await settled(router, client.slot, connection, asked)) === 'back') client = router.handOver(client);
  }
  const urls = (await answersOf(connection, asked)).map((answer) => seenBy(answer).url);
  assert.deepEqual(
    urls,
    Array.from({ length: asked }, (_, index) => `/${index}`),
  );
  t.diagnostic(`moved ${client.slot}`);
}

/** What comes first: the connection, or all that was asked for. */
async function settled(
  router: Awaited<ReturnType<typeof startHandoff>>['router'],
  slot: number,
  connection: Client['connection'],
  count: number,
): Promise<'back' | 'answered'> {
  return waitFor(
    () => {
      if (router.messages.some((message) => message.type === 'back' && message.slot === slot)) return 'back' as const;
      const whole = connection.received.split('HTTP/1.1 200').length - 1;
      return whole >= count && connection.received.endsWith('}') ? ('answered' as const) : undefined;
    },
    { what: `slot ${slot} to come back or answer ${count}` },
  );
}
