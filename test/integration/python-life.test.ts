// How a Python worker lives and ends: threads, the stop signal, a primary that dies, a health-check.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import { askGateway, gatewayHead } from '../harness/gateway-client.ts';
import { rawExchange } from '../harness/http-client.ts';
import { gone } from '../harness/processes.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { shareWsgiSite, WsgiSite } from '../harness/wsgi-site.ts';

describe('a Python worker with one thread', () => {
  it('runs one request at a time; what comes meanwhile is answered after it', async (t) => {
    const site = await WsgiSite.start(t);
    const slow = site.connect(t);
    slow.send({ path: '/slow' });
    await site.logged('slow began', 0);
    const other = site.connect(t);
    other.send({ path: '/hello' });
    site.write('go');
    assert.equal((await slow.answer()).body, 'slow done\n');
    assert.equal((await other.answer()).body, 'hello\n');
    assert.deepEqual(
      [site.vassal.state?.workers[0]?.protocol, site.vassal.state?.workers[0]?.capacity],
      ['gateway', 1],
    );
  });

  it('takes connections on the shared socket as well, whichever worker is free', async (t) => {
    const site = await WsgiSite.start(t, { processes: 2 });
    const busy = site.connect(t);
    busy.send({ path: '/slow' });
    await site.logged('slow began', 0);
    for (let count = 0; count < 5; count += 1) {
      const { body } = await askGateway(appSocket(site.vassal.dir), { path: '/environment' });
      const environ = JSON.parse(body) as Record<string, unknown>;
      assert.equal(environ['pid'], site.vassal.pid(2));
      assert.equal(environ['wsgi.multiprocess'], true);
    }
    site.write('go');
    await busy.answer();
  });
});

describe('a Python worker with four threads', () => {
  const site = shareWsgiSite({ threads: 4 });

  it('runs four requests at a time', async (t) => {
    const from = site().logLength;
    const slow = [1, 2, 3].map(() => site().connect(t));
    for (const connection of slow) connection.send({ path: '/slow' });
    await waitFor(() => site().vassal.log().slice(from).length === 3, { what: 'three slow requests to begin' });
    const { body } = await site().ask('/environment');
    assert.equal((JSON.parse(body) as Record<string, unknown>)['wsgi.multithread'], true);
    assert.equal(site().vassal.state?.workers[0]?.capacity, 4);
    site().write('go');
    for (const connection of slow) assert.equal((await connection.answer()).body, 'slow done\n');
  });

  it('answers many requests of many connections, each its own', async (t) => {
    const connections = Array.from({ length: 12 }, () => site().connect(t));
    await Promise.all(
      connections.map(async (connection, number) => {
        for (let count = 0; count < 40; count += 1) {
          const body = `${number}:${count}`;
          const answer = await connection.ask({ method: 'POST', path: '/echo', body });
          assert.equal(answer.body, body);
        }
      }),
    );
  });

  it('goes on after requests that fail, and clients that go away', async (t) => {
    for (let count = 0; count < 8; count += 1) {
      const connection = site().connect(t);
      connection.send({ path: '/bare/raises-half-way' });
      await connection.ended();
      const leaving = site().connect(t);
      leaving.send({ path: '/endless' });
      await leaving.until('a block', (received) => received.includes('xxx'));
      leaving.destroy();
    }
    const answers = [1, 2, 3, 4].map(() => site().ask('/hello'));
    for (const answer of answers) assert.equal((await answer).status, 200);
  });
});

describe('a Python worker on a machine without epoll', () => {
  for (const threads of [1, 4]) {
    it(`serves all the same (threads: ${threads})`, async (t) => {
      const site = await WsgiSite.start(t, { module: 'without_epoll', threads });
      const connections = [1, 2, 3, 4, 5].map(() => site.connect(t));
      for (let count = 0; count < 20; count += 1) {
        const answers = connections.map((connection) => connection.ask({ method: 'POST', path: '/echo', body: 'x' }));
        for (const answer of answers) assert.equal((await answer).body, 'x');
      }
      site.vassal.stop();
      assert.deepEqual(await site.vassal.process.exit(), { code: 0, signal: null });
      for (const connection of connections) await connection.ended();
    });
  }
});

