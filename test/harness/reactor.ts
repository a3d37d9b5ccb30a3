// The native reactor by itself, without a transport: what it tells is recorded, and a test answers with commands of its
// own, from within the batch or outside of one.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import {
  commandKinds,
  connectInProgress,
  eventKinds,
  recordLength,
  type Reactor,
  type ReactorOptions,
} from '../../native/reactor.ts';
import { addonUnderTest } from './native-addon.ts';
import { descriptorCount } from './processes.ts';
import type { Scope } from './scope.ts';
import { waitFor, within } from './wait-for.ts';

export interface ReactorEvent {
  readonly kind: keyof typeof eventKinds;
  readonly stream: number;
  readonly a: number;
  readonly b: number;
  /** Of `data` only. */
  readonly bytes: Buffer;
}

const kindNames = new Map(
  Object.entries(eventKinds).map(([name, kind]) => [kind as number, name as ReactorEvent['kind']]),
);

const sizes: ReactorOptions = {
  capacity: 10_000,
  slabBytes: 4 * 1024 * 1024,
  outgoingBytes: 256 * 1024,
  mostEvents: 256,
  mostCommands: 256,
  readBytes: 64 * 1024,
  mostPendingBytes: 64 * 1024 * 1024,
};

export class ReactorUnderTest {
  readonly reactor: Reactor;
  /** In the order in which they were told. */
  readonly events: ReactorEvent[] = [];
  /** How often the reactor called. */
  batches = 0;
  /** Called for each event while its batch is told; its commands are executed with the batch. */
  onEvent: (event: ReactorEvent) => void = () => undefined;
  #commands = 0;
  #outgoing = 0;
  #isInBatch = false;
  readonly #releases: (() => void)[] = [];

  /** It, and everything that it opened, is gone after the test; so must every descriptor be. */
  constructor(t: Scope, options: Partial<ReactorOptions> = {}) {
    const before = descriptorCount(process.pid);
    this.reactor = addonUnderTest().createReactor({ ...sizes, ...options }, (count) => this.#onBatch(count));
    t.after(async () => {
      this.reactor.close();
      // node:test runs what was registered first, first.
      for (const release of this.#releases) release();
      await waitFor(() => descriptorCount(process.pid) <= before, {
        what: 'the descriptors of the reactor to be closed',
      });
    });
  }

  /** Listens on a TCP port of its own, and returns it. */
  listen(host = '127.0.0.1'): { readonly port: number; readonly listener: number; readonly fd: number } {
    const addon = addonUnderTest();
    const fd = addon.listenTcp(host, 0, 4096);
    this.#releases.push(() => {
      addon.closeDescriptor(fd);
    });
    const listener = this.reactor.listen(fd, true);
    this.reactor.muteListener(listener, false);
    return { port: addon.localPort(fd), listener, fd };
  }

