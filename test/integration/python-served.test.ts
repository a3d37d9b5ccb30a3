// Python apps behind the whole of it: the emperor's files, the router, the gateway protocol, the workers.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { RawConnection } from '../harness/http-client.ts';
import { Traffic } from '../harness/traffic.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Checked by wsgiref on both sides of every request. */
const app = `
import os, time
from wsgiref.validate import validator

def answer(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/length":
        size = 0
        while piece := environ["wsgi.input"].read(65536):
            size += len(piece)
        body = str(size).encode()
    elif path == "/cut":
        start_response("200 OK", [("Content-Type", "text/plain")])
        def pieces():
            yield b"half\\n"
            raise RuntimeError("in the middle")
        return pieces()
    elif path == "/wait":
        while not os.path.exists("go"):
            time.sleep(0.01)
        body = b"waited"
    else:
        body = "|".join([os.environ["EMPEROR_GENERATION"], environ["REMOTE_ADDR"], environ["SERVER_NAME"],
                         environ["SCRIPT_NAME"], path, environ["QUERY_STRING"]]).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

application = validator(answer)
`;

async function serve(t: TestContext, keys = ''): Promise<EmperorProcess> {
  const emperor = await startEmperor(t, { vassals: { 'shop.py': app, 'shop.yaml': `module: shop\n${keys}` } });
  await emperor.appIs('shop', 'running');
  return emperor;
}

const host = 'shop.localhost';

describe('a WSGI app', () => {
  it('is told who asks whom for what', async (t) => {
    const emperor = await serve(t, 'domains: [shop.localhost/cellar]\n');
    const { body } = await emperor.ask({ host, path: '/cellar/w%C3%A4sche;x=1?a=b%20c' });
    assert.equal(body, '1|127.0.0.1|shop.localhost|/cellar|/wäsche;x=1|a=b%20c');
  });

  it('reads a body of twenty megabytes, of known length and in chunks', async (t) => {
    const emperor = await serve(t);
    const bytes = 20 * 1024 * 1024;
    const counted = await emperor.ask({ host, method: 'POST', path: '/length', body: Buffer.alloc(bytes, 'x') });
    assert.deepEqual([counted.status, counted.body], [200, String(bytes)]);
    const client = new RawConnection(emperor.port);
    t.after(() => {
      client.destroy();
    });
    client.write(`POST /length HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'y'.repeat(0x10000)}\r\n`;
    client.write(`${chunk.repeat(bytes / 0x10000)}0\r\n\r\n`);
    assert.match(await client.until('the answer', (text) => text.endsWith(String(bytes))), /^HTTP\/1\.1 200 OK\r\n/);
  });

  it('that raises in the middle of its answer has the connection cut, never ended as if it were whole', async (t) => {
    const emperor = await serve(t);
    const client = new RawConnection(emperor.port);
    t.after(() => {
      client.destroy();
    });
    client.write(`GET /cut HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await client.ended();
    assert.match(client.received, /half/);
    assert.ok(!client.received.endsWith('0\r\n\r\n'), client.received);
  });

  it('is redeployed by an edit while requests run, and none is lost', async (t) => {
    const emperor = await serve(t, 'processes: 2\nsettle: 0\n');
    const traffic = Traffic.start(t, emperor.port, host);
    for (let generation = 2; generation <= 4; generation++) {
      await traffic.goesOn();
      emperor.write('shop.yaml', `module: shop\nprocesses: 2\nsettle: 0\nenv: {EDIT: ${generation}}\n`);
      await emperor.generationIs('shop', generation);
    }
    await traffic.goesOn();
    assert.deepEqual(await traffic.stop(), []);
    assert.match((await emperor.ask({ host })).body, /^4\|/);
  });

  it('whose next generation cannot be imported serves on, and status has the traceback', async (t) => {
    const emperor = await serve(t);
    emperor.write('shop.py', 'import nowhere_to_be_found\n');
    emperor.write('shop.yaml', 'module: shop\nenv: {EDIT: 2}\n');
    const { lastDeploy } = await emperor.appIs('shop', 'degraded');
    assert.match(lastDeploy?.reason ?? '', /ModuleNotFoundError: No module named 'nowhere_to_be_found'/);
    assert.match((lastDeploy?.log ?? []).join('\n'), /File ".*shop\.py", line 1/);
    assert.match((await emperor.ask({ host })).body, /^1\|/);
  });

  it('with one thread never has a second request: that waits in the router for the worker that is free first', async (t) => {
    const emperor = await serve(t, 'processes: 2\n');
    const waiting = emperor.ask({ host, path: '/wait' });
    await waitFor(
      async () => {
        const { vassals } = await emperor.status();
        return vassals.some(({ instances }) =>
          instances.some(({ workers }) => workers.some(({ inFlight }) => inFlight > 0)),
        );
      },
      { what: 'a worker to be busy' },
    );
    const answers = await Promise.all(Array.from({ length: 12 }, async () => emperor.ask({ host })));
    assert.ok(answers.every(({ status }) => status === 200));
    emperor.write('go', '');
    assert.equal((await waiting).body, 'waited');
  });
});
