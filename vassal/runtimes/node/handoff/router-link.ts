// One router's channel: what it hands over and asks for, and what it is told. When it ends, nobody tells us any more when
// to serve no longer: what runs is answered, and the connections end.
import { Socket } from 'node:net';
import {
  handoffVersion,
  type HandoffBack,
  type HandoffHello,
  type HandoffRules,
  type HandoffTake,
  type ToWorker,
} from '../../../../lib/handoff.ts';
import type { ChannelHandler, DescriptorChannel } from '../../../../native/channel.ts';
import type { NativeAddon } from '../../../../native/index.ts';
import { decodeToWorker } from './decode.ts';
import { Outbox } from './outbox.ts';
import { Reports } from './reports.ts';
import { TakenConnection, type ConnectionOwner } from './taken-connection.ts';
import type { TakenRequest } from './taken-request.ts';
import type { TakingServer } from './taking-server.ts';

const reportEveryMs = 250;
/** How often connections are looked at that are to be given back, and all others at most and at least. */
const drainSweepMs = 50;
const longestSweepMs = 5000;
/** Sweeps within the time that a connection may idle. */
const idleSweeps = 4;
/** At the worker's end, a request whose head began has so long to be one. */
const headPatienceMs = 1000;

export interface LinkOptions {
  readonly addon: NativeAddon;
  readonly channel: DescriptorChannel;
  /** Part of request ids: no other worker's. */
  readonly idPart: string;
  /** Who serves what is taken from now on; undefined: nobody. */
  server(): TakingServer | undefined;
  /** A connection is over, or a message left. */
  onLess(): void;
  note(text: string): void;
}

export class RouterLink implements ChannelHandler, ConnectionOwner {
  readonly #options: LinkOptions;
  readonly #outbox: Outbox;
  readonly #reports = new Reports();
  readonly #connections = new Map<number, TakenConnection>();
  #idPrefix = '';
  #ids = 0;
  #states: Uint8Array | undefined;
  #rules: HandoffRules | undefined;
  /** Rules that the router does not know of to be in force. */
  #unconfirmed = 0;
  #reportTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  /** Since when the worker ends, on the monotonic clock. */
  #stoppedMs: number | undefined;
  #hasEnded = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { channel, addon } = options;
    this.#outbox = new Outbox({
      channel,
      closeDescriptor: (fd) => {
        addon.closeDescriptor(fd);
      },
      onEmpty: () => {
        options.onLess();
      },
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** No connection is left, and the router knows of all that happened. */
  get isDone(): boolean {
    return this.#connections.size === 0 && (this.#hasEnded || this.#outbox.isEmpty);
  }

  onMessage(bytes: Uint8Array, descriptors: readonly number[]): void {
    const message = decodeToWorker(bytes);
    const [fd] = descriptors;
    // What takes the descriptor over says so.
    let isTaken = false;
    if (typeof message === 'string') this.#refuse(message);
    else if (this.#hasEnded) return;
    else isTaken = this.#handle(message, fd);
    if (fd !== undefined && !isTaken) this.#options.addon.closeDescriptor(fd);
  }

  onEnd(): void {
    this.#hasEnded = true;
    this.#outbox.close();
    clearTimeout(this.#reportTimer);
    clearTimeout(this.#sweepTimer);
    // Not at once: what was sent to a router that lived is answered.
    this.#sweepTimer = this.#armSweep();
    this.#options.onLess();
  }

  /** The worker is to end: everything is given back as soon as it can be. */
  stop(): void {
    this.#stoppedMs ??= performance.now();
    this.#resweep();
  }

  endRelays(): void {
    for (const connection of this.#connections.values()) connection.endRelay();
  }

  // --- for its connections ---

  get limitPost(): number {
    return this.#rules?.limitPost ?? 0;
  }

  get generation(): string | null {
    return this.#rules?.generation ?? null;
  }

  get isLogged(): boolean {
    return this.#rules?.accessLog === true;
  }

  get wantsBack(): boolean {
    return this.#rules?.isServing !== true || this.#stoppedMs !== undefined;
  }

  nextRequestId(): string {
    this.#ids++;
    return `${this.#idPrefix}${this.#options.idPart}${this.#ids.toString(36)}`;
  }

  mark(slot: number, state: number): void {
    if (this.#states !== undefined) this.#states[slot] = state;
  }

  giveBack(slot: number, why: HandoffBack['why']): boolean {
    // Behind the last one that it wants the router may hang up.
    if (this.wantsBack) this.#report();
    return !this.#hasEnded && this.#outbox.trySend({ type: 'back', slot, why });
  }

  openTunnel(address: string): Socket | undefined {
    if (this.#hasEnded) return undefined;
    const { addon } = this.#options;
    let pair: readonly [number, number];
    try {
      pair = addon.socketPair();
    } catch {
      return undefined;
    }
    this.#outbox.post({ type: 'stray', address }, pair[1]);
    return new Socket({ fd: pair[0], readable: true, writable: true, allowHalfOpen: true });
  }

  onRequestBegun(): void {
    this.#reports.begin();
    this.#reportSoon();
  }

  onRequestOver(request: TakenRequest): void {
    this.#reports.end(this.isLogged ? request.logEntry() : undefined);
    this.#reportSoon();
  }

  onOver(connection: TakenConnection, how: 'back' | 'gone'): void {
    this.#connections.delete(connection.slot);
    if (this.wantsBack) this.#report();
    if (how === 'gone') this.#outbox.post({ type: 'gone', slot: connection.slot });
    this.#options.onLess();
  }

  // --- messages ---

  /** Returns whether it keeps the descriptor. */
  #handle(message: ToWorker, fd: number | undefined): boolean {
    switch (message.type) {
      case 'hello':
        this.#onHello(message, fd);
        return false;
      case 'rules':
        this.#onRules(message);
        return false;
      case 'take':
        return this.#onTake(message, fd);
      case 'recall':
        this.#connections.get(message.slot)?.recall();
        return false;
    }
  }

  #onHello({ version, idPrefix, slots }: HandoffHello, fd: number | undefined): void {
    if (version !== handoffVersion) {
      this.#close();
      return;
    }
    if (fd === undefined) {
      this.#refuse('hello without shared states');
      return;
    }
    try {
      this.#states = this.#options.addon.mapSharedBytes(fd, slots);
      this.#idPrefix = idPrefix;
    } catch {
      this.#refuse('hello with shared states that are none');
    }
  }

  #onRules(rules: HandoffRules): void {
    const wasServing = this.#rules?.isServing === true;
    this.#rules = rules;
    this.#unconfirmed++;
    if (wasServing === rules.isServing) {
      this.#confirm();
      return;
    }
    const nowMs = performance.now();
    for (const connection of this.#connections.values()) {
      connection.streamsEndMs = rules.isServing ? Infinity : nowMs + Math.random() * rules.drainMs;
    }
    this.#resweep();
  }

  #onTake(take: HandoffTake, fd: number | undefined): boolean {
    const { slot } = take;
    if (this.#states === undefined || slot >= this.#states.length || this.#connections.has(slot)) {
      this.#refuse(`take of slot ${slot}`);
      return false;
    }
    const server = this.#options.server();
    if (this.wantsBack) {
      this.#outbox.post({ type: 'back', slot, why: 'recalled' });
      return false;
    }
    const connection = fd === undefined || server?.isAble !== true ? undefined : this.#open(take, fd, server);
    // What cannot be served here is not to come again.
    if (connection === undefined) this.#outbox.post({ type: 'back', slot, why: 'stray' });
    else this.#connections.set(slot, connection);
    this.#sweepTimer ??= this.#armSweep();
    return connection !== undefined;
  }

  #open(take: HandoffTake, fd: number, server: TakingServer): TakenConnection | undefined {
    try {
      return new TakenConnection(take, fd, server, this);
    } catch {
      return undefined;
    }
  }

  /** A router that does not keep to the contract cannot be worked with. */
  #refuse(why: string): void {
    this.#options.note(`a router handed connections over in a way that is not understood: ${why}`);
    this.#close();
  }

