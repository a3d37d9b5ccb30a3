// One listening socket of the reactor: inherited by descriptor, or bound here. While it is paused, or the process is out
// of descriptors, connections wait in the kernel's queue.
import { closeSync, rmSync } from 'node:fs';
import type { Timer } from '../../lib/clock.ts';
import type { Listener } from '../../lib/listeners.ts';
import type { NativeAddon } from '../../native/index.ts';
import { listenTcpOn } from '../../native/listen-tcp.ts';
import type { Reactor } from '../../native/reactor.ts';
import { backlog, listenAddress, withPort } from './listening-socket.ts';
import type { AcceptHandler, Acceptor, ByteStream } from './transport.ts';
import { WaitingStreams } from './waiting-streams.ts';

/** When a process is out of descriptors, one of its own may be free again after so long. */
const starvedMs = 100;
/** A process at its limit refuses often; the log is told of it this seldom. */
const complainMs = 60_000;
/** As node:net leaves it where nobody set a umask; who may connect is the directory's affair. */
const socketMode = 0o755;

export interface ReactorAcceptorOptions {
  readonly reactor: Reactor;
  readonly addon: NativeAddon;
  readonly listener: Listener;
  readonly handler: AcceptHandler;
  nowMs(): number;
  after(delayMs: number, fire: () => void): Timer;
  /** It has this number from now on, or has it no more. */
  onNumber(number: number, isHeld: boolean): void;
  /** It waits for a descriptor to accept with, or no more; `retry` makes it try again. */
  onStarved(isStarved: boolean): void;
}

export class ReactorAcceptor implements Acceptor {
  readonly handler: AcceptHandler;
  readonly #options: ReactorAcceptorOptions;
  readonly #isTcp: boolean;
  /** Accepted in the batch in which it was paused. */
  readonly #waiting = new WaitingStreams();
  #address: string;
  #port = 0;
  #fd = -1;
  /** The socket's file, where we made it. */
  #file: string | undefined;
  #number: number | undefined;
  #isAccepting = false;
  #starved: Timer | undefined;
  #complainedMs = -Infinity;

  constructor(options: ReactorAcceptorOptions) {
    this.#options = options;
    this.handler = options.handler;
    this.#address = options.listener.address;
    this.#isTcp = listenAddress(this.#address).kind === 'tcp';
  }

  get address(): string {
    return this.#address;
  }

  /** The TCP port that its clients connect to; 0 of a unix socket. */
  get port(): number {
    return this.#port;
  }

  /** Binds a listener of our own; an inherited one is bound already. */
  async bind(): Promise<void> {
    this.#fd = this.#options.listener.fd ?? (await this.#listen());
    const address = listenAddress(this.#address);
    if (address.kind === 'tcp') this.#port = address.port;
  }

  pause(): boolean {
    if (!this.#isAccepting) return false;
    this.#isAccepting = false;
    this.#update();
    return true;
  }

  resume(): void {
    if (this.#isAccepting || this.#fd < 0) return;
    if (this.#number === undefined) {
      this.#number = this.#options.reactor.listen(this.#fd, this.#isTcp);
      this.#options.onNumber(this.#number, true);
    }
    this.#isAccepting = true;
    this.#release(() => this.#isAccepting);
    this.#update();
  }

  duplicate(): number | undefined {
    return this.#fd < 0 ? undefined : this.#options.addon.duplicateDescriptor(this.#fd);
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#isAccepting = false;
    // Nobody else can take these: the owner serves them, or tells them that there is no room.
    this.#release(() => true);
    this.#feed();
    if (this.#number !== undefined) {
      this.#options.reactor.closeListener(this.#number);
      this.#options.onNumber(this.#number, false);
    }
    this.#number = undefined;
    closeSync(this.#fd);
    this.#fd = -1;
    if (this.#file !== undefined) rmSync(this.#file, { force: true });
  }

  /** A client connected. */
  onStream(stream: ByteStream): void {
    if (this.#isAccepting) this.handler.onStream(stream);
    else this.#waiting.add(stream);
  }

  /** The reactor muted it: the process, or the system, is out of something. */
  onRefused(error: Error): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#complainedMs >= complainMs) {
      this.#complainedMs = nowMs;
      this.handler.onError(error);
    }
    this.#starved?.cancel();
    this.#starved = this.#options.after(starvedMs, () => {
      this.retry();
    });
    this.#options.onStarved(true);
  }

  /** There may be a descriptor again. */
  retry(): void {
    if (this.#starved === undefined) return;
    this.#feed();
    this.#update();
  }

  #release(hasRoom: () => boolean): void {
    this.#waiting.release(hasRoom, (stream) => {
      this.handler.onStream(stream);
    });
  }

  #feed(): void {
    if (this.#starved === undefined) return;
    this.#starved.cancel();
    this.#starved = undefined;
    this.#options.onStarved(false);
  }

  #update(): void {
    if (this.#number === undefined) return;
    this.#options.reactor.muteListener(this.#number, !this.#isAccepting || this.#starved !== undefined);
  }

  async #listen(): Promise<number> {
    const { addon } = this.#options;
    const address = listenAddress(this.#address);
    if (address.kind === 'unix') {
      const fd = addon.listenUnix(address.path, backlog, socketMode);
      this.#file = address.path;
      return fd;
    }
    const fd = await listenTcpOn(addon, address.host, address.port, backlog);
    this.#address = withPort(address, addon.localPort(fd));
    return fd;
  }
}
