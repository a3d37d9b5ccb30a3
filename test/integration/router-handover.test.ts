// Listening sockets that outlive a router: passed on by descriptor, and shared while one router ends.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { noNativeVariable } from '../../native/index.ts';
import { ControlListener } from '../harness/control-listener.ts';
import { ask, refused } from '../harness/http-client.ts';
import { addonUnderTest, withoutAddon } from '../harness/native-addon.ts';
import { descriptorCount } from '../harness/processes.ts';
import { RecordingWorker } from '../harness/recording-worker.ts';
import { routeTo, socketPath, startRouter, type RouterProcess } from '../harness/router-process.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Listening {
  readonly fd: number;
  readonly address: string;
  readonly port: number;
}

/** Listening sockets as an emperor makes them; `close` is its death. */
function listen(t: TestContext, count = 1): { listeners: Listening[]; readonly close: () => void } {
  const addon = addonUnderTest();
  const listeners = Array.from({ length: count }, () => {
    const fd = addon.listenTcp('127.0.0.1', 0, 1024);
    const port = addon.localPort(fd);
    return { fd, port, address: `127.0.0.1:${port}` };
  });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) for (const { fd } of listeners) addon.closeDescriptor(fd);
    isOpen = false;
  };
  t.after(close);
  return { listeners, close };
}

interface Received {
  readonly path: string;
  readonly descriptors: number[];
  /** The addresses, once the line is whole. */
  readonly addresses: () => Promise<string[]>;
}

/** Takes what a router passes on, as an emperor does. */
async function receiver(t: TestContext): Promise<Received> {
  const addon = addonUnderTest();
  const path = socketPath(t, 'take.sock');
  const descriptors: number[] = [];
  const sockets: Socket[] = [];
  let line = '';
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // A test that fails halfway must not keep the process: waitFor's own timers do as long as there is anything to wait for.
    sockets.push(socket.unref());
  });
  server.unref();
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    for (const fd of descriptors) addon.closeDescriptor(fd);
    server.close();
  });
  const take = (): void => {
    for (const socket of sockets) {
      const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
      for (;;) {
        const piece = addon.receiveDescriptors(fd);
        if (piece === undefined || piece.bytes.length === 0) break;
        line += Buffer.from(piece.bytes).toString();
        descriptors.push(...piece.descriptors);
      }
    }
  };
  const addresses = async (): Promise<string[]> => {
    await waitFor(
      () => {
        take();
        return line.endsWith('\n');
      },
      { what: () => `the line of addresses; got ${JSON.stringify(line.slice(-200))}` },
    );
    return (JSON.parse(line) as { listen: string[] }).listen;
  };
  return { path, descriptors, addresses };
}

/** Clients that connect anew for each request, one after the other, until told to stop. */
class Storm {
  readonly failures: string[] = [];
  answers = 0;
  #isOn = true;
  readonly #clients: Promise<void>[];

  constructor(port: number, clients: number) {
    this.#clients = Array.from({ length: clients }, () => this.#run(port));
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#clients);
  }

  async #run(port: number): Promise<void> {
    while (this.#isOn) {
      const outcome = await once(port);
      if (outcome.startsWith('HTTP/1.1 200 ')) this.answers++;
      else this.failures.push(outcome.slice(0, 200));
    }
  }
}

/** All that came back for one request on a connection of its own, or the errno name of its failure. */
function once(port: number): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    socket.on('close', () => {
      resolve(received === '' ? 'closed without an answer' : received);
    });
    socket.end('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  });
}

async function logged(router: RouterProcess, text: RegExp): Promise<void> {
  await waitFor(() => text.test(router.process.stderr), {
    what: () => `${String(text)} in the log; it has ${router.process.stderr.slice(-500)}`,
  });
}