  #close(): void {
    this.#options.channel.close();
    if (!this.#hasEnded) this.onEnd();
  }

  // --- timers ---

  #reportSoon(): void {
    if (this.#hasEnded) return;
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = undefined;
      this.#report();
    }, reportEveryMs).unref();
  }

  #report(): void {
    if (!this.#reports.isDue || this.#hasEnded) return;
    if (this.#outbox.isEmpty) for (const report of this.#reports.take()) this.#outbox.post(report);
    else this.#reportSoon();
  }

  #resweep(): void {
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = undefined;
    this.#sweep();
  }

  #armSweep(): NodeJS.Timeout | undefined {
    const idleMs = this.#idleMs;
    if (this.#connections.size === 0 || (idleMs === 0 && !this.#isDraining)) return undefined;
    const everyMs = this.#isDraining ? drainSweepMs : Math.min(idleMs / idleSweeps, longestSweepMs);
    return setTimeout(() => {
      this.#sweep();
    }, everyMs).unref();
  }

  /** 0: idle connections are kept. */
  get #idleMs(): number {
    const { idleMs = 0 } = this.#rules ?? {};
    const silenceMs = this.#options.server()?.silenceMs ?? 0;
    // Before the app's own limit would end it.
    return silenceMs > 0 ? Math.min(idleMs === 0 ? silenceMs : idleMs, silenceMs / 2) : idleMs;
  }

  get #isDraining(): boolean {
    return this.wantsBack || this.#hasEnded;
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const connection of [...this.#connections.values()]) {
      if (nowMs >= connection.streamsEndMs) connection.endStreams();
      if (connection.isIdle) this.#judgeIdle(connection, nowMs);
    }
    this.#confirm();
    this.#sweepTimer = this.#armSweep();
  }

  /** Says that the rules are in force, once they are. */
  #confirm(): void {
    if (this.#unconfirmed === 0 || (this.wantsBack && this.#holdsIdle)) return;
    for (; this.#unconfirmed > 0; this.#unconfirmed--) this.#outbox.post({ type: 'ruled' });
  }

  /** Connections on which a request could come that is not for us any more. */
  get #holdsIdle(): boolean {
    for (const { isIdle } of this.#connections.values()) if (isIdle) return true;
    return false;
  }

  #judgeIdle(connection: TakenConnection, nowMs: number): void {
    const isLate = this.#stoppedMs !== undefined && nowMs - this.#stoppedMs > headPatienceMs;
    const idleMs = this.#idleMs;
    const hasIdled = idleMs > 0 && nowMs - connection.idleSinceMs >= idleMs;
    if (this.#hasEnded) {
      if (connection.isAtRest || this.#stoppedMs !== undefined || hasIdled) connection.close();
    } else if (this.wantsBack) {
      if (!connection.giveBack('recalled') && isLate && this.#outbox.isEmpty) connection.close();
    } else if (hasIdled) {
      connection.giveBack('idle');
    }
  }
}