describe('a Python worker without a descriptor left', () => {
  it('accepts again when it has one, and serves what it had accepted meanwhile', async (t) => {
    const site = await WsgiSite.start(t, { module: 'few_descriptors' });
    const kept = site.connect(t);
    await kept.ask({ path: '/hello' });
    const others = Array.from({ length: 16 }, () => site.connect(t));
    await site.logged('no connection can be accepted for a while', 0);
    assert.equal((await kept.ask({ path: '/hello' })).body, 'hello\n');
    for (const other of others) other.destroy();
    assert.equal((await site.ask('/hello')).body, 'hello\n');
  });
});

describe('the stop of a Python worker', () => {
  for (const threads of [1, 2]) {
    it(`with ${threads} thread(s) lets what runs be answered, closes what is idle, and exits with 0`, async (t) => {
      const site = await WsgiSite.start(t, { threads });
      const idle = site.connect(t);
      await idle.ask({ path: '/hello' });
      const busy = site.connect(t);
      busy.send({ path: '/slow' });
      await site.logged('slow began', 0);
      site.vassal.stop();
      await site.vassal.until('the worker to be told', ({ workers }) => workers[0]?.state === 'stopping');
      site.write('go');
      assert.equal((await busy.answer()).body, 'slow done\n');
      await busy.ended();
      await idle.ended();
      assert.equal(idle.answers.rest, '');
      assert.deepEqual(await site.vassal.process.exit(), { code: 0, signal: null });
      assert.match(site.vassal.process.stderr, /"exit":"exit code 0"/);
    });
  }

  it('calls what the app has set for its end, after its last request', async (t) => {
    const vassal = await startVassal(t, { fixture: 'wsgi-loading', keys: { module: 'says_goodbye' } });
    await vassal.ready();
    assert.equal((await askGateway(vassal.socket(), {})).body, 'hello');
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    assert.deepEqual(
      vassal.log().map(({ line }) => line),
      ['goodbye', 'at exit'],
    );
  });

  it('that a request does not let end is ended by stop-timeout', async (t) => {
    const site = await WsgiSite.start(t, { 'stop-timeout': '200ms' });
    const connection = site.connect(t);
    connection.send({ path: '/blocked' });
    await site.logged('blocked', 0);
    site.vassal.stop();
    assert.equal(await connection.ended(), '');
    assert.deepEqual(await site.vassal.process.exit(), { code: 0, signal: null });
    assert.match(site.vassal.process.stderr, /killed by SIGKILL/);
  });

  it('is heard by any signal that stop-signal names', async (t) => {
    const site = await WsgiSite.start(t, { 'stop-signal': 'INT' });
    site.vassal.stop();
    assert.deepEqual(await site.vassal.process.exit(), { code: 0, signal: null });
    assert.match(site.vassal.process.stderr, /"exit":"exit code 0"/);
  });
});

describe('a Python worker whose primary is killed', () => {
  for (const [what, fixture, keys, line] of [
    ['waits in a request', 'wsgi', { 'wsgi-file': 'app.py' }, 'blocked'],
    ['computes while it is loaded', 'wsgi-loading', { module: 'loops' }, 'loading'],
  ] as const) {
    it(`ends, even if it ${what}`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys });
      if (fixture === 'wsgi') {
        await vassal.ready();
        // Nothing rejects: the connection ends with the worker.
        void rawExchange(vassal.socket(), gatewayHead({ path: '/blocked' }));
      }
      await vassal.logged(line);
      await vassal.until('the worker', ({ workers }) => typeof workers[0]?.pid === 'number');
      const pid = vassal.pid();
      vassal.process.kill('SIGKILL');
      await gone(pid);
    });
  }
});

describe('the health-check of a Python worker', () => {
  it('is asked for in the gateway protocol, and makes it ready', async (t) => {
    const site = await WsgiSite.start(t, { 'health-check': '/environment?up' });
    assert.equal(site.vassal.state?.readyBy, 'health-check');
  });

  it('that is answered with 500 keeps it from being ready', async (t) => {
    const keys = { 'wsgi-file': 'app.py', 'health-check': '/bare/raises', 'ready-timeout': '2s' };
    const vassal = await startVassal(t, { fixture: 'wsgi', keys });
    await vassal.logged(
      /its health-check GET \/bare\/raises has not been answered .* \(last attempt: it answered 500\)/,
    );
  });
});