  listenUnix(path: string): number {
    const addon = addonUnderTest();
    const fd = addon.listenUnix(path, 4096, 0o700);
    this.#releases.push(() => {
      addon.closeDescriptor(fd);
    });
    const listener = this.reactor.listen(fd, false);
    this.reactor.muteListener(listener, false);
    return listener;
  }

  /** A client of the port, and the stream that the reactor made of it. The client says one byte, which is taken. */
  async accept(port: number | string): Promise<{ readonly client: Socket; readonly stream: number }> {
    const from = this.events.length;
    const client = this.#client(
      typeof port === 'string'
        ? connect({ path: port, allowHalfOpen: true })
        : connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    );
    client.write('!');
    const { stream } = await this.event('data', (event) => event.bytes.toString() === '!', from);
    return { client, stream };
  }

  #client(client: Socket): Socket {
    client.on('error', () => undefined);
    this.#releases.push(() => client.destroy());
    return client;
  }

  /** The stream of a connect that must not fail at once. */
  connected(result: number): number {
    assert.ok(result >= 0, `connect: errno ${-result}`);
    return result & ~connectInProgress;
  }

  /** Waits for an event from index `from` on. */
  async event(
    kind: ReactorEvent['kind'],
    accepts: (event: ReactorEvent) => boolean = () => true,
    from = 0,
  ): Promise<ReactorEvent> {
    return waitFor(() => this.events.slice(from).find((event) => event.kind === kind && accepts(event)), {
      what: () => `${kind}; told so far: ${this.told().slice(-30).join(', ')}`,
    });
  }

  async of(stream: number, kind: ReactorEvent['kind'], from = 0): Promise<ReactorEvent> {
    return this.event(kind, (event) => event.stream === stream, from);
  }

  /** All bytes that came on the stream so far. */
  received(stream: number): Buffer {
    const isOfStream = (event: ReactorEvent): boolean => event.kind === 'data' && event.stream === stream;
    return Buffer.concat(this.events.filter(isOfStream).map(({ bytes }) => bytes));
  }

  /** The kinds of what was told, of one stream or of all. */
  told(stream?: number): string[] {
    const events = stream === undefined ? this.events : this.events.filter((event) => event.stream === stream);
    return events.map(({ kind }) => kind);
  }

  send(stream: number, content: Buffer | string): void {
    const bytes = Buffer.from(content);
    for (let from = 0; from < bytes.length;) {
      if (this.#outgoing === this.reactor.outgoing.length) this.flush();
      const length = Math.min(bytes.length - from, this.reactor.outgoing.length - this.#outgoing);
      this.reactor.outgoing.set(bytes.subarray(from, from + length), this.#outgoing);
      const at = this.#outgoing;
      this.#outgoing += length;
      this.command('send', stream, at, length);
      from += length;
    }
  }

  /** Within a batch it is executed with it, else at once. */
  command(kind: keyof typeof commandKinds, stream: number, a = 0, b = 0): void {
    this.reactor.commands.set([commandKinds[kind], stream, a, b], this.#commands * recordLength);
    this.#commands++;
    if (!this.#isInBatch || this.#commands * recordLength === this.reactor.commands.length) this.flush();
  }

  /** Executes the commands so far. */
  flush(): void {
    const count = this.#take();
    this.reactor.execute(count);
  }

  #take(): number {
    const count = this.#commands;
    this.#commands = 0;
    this.#outgoing = 0;
    return count;
  }

  /** What the kernel's epoll is asked about the stream, as a mask; undefined where it is not in epoll. */
  interestOf(stream: number): number | undefined {
    const alarm = '200000000';
    for (const fd of readdirSync('/proc/self/fdinfo')) {
      const entries = epollEntries(fd);
      if (entries.has(alarm)) return entries.get(stream.toString(16));
    }
    return assert.fail('no epoll of a reactor is open');
  }

  #onBatch(count: number): number {
    this.batches++;
    this.#isInBatch = true;
    const { events, slab } = this.reactor;
    try {
      for (let at = 0; at < count * recordLength; at += recordLength) {
        const [kind = 0, stream = 0, a = 0, b = 0] = events.subarray(at, at + recordLength);
        const name = kindNames.get(kind);
        assert.ok(name !== undefined, `event ${kind} is none`);
        const bytes = name === 'data' ? Buffer.from(slab.subarray(a, a + b)) : Buffer.alloc(0);
        const event = { kind: name, stream, a, b, bytes };
        this.events.push(event);
        this.onEvent(event);
      }
    } finally {
      this.#isInBatch = false;
    }
    return this.#take();
  }
}

/** Of an epoll descriptor: masks by the hexadecimal data of what is in it. */
function epollEntries(fd: string): Map<string, number> {
  let text: string;
  try {
    text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  } catch {
    // The descriptor of the directory itself is gone by now.
    return new Map();
  }
  const entries = text.matchAll(/^tfd: +\d+ events: +([0-9a-f]+) data: +([0-9a-f]+)/gm);
  return new Map([...entries].map(([, mask = '', data = '']) => [data, Number.parseInt(mask, 16)]));
}

/** Bytes that are different from those of any other place: a lost or doubled one shows. */
export function patterned(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** Everything that the socket receives until its peer ends. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = new Promise((resolve) => socket.once('end', resolve));
  socket.resume();
  await within(end, { what: 'the end of what the socket receives' });
  return Buffer.concat(chunks);
}
