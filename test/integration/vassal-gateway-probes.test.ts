// How the primary finds out whether a worker takes requests that speaks the gateway protocol.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { probeGateway, probeGatewayHealth } from '../../vassal/gateway-probe.ts';
import type { ProbeResult } from '../../vassal/probes.ts';
import { Readiness, type Proof } from '../../vassal/readiness.ts';
import { GatewayWorker, ok } from '../harness/gateway-worker.ts';
import { waitFor } from '../harness/wait-for.ts';

const never = new AbortController().signal;

async function check(worker: GatewayWorker, path = '/up', timeoutMs = 60_000): Promise<ProbeResult> {
  return probeGatewayHealth(`unix:${worker.path}`, { path, timeoutMs, host: 'a.test' }, never);
}

function readinessOf(t: TestContext, worker: GatewayWorker, path: string | undefined): Proof[] {
  const proofs: Proof[] = [];
  const readiness = new Readiness({
    address: `unix:${worker.path}`,
    port: undefined,
    protocol: 'gateway',
    tellsListening: path !== undefined,
    healthCheck: path === undefined ? undefined : { path, timeoutMs: 60_000, host: 'a.test' },
    host: 'a.test',
    clock: systemClock,
    onProof: (proof) => proofs.push(proof),
  });
  t.after(() => {
    readiness.cancel();
  });
  readiness.start();
  return proofs;
}

describe('the health check of a gateway worker', () => {
  it('asks for its path as an SCGI client, and closes', async (t) => {
    const worker = await GatewayWorker.start(t);
    assert.deepEqual(await check(worker, '/a%20b?c=%41'), { isUp: true });
    const { variables, connection } = await worker.request();
    const names = ['REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'HTTP_HOST', 'SCGI'];
    assert.deepEqual(
      names.map((name) => variables.get(name)),
      ['GET', '/a%20b?c=%41', '', '/a b', 'c=%41', 'a.test', '1'],
    );
    assert.deepEqual([...variables.keys()].slice(0, 1), ['CONTENT_LENGTH']);
    await waitFor(() => connection.isClosed, { what: 'the end of the probe' });
  });

  it('takes 2xx and 3xx for up, also behind interim answers, and says what else came', async (t) => {
    const cases: [string, ProbeResult][] = [
      ['HTTP/1.1 204 No Content\r\n\r\n', { isUp: true }],
      ['HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n', { isUp: true }],
      ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200\r\n\r\n', { isUp: true }],
      ['HTTP/1.1 500 Oh\r\n\r\n', { isUp: false, why: 'it answered 500', hasConnected: true }],
      ['HTTP/1.1 103 A\r\n\r\nHTTP/1.1 404 No\r\n', { isUp: false, why: 'it answered 404', hasConnected: true }],
      ['Status: 200 OK\r\n\r\n', { isUp: false, why: 'what it answered is not HTTP', hasConnected: true }],
      ['HTTP/1.1 2000 OK\r\n\r\n', { isUp: false, why: 'what it answered is not HTTP', hasConnected: true }],
      ['HTTP/1.1 ', { isUp: false, why: 'it closed the connection', hasConnected: true }],
    ];
    const worker = await GatewayWorker.start(t);
    for (const [answer, expected] of cases) {
      worker.answer = ({ connection }) => {
        connection.socket.end(answer);
        return undefined;
      };
      assert.deepEqual(await check(worker), expected, answer);
    }
  });

  it('gives up a worker that does not answer', async (t) => {
    const worker = await GatewayWorker.start(t, () => undefined);
    const result = await check(worker, '/up', 50);
    assert.ok(!result.isUp);
    assert.equal(result.why, 'no answer within 50 ms');
  });

  it('proves its readiness, when it is up', async (t) => {
    const worker = await GatewayWorker.start(t, ({ connection: { socket } }) => {
      socket.end(worker.requests.length < 3 ? 'HTTP/1.1 503 Not yet\r\n\r\n' : ok());
      return undefined;
    });
    const proofs = readinessOf(t, worker, '/up');
    await waitFor(() => proofs.length > 0, { what: 'the proof' });
    assert.deepEqual(proofs, [{ by: 'health-check', address: `unix:${worker.path}` }]);
    assert.equal(worker.requests.length, 3);
  });
});

describe('a gateway worker that does not say when it listens', () => {
  it('is ready when it answers at all', async (t) => {
    const worker = await GatewayWorker.start(t, () => 'HTTP/1.1 405 Method Not Allowed\r\n\r\n');
    assert.deepEqual(await probeGateway(`unix:${worker.path}`, 'a.test', never), { isUp: true });
    const proofs = readinessOf(t, worker, undefined);
    await waitFor(() => proofs.length > 0, { what: 'the proof' });
    assert.deepEqual(proofs, [{ by: 'listen', address: `unix:${worker.path}` }]);
    assert.equal((await worker.request()).variables.get('REQUEST_METHOD'), 'OPTIONS');
  });
});
