import assert from 'node:assert/strict';
import { join } from 'node:path';
import { realpathSync } from 'node:fs';
import { Agent } from 'node:http';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import { workerExit } from '../../lib/exit-codes.ts';
import { freePorts } from '../harness/free-ports.ts';
import { ask, RawConnection } from '../harness/http-client.ts';
import { fixtureApp } from '../harness/paths.ts';
import { startVassal } from '../harness/vassal-process.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Hello {
  readonly app: string;
  readonly generation: string;
  readonly worker: string;
  readonly pid: number;
  readonly cwd: string;
  readonly argv: string[];
  readonly execArgv: string[];
  readonly isMain: boolean;
  readonly env: Record<string, string>;
}

const hello = async (endpoint: string | number): Promise<Hello> => JSON.parse((await ask(endpoint)).body) as Hello;

describe('a Node app', () => {
  it('that exports a handler is served on every worker socket and on the shared one', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello', keys: { processes: 2 } });
    const state = await vassal.ready();
    assert.equal(state.readyBy, 'listen');
    assert.ok(state.readyMs !== null && state.readyMs > 0);
    for (const worker of [1, 2]) {
      const { app, generation, worker: id, pid } = await hello(vassal.endpoint(worker));
      assert.deepEqual(
        { app, generation, id, pid },
        { app: 'test', generation: '1', id: String(worker), pid: vassal.pid(worker) },
      );
    }
    assert.equal((await ask(appSocket(vassal.dir))).status, 200);
  });

  it('runs as the main script, in chdir, with node-args, and sees nothing of our own plumbing', async (t) => {
    const vassal = await startVassal(t, {
      fixture: 'hello',
      keys: { 'node-args': ['--stack-trace-limit=33'] },
      env: { EMPEROR_SECRET: 'x', LISTEN_FDS: '3', NODE_UNIQUE_ID: undefined },
    });
    await vassal.ready();
    const { cwd, argv, execArgv, isMain, env } = await hello(vassal.endpoint());
    assert.equal(cwd, realpathSync(fixtureApp('hello')));
    assert.deepEqual(argv, [join(fixtureApp('hello'), 'server.js')]);
    assert.deepEqual(execArgv, ['--stack-trace-limit=33']);
    assert.equal(isMain, true);
    assert.deepEqual(
      Object.keys(env)
        .filter((name) => /^(EMPEROR_|LISTEN_|NODE_CHANNEL)/.test(name))
        .sort(),
      ['EMPEROR_APP', 'EMPEROR_DIR', 'EMPEROR_GENERATION', 'EMPEROR_WORKER'],
    );
  });

  const shapes: readonly (readonly [string, string, string, string])[] = [
    ['an ES module with a default export', 'esm', './server.mjs', 'esm'],
    [
      'an ES module found out by its syntax, with a top-level await',
      'top-level-await',
      './server.js',
      'after the await',
    ],
    ['a script named without its extension', 'slow', './server', 'begun,done'],
    ['a package directory with a main', 'package', '.', 'package main'],
  ];
  for (const [what, fixture, app, expected] of shapes) {
    it(`may be ${what}`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys: { app } });
      await vassal.ready();
      assert.equal((await ask(vassal.endpoint(), { path: '/?ms=1' })).body, expected);
    });
  }

  it('in TypeScript runs where its Node does, and otherwise is told which Node would', async (t) => {
    const vassal = await startVassal(t, { fixture: 'typescript', keys: { app: './server.ts' } });
    if (Reflect.get(process.features, 'typescript')) {
      await vassal.ready();
      assert.equal((await ask(vassal.endpoint())).body, 'typescript');
      return;
    }
    const { failure } = await vassal.until('the failure', ({ phase }) => phase === 'failed');
    assert.equal(failure?.kind, 'cannot-load');
    assert.match(failure.message, /cannot run TypeScript .*set "node" to Node 22\.18 or newer/);
    assert.deepEqual(await vassal.process.exit(), { code: workerExit.cannotLoad, signal: null });
  });

  it('that calls listen() gets the inherited socket and believes in the port it asked for', async (t) => {
    const vassal = await startVassal(t, { fixture: 'listens', keys: { env: { LISTEN_PORT: 4321 } } });
    const { readyBy } = await vassal.ready();
    assert.equal(readyBy, 'listen');
    const answer = await ask(vassal.endpoint());
    assert.deepEqual((JSON.parse(answer.body) as { address: unknown }).address, {
      address: '127.0.0.1',
      family: 'IPv4',
      port: 4321,
    });
    assert.equal(answer.headers['x-keep-alive'], '65000');
    assert.equal((await ask(appSocket(vassal.dir))).status, 200);
    await vassal.logged('listening at {"address":"127.0.0.1"');
    await assert.rejects(ask(4321, { timeoutMs: 2000 }), /ECONNREFUSED/);
  });

  it('whose second server listens too really opens it, and the log says that it is not routed', async (t) => {
    const [port = 0] = await freePorts(1);
    const vassal = await startVassal(t, { fixture: 'listens-twice', keys: { env: { SECOND_PORT: port } } });
    await vassal.ready();
    assert.equal((await ask(vassal.endpoint())).body, 'first');
    await vassal.logged(`the app also listens on port ${port}, which is not routed`);
    assert.equal((await ask(port)).body, 'second');
  });

  it('whose second server clashes between its processes is told why', async (t) => {
    const [port = 0] = await freePorts(1);
    const keys = { processes: 2, env: { SECOND_PORT: port } };
    const vassal = await startVassal(t, { fixture: 'listens-twice', keys });
    await vassal.logged(`wants to listen on port ${port}, which is taken: each of the 2 processes wants it`);
  });

  it('that listens with TLS is told that the router does not speak it to workers', async (t) => {
    const vassal = await startVassal(t, { fixture: 'listens-with-tls' });
    await vassal.logged('the app listens with TLS, which the router does not speak to workers');
    assert.equal(vassal.state?.phase, 'starting');
  });

  it('that exports a handler and listens later is served by the server it opened itself', async (t) => {
    const vassal = await startVassal(t, { fixture: 'listens-later' });
    await vassal.ready();
    for (const endpoint of [vassal.endpoint(), appSocket(vassal.dir)]) {
      let body = '';
      while (body !== 'listened') {
        body = (await ask(endpoint)).body;
        assert.match(body, /^(exported|listened)$/);
      }
    }
  });

  it('that forks workers of its own with node:cluster is served by them', async (t) => {
    const vassal = await startVassal(t, { fixture: 'uses-cluster', keys: { processes: 1 } });
    await vassal.ready();
    const pids = new Set<string>();
    await waitFor(
      async () => {
        const [, pid = '', port] = (await ask(vassal.endpoint())).body.split(' ');
        pids.add(pid);
        assert.equal(port, '3000');
        return pids.size === 2;
      },
      { what: 'answers of both' },
    );
    assert.ok(!pids.has(String(vassal.pid())));
  });

  it('keeps a client that is between two requests for as long as a router would', async (t) => {
    const vassal = await startVassal(t, { fixture: 'hello' });
    await vassal.ready();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => {
      agent.destroy();
    });
    const first = await ask(vassal.endpoint(), { agent });
    assert.equal(first.headers['keep-alive'], 'timeout=65');
  });

  it('is ready by process.send, as text or as an object', async (t) => {
    for (const env of [{}, { READY_OBJECT: 'yes' }]) {
      const vassal = await startVassal(t, { fixture: 'says-ready-late', keys: { env } });
      const { readyBy } = await vassal.ready();
      assert.equal(readyBy, 'message');
      vassal.stop();
      assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    }
  });
});

