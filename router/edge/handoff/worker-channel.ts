// The router's end of the channel to one worker: what it was told, which connections it has, and what it says about
// them. What must be told and does not fit now is told a moment later; a connection that does not fit stays here.
import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import type { Timer } from '../../../lib/clock.ts';
import {
  handoffVersion,
  type HandoffBack,
  type HandoffGone,
  type HandoffReport,
  type HandoffRules,
  type ToWorker,
} from '../../../lib/handoff.ts';
import type { ChannelHandler, DescriptorChannel } from '../../../native/channel.ts';
import type { NativeAddon } from '../../../native/index.ts';
import type { Addressee } from '../../core/handoff.ts';
import type { Pool } from '../../core/pool.ts';
import type { Target } from '../../core/target.ts';
import type { Transport } from '../../transports/transport.ts';
import { AwayConnection, type HandoffClient } from './away-connection.ts';
import { decodeFromWorker } from './from-worker.ts';
import { Slots } from './slots.ts';

/** What the worker said. Each call is a turn of the transport. */
export interface ChannelEvents {
  onBack(away: AwayConnection, why: HandoffBack['why']): void;
  onGone(away: AwayConnection): void;
  /** `fd` is the receiver's. */
  onStray(channel: WorkerChannel, address: string, fd: number): void;
  onReport(channel: WorkerChannel, report: HandoffReport): void;
  /** It goes by rules that it was told. */
  onRuled(channel: WorkerChannel): void;
  /** What makes no sense; it was dropped. */
  onNonsense(channel: WorkerChannel, problem: string): void;
  /** The worker is gone, and knows of no connection any more. */
  onEnd(channel: WorkerChannel, code: string | undefined): void;
}

export interface WorkerChannelOptions {
  readonly addon: NativeAddon;
  readonly transport: Pick<Transport, 'run' | 'after'>;
  readonly target: Target;
  readonly pool: Pool;
  readonly path: string;
  readonly idPrefix: string;
  /** The most connections at a time. */
  readonly slots: number;
  readonly events: ChannelEvents;
}

/** The worker reads slowly: it is told what it must know after this. */
const retryMs = 20;

export class WorkerChannel implements ChannelHandler {
  readonly target: Target;
  readonly pool: Pool;
  readonly path: string;
  /** Requests that run on its connections, as it last reported. */
  inFlight = 0;
  readonly #options: WorkerChannelOptions;
  readonly #slots: Slots<AwayConnection>;
  readonly #channel: DescriptorChannel;
  /** Undefined until the worker was told. */
  #rules: HandoffRules | undefined;
  /** Times it was told rules and has not said that it goes by them. */
  #unconfirmed = 0;
  /** What does not fit yet. */
  #untoldRules: HandoffRules | undefined;
  readonly #untoldRecalls = new Set<AwayConnection>();
  #retrying: Timer | undefined;

  /** Connects and says hello; throws a system error where the worker cannot be reached. */
  constructor(options: WorkerChannelOptions) {
    const { addon, target, pool, path, idPrefix, slots } = options;
    this.#options = options;
    this.target = target;
    this.pool = pool;
    this.path = path;
    this.#channel = addon.connectChannel(path, this);
    const { fd, bytes } = addon.createSharedBytes(slots);
    this.#slots = new Slots(bytes);
    // There is room for a first message. Should the worker be gone already, its end says so.
    this.#send({ type: 'hello', version: handoffVersion, idPrefix, slots }, [fd]);
    addon.closeDescriptor(fd);
  }

  get connections(): Iterable<AwayConnection> {
    return this.#slots.connections;
  }

  /** Connections that it has now. */
  get size(): number {
    return this.#slots.size;
  }

