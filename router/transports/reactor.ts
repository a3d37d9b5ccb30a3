// The transport over the native reactor: one call per wake-up with everything that happened, one batch of commands back.
// Nothing is allocated per event or per write.
import { Buffer } from 'node:buffer';
import { systemClock, type Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import type { NativeAddon } from '../../native/index.ts';
import type { Reactor, ReactorOptions } from '../../native/reactor.ts';
import type { HeadSpace } from '../http1/head-space.ts';
import { Deadlines } from './deadlines.ts';
import { ignoringHandler } from './ignoring-handler.ts';
import { ReactorAcceptor } from './reactor-acceptor.ts';
import { ReactorCommands } from './reactor-commands.ts';
import { ReactorConnects } from './reactor-connects.ts';
import { ReactorEvents } from './reactor-events.ts';
import { ReactorStream, type StreamKeeper } from './reactor-stream.ts';
import type {
  AcceptHandler,
  Acceptor,
  ByteStream,
  Deadline,
  Endpoints,
  StreamHandler,
  Transport,
} from './transport.ts';

const sizes: ReactorOptions = {
  // No process has more descriptors unless it was made for that; a number costs nothing until it is used.
  capacity: 2 ** 20,
  slabBytes: 4 * 1024 * 1024,
  outgoingBytes: 1024 * 1024,
  mostEvents: 512,
  mostCommands: 4096,
  readBytes: 64 * 1024,
  // Writers stop at highWaterBytes; this is for those that do not.
  mostPendingBytes: 64 * 1024 * 1024,
};

export class ReactorTransport implements Transport, StreamKeeper {
  readonly name = 'reactor';
  readonly reason: string;
  readonly commands: ReactorCommands;
  readonly #addon: NativeAddon;
  readonly #reactor: Reactor;
  readonly #events: ReactorEvents;
  readonly #connects: ReactorConnects;
  readonly #deadlines = new Deadlines(this);
  #later: ReactorStream[] = [];
  /** They wait for a descriptor to accept with. */
  readonly #starved = new Set<ReactorAcceptor>();
  #hasReleased = false;
  #depth = 0;
  /** When the present turn began, once somebody asked; else negative. */
  #turnMs = -1;
  #isTurnPlanned = false;

  /** Throws a system error where there can be no reactor. */
  constructor(reason: string, addon: NativeAddon) {
    this.reason = reason;
    this.#addon = addon;
    const reactor = addon.createReactor(sizes, (eventCount) => this.#onBatch(eventCount));
    this.#reactor = reactor;
    const slab = Buffer.from(reactor.slab.buffer, reactor.slab.byteOffset, reactor.slab.byteLength);
    this.commands = new ReactorCommands(reactor, slab);
    this.#connects = new ReactorConnects({
      reactor,
      after: this.after.bind(this),
      onNumber: (stream, number) => {
        this.#events.streams[number] = stream;
      },
    });
    this.#events = new ReactorEvents({
      reactor,
      slab,
      connects: this.#connects,
      createStream: (number, address) => new ReactorStream(this, ignoringHandler, number, address),
      refuse: (number) => {
        this.commands.order('close', number);
      },
    });
  }

  get headSpace(): HeadSpace {
    return this.commands;
  }

  /** The time does not move within a turn: asking the clock costs as much as some of what it is asked for. */
  nowMs(): number {
    if (this.#depth === 0) return performance.now();
    if (this.#turnMs < 0) this.#turnMs = performance.now();
    return this.#turnMs;
  }

  run(act: () => void): void {
    this.#depth++;
    try {
      act();
      if (this.#depth === 1) this.#settle();
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.#finish();
    }
  }

  connect(address: string, handler: StreamHandler): ByteStream {
    const stream = new ReactorStream(this, handler, -1, '');
    this.#connects.begin(stream, address);
    return stream;
  }

  adopt(fd: number, { remoteAddress, remotePort, localPort }: Endpoints): ByteStream | undefined {
    let number: number;
    try {
      number = this.#reactor.adopt(fd);
    } catch {
      // It is no socket, or there is no room.
      return undefined;
    }
    const stream = new ReactorStream(this, ignoringHandler, number, remoteAddress);
    stream.ports = (remotePort << 16) | localPort;
    this.#events.streams[number] = stream;
    return stream;
  }

  async listen(listener: Listener, handler: AcceptHandler): Promise<Acceptor> {
    const acceptor = new ReactorAcceptor({
      reactor: this.#reactor,
      addon: this.#addon,
      listener,
      handler,
      nowMs: this.nowMs.bind(this),
      after: this.after.bind(this),
      onNumber: (number, isHeld) => {
        this.#events.acceptors[number] = isHeld ? acceptor : undefined;
      },
      onStarved: (isStarved) => {
        if (isStarved) this.#starved.add(acceptor);
        else this.#starved.delete(acceptor);
      },
    });
    await acceptor.bind();
    return acceptor;
  }

  after(delayMs: number, fire: () => void): Timer {
    return systemClock.after(delayMs, () => {
      this.run(fire);
    });
  }

  createDeadline(onExpire: () => void): Deadline {
    return this.#deadlines.create(onExpire);
  }

  // --- for its streams ---

  soil(): void {
    // Nothing outside of a turn should write; what does is flushed all the same.
    if (this.#depth > 0 || this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    queueMicrotask(() => {
      this.#isTurnPlanned = false;
      this.run(() => undefined);
    });
  }

  release(number: number): void {
    this.#events.streams[number] = undefined;
    this.#hasReleased = true;
  }

  tellLater(stream: ReactorStream): void {
    this.#later.push(stream);
    this.soil();
  }

  hasUntold(number: number): boolean {
    return this.#events.hasUntold(number);
  }

  relay(from: number, to: number, bytes: number): boolean {
    try {
      this.#reactor.relay(from, to, bytes);
      return true;
    } catch {
      // One of the two relays already, or there is no memory for it.
      return false;
    }
  }

  stopRelay(from: number): void {
    this.#reactor.stopRelay(from);
  }

  relayedBytes(from: number): number {
    return this.#reactor.relayedBytes(from);
  }

  detach(number: number): number {
    return this.#reactor.detach(number);
  }

  // --- turns ---

  #onBatch(eventCount: number): number {
    this.#depth = 1;
    this.commands.isSlabLent = true;
    let isWhole = false;
    try {
      this.#events.tell(eventCount);
      this.#settle();
      isWhole = true;
    } finally {
      this.#depth = 0;
      this.#events.forget();
      // The reactor executes nothing for a batch that threw.
      if (!isWhole) this.commands.flush();
      this.commands.isSlabLent = false;
      this.#turnMs = -1;
    }
    if (this.#starved.size > 0) this.#feedStarved();
    return this.commands.take();
  }

  /** Tells what the handlers caused, and what that causes, until nothing is left. */
  #settle(): void {
    while (this.#later.length > 0) {
      const later = this.#later;
      this.#later = [];
      for (const stream of later) stream.tell();
    }
  }

  #finish(): void {
    this.#turnMs = -1;
    this.commands.flush();
    if (this.#starved.size > 0) this.#feedStarved();
  }

  #feedStarved(): void {
    if (!this.#hasReleased) return;
    this.#hasReleased = false;
    this.commands.flush();
    for (const acceptor of [...this.#starved]) acceptor.retry();
  }
}
