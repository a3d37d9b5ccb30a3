// What clients do on connections that workers have: other hosts, other protocols, many requests at once, slow reading.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { readWho, startHandedApp, untilDirect } from '../harness/handed-app.ts';
import { KeptClient } from '../harness/kept-client.ts';
import { withoutAddon } from '../harness/native-addon.ts';
import { waitFor } from '../harness/wait-for.ts';

const host = 'who.localhost';

async function handedOver(t: TestContext, emperor: EmperorProcess): Promise<KeptClient> {
  const client = new KeptClient(t, emperor.port, host);
  await untilDirect(client);
  return client;
}

describe('on a connection that a worker has', { skip: withoutAddon }, () => {
  it('a request for another host reaches that host’s app, and the connection goes on with the router', async (t) => {
    const emperor = await startHandedApp(t, '', {
      vassals: {
        'other.cjs':
          'module.exports = (request, response) => response.end(`other, for ${request.headers["x-forwarded-for"]}`);',
        'other.yaml': 'app: ./other.cjs\n',
      },
    });
    await emperor.appIs('other', 'running');
    const client = await handedOver(t, emperor);
    const { status, body } = await client.ask('/', [], 'other.localhost');
    assert.deepEqual([status, body], [200, 'other, for 127.0.0.1']);
    const answers = (await client.askFor(10)).map(readWho);
    assert.ok(answers.every(({ isDirect }) => !isDirect));
    assert.equal((await client.ask('/', [], 'nobody.localhost')).status, 404);
    await waitFor(async () => (await emperor.status()).router.connections === 1, { what: 'one connection' });
  });

  it('what no parser should take is refused, and ends it', async (t) => {
    const emperor = await startHandedApp(t);
    for (const lines of [
      ['Content-Length: 3', 'Transfer-Encoding: chunked'],
      ['Content-Length: 3', 'Content-Length: 4'],
      ['Transfer-Encoding: '],
      ['Transfer-Encoding: gzip, chunked'],
      ['X-Folded: a', ' b'],
      [`Host: ${host}`],
    ]) {
      const client = await handedOver(t, emperor);
      const before = client.connection.received.length;
      client.send('/', lines);
      const received = await client.connection.ended();
      assert.match(received.slice(before), /^HTTP\/1\.1 (?:4\d\d|501) /, lines.join());
    }
  });

  it('requests sent all at once are answered all, in their order, and so across its way back', async (t) => {
    const emperor = await startHandedApp(t);
    const client = await handedOver(t, emperor);
    const reload = emperor.command('reload', 'who', '--wait');
    const bodies: string[] = [];
    for (let round = 0; round < 20 || !bodies.some((body) => readWho(body).generation === 2); round++) {
      for (let nth = 0; nth < 20; nth++) client.send(`/?nth=${nth}`);
      for (let nth = 0; nth < 20; nth++) {
        const answer = await client.answer();
        assert.equal(answer.status, 200);
        bodies.push(answer.body);
      }
    }
    assert.equal((await reload).code, 0);
    const generations = bodies.map((body) => readWho(body).generation);
    assert.deepEqual(
      generations,
      generations.toSorted((a, b) => a - b),
      'none went back to the old generation',
    );
  });

  for (const paths of [['/at-end'], ['/at-end', '/'], ['/', '/at-end'], ['/at-end', '/released']]) {
    it(`a client that ends its direction behind ${paths.join(' and ')} has every answer, and then the end`, async (t) => {
      // It answers when the client's end was read, which the client cannot see. What is released then is a stray, to
      // which the same worker gives the answer by way of the router.
      const source = `let release;
        const released = new Promise((resolve) => { release = resolve; });
        module.exports = (request, response) => {
          const answer = () => setImmediate(() => response.end(request.url));
          if (request.url === '/how') response.end(request.socket.remotePort === undefined ? 'routed' : 'direct');
          else if (request.url === '/released') released.then(answer);
          else if (request.url === '/') answer();
          else request.socket.once('end', () => { answer(); release(); });
        };`;
      const emperor = await startEmperor(t, { vassals: { 'late.cjs': source, 'late.yaml': 'app: ./late.cjs\n' } });
      await emperor.appIs('late', 'running');
      const client = new KeptClient(t, emperor.port, 'late.localhost');
      await waitFor(async () => (await client.ask('/how')).body === 'direct', { what: 'the worker to have it' });
      const hostOf = (path: string): string => `late.localhost${path === '/released' ? ':81' : ''}`;
      for (const path of paths) client.send(path, [], hostOf(path));
      client.connection.end();
      for (const path of paths) assert.equal((await client.answer()).body, path);
      await client.connection.ended();
      await waitFor(async () => (await emperor.status()).router.connections === 0, {
        what: 'no connection to be left',
      });
    });
  }

  it('a slow reader gets a large answer whole, while the app is deployed anew', async (t) => {
    const large = `module.exports = (request, response) => response.end(
      request.url === '/large' ? 'x'.repeat(9_999_999) + 'y' : process.env.EMPEROR_GENERATION);`;
    const emperor = await startEmperor(t, { vassals: { 'large.cjs': large, 'large.yaml': 'app: ./large.cjs\n' } });
    await emperor.appIs('large', 'running');
    const client = new KeptClient(t, emperor.port, 'large.localhost');
    await client.askFor(4);
    client.connection.socket.pause();
    client.send('/large');
    await waitFor(
      async () =>
        (await emperor.appIs('large', 'running')).instances[0]?.workers.some(({ inFlight }) => inFlight === 1),
      { what: 'the answer to be under way' },
    );
    const reload = emperor.command('reload', 'large', '--wait');
    await emperor.generationIs('large', 2);
    client.connection.socket.resume();
    const received = await client.connection.until('the end of it', (text) => text.endsWith('xy'), 30_000);
    assert.ok(received.length > 10_000_000);
    assert.equal((await reload).code, 0);
    client.send('/after');
    await client.connection.until('the next answer', (text) => text.endsWith('\r\n\r\n2'));
  });
});