  /** The `count` that it has had longest, at most. */
  first(count: number): AwayConnection[] {
    return count === 0 ? [] : [...this.#slots.connections].slice(0, count);
  }

  /** It takes a further connection now, as far as is known here. */
  get hasRoom(): boolean {
    return this.#untoldRules === undefined && this.#slots.find() !== undefined;
  }

  /** It was told to serve no more, and may not know of it yet. */
  get isLagging(): boolean {
    if (this.#untoldRules !== undefined) return !this.#untoldRules.isServing;
    return this.#rules?.isServing === false && this.#unconfirmed > 0;
  }

  /** What the worker wrote down about the connection. */
  stateOf({ slot }: AwayConnection): number {
    return this.#slots.stateOf(slot);
  }

  /** An answer on the connection is not whole. */
  isBusy({ slot }: AwayConnection): boolean {
    return this.#slots.isBusy(slot);
  }

  /** Tells how connections are to be treated; nothing where that was told last. */
  rule(rules: HandoffRules): void {
    if (isDeepStrictEqual(rules, this.#untoldRules ?? this.#rules)) return;
    this.#untoldRules = rules;
    this.#tell();
  }

  /**
   * Hands the connection over, whose descriptor `fd` is the channel's then; undefined where the worker takes no more
   * now, and nothing has changed.
   */
  take(client: HandoffClient, fd: number, addressee: Addressee): AwayConnection | undefined {
    const slot = this.#slots.find();
    if (slot === undefined || this.#untoldRules !== undefined) return undefined;
    const { address } = client;
    if (!this.#send({ type: 'take', slot, address, host: addressee.authority }, [fd])) return undefined;
    const away = new AwayConnection(client, { fd, addressee, channel: this, slot });
    this.#slots.take(slot, away);
    this.target.away++;
    return away;
  }

  /** Asks for one connection back. */
  recall(away: AwayConnection): void {
    if (away.isRecalled) return;
    away.isRecalled = true;
    this.#untoldRecalls.add(away);
    this.#tell();
  }

  close(): void {
    this.#retrying?.cancel();
    this.#channel.close();
  }

  onMessage(bytes: Uint8Array, descriptors: readonly number[]): void {
    this.#options.transport.run(() => {
      this.#onMessage(bytes, descriptors);
    });
  }

  onEnd(code: string | undefined): void {
    this.#retrying?.cancel();
    this.#options.transport.run(() => {
      this.#options.events.onEnd(this, code);
    });
  }

  /** The connection is not with the worker any more. */
  release(away: AwayConnection): void {
    if (this.#slots.at(away.slot) !== away) return;
    this.#slots.release(away.slot);
    this.#untoldRecalls.delete(away);
    this.target.away--;
  }

  #onMessage(bytes: Uint8Array, descriptors: readonly number[]): void {
    const { events, addon } = this.#options;
    const message = decodeFromWorker(bytes);
    const [fd] = descriptors;
    if (typeof message === 'string') {
      events.onNonsense(this, message);
    } else if (message.type === 'stray' && fd !== undefined) {
      events.onStray(this, message.address, fd);
      return;
    } else if (message.type === 'stray') {
      events.onNonsense(this, 'stray: without a descriptor');
    } else if (message.type === 'report') {
      events.onReport(this, message);
    } else if (message.type === 'ruled') {
      this.#unconfirmed = Math.max(0, this.#unconfirmed - 1);
      events.onRuled(this);
    } else {
      this.#onEnded(message);
    }
    if (fd !== undefined) addon.closeDescriptor(fd);
  }

  #onEnded(message: HandoffBack | HandoffGone): void {
    const { events } = this.#options;
    const away = this.#slots.at(message.slot);
    if (away === undefined) events.onNonsense(this, `${message.type}: slot ${message.slot} is free`);
    else if (message.type === 'back') events.onBack(away, message.why);
    else events.onGone(away);
  }

  /** Tells what was not told yet, as far as it fits. */
  #tell(): void {
    if (this.#untoldRules !== undefined && this.#send(this.#untoldRules)) {
      this.#rules = this.#untoldRules;
      this.#untoldRules = undefined;
      this.#unconfirmed++;
    }
    for (const away of this.#untoldRecalls) {
      if (this.#untoldRules !== undefined || !this.#send({ type: 'recall', slot: away.slot })) break;
      this.#untoldRecalls.delete(away);
    }
    if (this.#untoldRules === undefined && this.#untoldRecalls.size === 0) return;
    this.#retrying ??= this.#options.transport.after(retryMs, () => {
      this.#retrying = undefined;
      this.#tell();
    });
  }

  /** False where it does not fit now, or the worker is gone, which its end will tell. */
  #send(message: ToWorker, descriptors: readonly number[] = []): boolean {
    try {
      return this.#channel.send(encode(message), descriptors);
    } catch {
      return false;
    }
  }
}

function encode(message: ToWorker): Buffer {
  return Buffer.from(JSON.stringify(message));
}