describe('a fetch handler', () => {
  it('streams bodies both ways and keeps status, headers and repeated cookies', async (t) => {
    const vassal = await startVassal(t, { fixture: 'fetch-handler', keys: { app: './server.mjs' } });
    await vassal.ready();
    const endpoint = vassal.endpoint();
    const body = Buffer.alloc(3_000_000, 'abc');
    const echo = await ask(endpoint, { path: '/echo', method: 'PUT', body });
    assert.equal(echo.status, 201);
    assert.equal(echo.headers['x-method'], 'PUT');
    assert.equal(echo.body.length, body.length);
    const cookies = await ask(endpoint, { path: '/cookies' });
    assert.equal(cookies.status, 204);
    assert.deepEqual(cookies.headers['set-cookie'], ['a=1', 'b=2; Path=/']);
    const head = await ask(endpoint, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });

  it('sees the URL that the client used and every header line', async (t) => {
    const vassal = await startVassal(t, { fixture: 'fetch-handler', keys: { app: './server.mjs' } });
    await vassal.ready();
    const headers = { 'x-forwarded-proto': 'https', 'x-twice': ['1', '2'] };
    const answer = await ask(vassal.endpoint(), { path: '/headers?q=a%20b', host: 'shop.example:444', headers });
    const seen = JSON.parse(answer.body) as { url: string; headers: [string, string][]; peer: string };
    assert.equal(seen.url, 'https://shop.example:444/headers?q=a%20b');
    assert.deepEqual(Object.fromEntries(seen.headers)['x-twice'], '1, 2');
    assert.equal(seen.peer, 'object');
    const odd = await ask(vassal.endpoint(), { path: '//evil.example/headers', host: 'shop.example' });
    assert.equal(odd.body, 'fetch');
  });

  it('that throws, returns nothing or breaks off is a 500 or a cut connection, and the worker lives', async (t) => {
    const vassal = await startVassal(t, { fixture: 'fetch-handler', keys: { app: './server.mjs' } });
    await vassal.ready();
    const pid = vassal.pid();
    assert.equal((await ask(vassal.endpoint(), { path: '/throws' })).status, 500);
    await vassal.logged('thrown by the fetch handler');
    assert.equal((await ask(vassal.endpoint(), { path: '/nothing' })).status, 500);
    await vassal.logged('fetch() returned undefined instead of a Response');
    await assert.rejects(ask(vassal.endpoint(), { path: '/breaks' }), /aborted|ECONNRESET|hang up/);
    assert.equal((await ask(vassal.endpoint(), { path: '*', method: 'OPTIONS' })).body, 'fetch');
    assert.equal((await ask(vassal.endpoint(), { method: 'TRACE' })).status, 400);
    assert.equal((await ask(vassal.endpoint(), { host: 'a b' })).status, 400);
    assert.equal(vassal.pid(), pid);
  });

  it('is aborted, and its source cancelled, when the client leaves', async (t) => {
    const vassal = await startVassal(t, { fixture: 'fetch-handler', keys: { app: './server.mjs' } });
    await vassal.ready();
    const connection = new RawConnection(vassal.endpoint());
    connection.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.until('some of the body', (received) => received.length > 100_000);
    connection.destroy();
    let aborted: string[] = [];
    while (aborted.length < 2) {
      aborted = JSON.parse((await ask(vassal.endpoint(), { path: '/aborted' })).body) as string[];
    }
    assert.deepEqual(aborted.sort(), ['cancel', 'signal']);
  });
});
