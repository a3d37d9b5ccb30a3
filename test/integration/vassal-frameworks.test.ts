import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appSocket } from '../../lib/run-dir.ts';
import { freePorts } from '../harness/free-ports.ts';
import { ask } from '../harness/http-client.ts';
import { startVassal } from '../harness/vassal-process.ts';

const frameworks: readonly (readonly [string, string, string])[] = [
  ['an Express application', 'express-app', './server.js'],
  ['a Koa application', 'koa-app', './server.js'],
  ['a Fastify instance', 'fastify-app', './server.js'],
  ['a Hono application', 'hono-app', './server.mjs'],
  ['a server that does not listen yet', 'http-server', './server.js'],
];

describe('an app that exports', () => {
  for (const [what, fixture, app] of frameworks) {
    it(`${what} is served on both sockets`, async (t) => {
      const vassal = await startVassal(t, { fixture, keys: { app } });
      await vassal.ready();
      for (const endpoint of [vassal.endpoint(), appSocket(vassal.dir)]) {
        const answer = await ask(endpoint);
        assert.equal(answer.status, 200, answer.body);
        assert.match(answer.body, /"framework":/);
      }
      vassal.stop();
      assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    });
  }

  it('a Fastify instance is listened and closed by its own methods, so its hooks run', async (t) => {
    const vassal = await startVassal(t, { fixture: 'fastify-app' });
    await vassal.ready();
    await vassal.logged('onListen ran');
    vassal.stop();
    assert.deepEqual(await vassal.process.exit(), { code: 0, signal: null });
    await vassal.logged('onClose ran');
  });
});

describe('a Fastify app that listens by itself', () => {
  it('is served, and told the address it asked for', async (t) => {
    const [port = 0] = await freePorts(1);
    const keys = { app: './server.mjs', env: { LISTEN_PORT: port } };
    const vassal = await startVassal(t, { fixture: 'fastify-listens', keys });
    await vassal.ready();
    const { address } = JSON.parse((await ask(vassal.endpoint())).body) as { address: { port: number } };
    assert.equal(address.port, port);
  });
});
