// socket.io with its own client, through the router: polling, the upgrade to a WebSocket, rooms, binary, acknowledgements.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { startEmperor, type EmperorProcess } from '../harness/emperor-process.ts';
import { thirdPartyApp } from '../harness/third-party.ts';
import { waitFor, within } from '../harness/wait-for.ts';

type Options = Partial<ManagerOptions & SocketOptions>;

/** A client of its own connection; it is connected when this resolves. */
async function connect(t: TestContext, emperor: EmperorProcess, options: Options = {}): Promise<Socket> {
  const socket = io(`http://127.0.0.1:${emperor.port}`, { forceNew: true, ...options });
  t.after(() => {
    socket.disconnect();
  });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    if (options.reconnection === false) socket.once('connect_error', reject);
  });
  await within(connected, { what: 'socket.io to connect', timeoutMs: 15_000 });
  return socket;
}

function transportOf(socket: Socket): string {
  return socket.io.engine.transport.name;
}

async function asks(socket: Socket, event: string, ...args: unknown[]): Promise<unknown> {
  return (await socket.timeout(15_000).emitWithAck(event, ...args)) as unknown;
}

test('socket.io', async (t) => {
  const emperor = await startEmperor(t, {
    vassals: {
      'rooms.yaml': `app: ${thirdPartyApp('socket.io/server.js')}\nprocesses: 1\ndomains: "127.0.0.1"\ndrain-timeout: 1s\n`,
    },
  });
  await emperor.appIs('rooms', 'running');

  await t.test('starts by polling and upgrades to a WebSocket', async (t) => {
    const socket = await connect(t, emperor, { reconnection: false });
    await waitFor(() => transportOf(socket) === 'websocket', { what: 'the upgrade' });
    assert.equal(await asks(socket, 'transport'), 'websocket');
  });

  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
    await t.test(`carries rooms, binary and acknowledgements over ${transports.join(', then ')}`, async (t) => {
      const [one, two, three] = await Promise.all([
        connect(t, emperor, { transports }),
        connect(t, emperor, { transports }),
        connect(t, emperor, { transports }),
      ]);
      const heard: string[] = [];
      for (const [name, socket] of Object.entries({ one, two, three })) {
        socket.on('said', (text: string) => heard.push(`${name} heard ${text}`));
      }
      for (const socket of [one, two]) assert.equal(await asks(socket, 'join', 'red'), 2);
      one.emit('say', 'red', 'grün 🎈');
      await waitFor(() => heard.length >= 2, { what: 'two to hear it' });
      // An acknowledgement on the same connection comes after whatever was sent before it.
      assert.equal(await asks(three, 'join', 'blue'), 2);
      assert.deepEqual(heard.toSorted(), ['one heard grün 🎈', 'two heard grün 🎈']);

      const bytes = Buffer.alloc(300_000, 'abc');
      const reversed = Buffer.from((await asks(one, 'reverse', bytes)) as Uint8Array);
      assert.ok(reversed.equals(Buffer.from(bytes).reverse()), `${reversed.length} bytes`);

      two.on('question', (answer: number, done: (reply: string) => void) => {
        done(`it is ${answer}`);
      });
      assert.equal(await asks(two, 'ask me'), 'it is 42');
    });
  }

  await t.test('clients connect again by themselves after a deploy', async (t) => {
    const socket = await connect(t, emperor);
    await waitFor(() => transportOf(socket) === 'websocket', { what: 'the upgrade' });
    const first = socket.id;
    const again = new Promise<void>((resolve) =>
      socket.io.once('reconnect', () => {
        resolve();
      }),
    );
    await emperor.command('reload', 'rooms');
    await within(again, { what: 'the client to connect again', timeoutMs: 30_000 });
    assert.notEqual(socket.id, first);
    assert.equal(await asks(socket, 'join', 'green'), 2);
  });
});

test('a deploy ends the open sockets of an app that knows no stop signal; none waits for the kill', async (t) => {
  // Were it the kill that ends them, it would come long after the deadline below.
  const timeouts = 'drain-timeout: 1s\nstop-timeout: 35s\n';
  const emperor = await startEmperor(t, {
    vassals: { 'rooms.yaml': `app: ${thirdPartyApp('socket.io/server.js')}\ndomains: "127.0.0.1"\n${timeouts}` },
  });
  await emperor.appIs('rooms', 'running');
  const socket = await connect(t, emperor, { transports: ['websocket'] });
  const left = new Promise<void>((resolve) => {
    socket.once('disconnect', () => {
      resolve();
    });
  });
  await emperor.command('reload', '--wait', 'rooms');
  await within(left, { what: 'the old generation to let its sockets go', timeoutMs: 20_000 });
});