describe('a WebSocket', { skip: withoutAddon }, () => {
  const echo = `
    const { createServer } = require('node:http');
    const server = createServer((request, response) => response.end('page'));
    const { WebSocketServer } = require(${JSON.stringify(new URL('../../../node_modules/ws/index.js', import.meta.url).pathname)});
    new WebSocketServer({ server }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(process.env.EMPEROR_GENERATION + ' ' + data));
    });
    server.listen(3000);`;
  const frame = (text: string): string => `\x81${String.fromCharCode(0x80 + text.length)}\0\0\0\0${text}`;
  const wish = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  it('opens on a connection that a worker has, and ends with 1012 when its app is deployed anew', async (t) => {
    const yaml = 'app: ./echo.cjs\ndrain-timeout: 2s\n';
    const emperor = await startEmperor(t, { vassals: { 'echo.cjs': echo, 'echo.yaml': yaml } });
    await emperor.appIs('echo', 'running');
    const client = new KeptClient(t, emperor.port, 'echo.localhost');
    await client.askFor(4);
    client.send('/chat', wish);
    const { connection } = client;
    await connection.until('101', (text) => text.includes('101 Switching Protocols') && text.endsWith('\r\n\r\n'));
    connection.write(frame('hello'));
    await connection.until('the echo', (text) => text.endsWith('1 hello'));
    emperor.write('echo.yaml', `${yaml}env: {EDIT: "2"}\n`);
    await connection.until('the close', (text) => text.endsWith('\x88\x11\x03\xf4service restart'));
    connection.write('\x88\x82\0\0\0\0\x03\xf4');
    await connection.ended();
    await emperor.generationIs('echo', 2);
    assert.equal((await emperor.ask({ host: 'echo.localhost' })).body, 'page');
  });
});