describe('pass-listeners', { skip: withoutAddon }, () => {
  it('gives away sockets on which the receiver serves when router and emperor are dead', async (t) => {
    const { listeners, close } = listen(t, 2);
    const router = await startRouter(t, { descriptors: listeners });
    close();
    const received = await receiver(t);
    router.connection.send({ type: 'pass-listeners', path: received.path });
    const addresses = await received.addresses();
    assert.deepEqual(
      addresses,
      listeners.map(({ address }) => address),
    );
    // Listening goes on meanwhile.
    assert.equal((await ask(listeners[0]?.port ?? 0)).status, 404);
    router.process.kill('SIGKILL');
    await router.process.exit();
    for (const { port, address } of listeners) {
      const http = createHttpServer((_request, response) => response.end(`still ${address}`));
      t.after(() => {
        http.close();
        http.closeAllConnections();
      });
      await new Promise<void>((resolve) => {
        // The server closes its descriptor itself.
        http.listen({ fd: received.descriptors.shift() }, resolve);
      });
      assert.equal((await ask(port)).body, `still ${address}`);
    }
  });

  it('gives away more sockets than one send can carry, in their order', async (t) => {
    const { listeners } = listen(t, 70);
    const router = await startRouter(t, { descriptors: listeners });
    const received = await receiver(t);
    router.connection.send({ type: 'pass-listeners', path: received.path });
    assert.deepEqual(
      await received.addresses(),
      listeners.map(({ address }) => address),
    );
    const addon = addonUnderTest();
    assert.deepEqual(
      received.descriptors.map((fd) => addon.localPort(fd)),
      listeners.map(({ port }) => port),
    );
  });

  it('that is told to end right after it was asked gives them away all the same', async (t) => {
    const { listeners } = listen(t);
    const router = await startRouter(t, { descriptors: listeners });
    const running = connect(router.port, '127.0.0.1');
    t.after(() => {
      running.destroy();
    });
    await router.stats('a connection that keeps it from ending', ({ connections }) => connections === 1);
    const received = await receiver(t);
    router.connection.send({ type: 'pass-listeners', path: received.path });
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 60_000 });
    assert.equal((await received.addresses()).length, 1);
    assert.equal(addonUnderTest().localPort(received.descriptors[0] ?? -1), router.port);
  });

  it('gives away a socket that the router bound itself', async (t) => {
    const router = await startRouter(t);
    const received = await receiver(t);
    router.connection.send({ type: 'pass-listeners', path: received.path });
    assert.deepEqual(await received.addresses(), [`127.0.0.1:${router.port}`]);
    assert.equal(addonUnderTest().localPort(received.descriptors[0] ?? -1), router.port);
  });

  it('to where nobody listens is logged, and serving goes on', async (t) => {
    const { listeners } = listen(t);
    const router = await startRouter(t, { descriptors: listeners });
    router.connection.send({ type: 'pass-listeners', path: socketPath(t, 'nobody.sock') });
    await logged(router, /not passed on/);
    assert.equal((await ask(router.port)).status, 404);
  });

  it('leaves no descriptor behind', async (t) => {
    const { listeners } = listen(t, 3);
    const router = await startRouter(t, { descriptors: listeners });
    const before = descriptorCount(router.process.pid);
    for (let i = 0; i < 3; i++) {
      const received = await receiver(t);
      router.connection.send({ type: 'pass-listeners', path: received.path });
      await received.addresses();
    }
    await waitFor(() => descriptorCount(router.process.pid) <= before, { what: 'the copies to be closed' });
  });
});

describe('pass-listeners without the addon', () => {
  it('is logged, and serving goes on', async (t) => {
    // Without the addon there is no other transport.
    const router = await startRouter(t, { transport: 'portable', env: { [noNativeVariable]: '1' } });
    router.connection.send({ type: 'pass-listeners', path: socketPath(t, 'take.sock') });
    await logged(router, /cannot be passed on/);
    assert.equal((await ask(router.port)).status, 404);
  });
});

describe('routers that share a listening socket', { skip: withoutAddon }, () => {
  it('lose no connection of a storm while one of them ends and another takes its place', async (t) => {
    const { listeners } = listen(t);
    const [{ port } = { port: 0 }] = listeners;
    const worker = await RecordingWorker.start(t);
    const control = await ControlListener.start(t);
    const options = { control, descriptors: listeners, apps: [routeTo(worker.path)] };
    let current = await startRouter(t, { ...options, id: 1 });
    const storm = new Storm(port, 8);
    t.after(() => storm.stop());
    for (let id = 2; id <= 4; id++) {
      const next = await startRouter(t, { ...options, id });
      await next.stats('a request of the storm', ({ requests }) => requests > 0);
      await current.shutdown(10_000, 10_000);
      current = next;
    }
    const { answers } = storm;
    await waitFor(() => storm.answers > answers + 10, { what: 'the last router to serve the storm alone' });
    await storm.stop();
    assert.deepEqual(storm.failures, []);
    await current.shutdown();
  });

  it('let go of the port at once when the last of them ends, though a connection goes on', async (t) => {
    const { listeners, close } = listen(t);
    const router = await startRouter(t, { descriptors: listeners });
    close();
    const open = connect(router.port, '127.0.0.1');
    t.after(() => {
      open.destroy();
    });
    await router.stats('the connection', ({ connections }) => connections === 1);
    router.connection.send({ type: 'shutdown', graceMs: 60_000, idleMs: 60_000 });
    await refused(router.port);
    assert.equal(router.process.isRunning, true);
  });
});
