// Connection hand-off: a client connection that has proved to be kept alive and to talk to one app is given to one of
// the app's workers, and comes back when it idles, when the worker is to end, or when its requests are somebody else's.
// The router keeps a descriptor of each, so that whatever happens to the worker, no client connection ends by it.
import { slotStates, type HandoffBack, type HandoffReport, type HandoffRules } from '../../../lib/handoff.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/log.ts';
import type { NativeAddon } from '../../../native/index.ts';
import type { Apps } from '../../core/apps.ts';
import {
  allowsHandoff,
  rulesFor,
  selectTaker,
  Streak,
  surpluses,
  type Addressee,
  type AnsweredRequest,
} from '../../core/handoff.ts';
import type { Pool } from '../../core/pool.ts';
import type { Target } from '../../core/target.ts';
import type { ByteStream, Transport } from '../../transports/transport.ts';
import { initialSettings, type Settings } from '../settings.ts';
import type { AwayConnection, HandoffClient } from './away-connection.ts';
import { Rulings } from './rulings.ts';
import { WorkerChannel, type ChannelEvents } from './worker-channel.ts';

/** What becomes of connections beside their coming and going. */
export interface HandoffEvents {
  onReport(channel: WorkerChannel, report: HandoffReport): void;
  /** Clients' requests come through a worker on this stream. */
  onStray(channel: WorkerChannel, stream: ByteStream): void;
  /** The worker died with a request of this connection. `unanswered`: where the client can still be told, and how. */
  onLost(away: AwayConnection, unanswered: Unanswered | undefined): void;
  /** A worker said what makes no sense. */
  onNonsense(channel: WorkerChannel, problem: string): void;
}

/** A client that waits for the answer to a request of which nothing is known but this. */
export interface Unanswered {
  readonly stream: ByteStream;
  readonly isHead: boolean;
}

export interface HandoffOptions {
  readonly addon: NativeAddon;
  readonly transport: Transport;
  readonly apps: Apps;
  readonly log: Logger;
  /** Of this router's request ids. */
  readonly idPrefix: string;
  readonly events: HandoffEvents;
}

/** A worker that could not be reached, or ended its channel, is handed nothing for so long; */
const longPauseMs = 1000;
/** and one that reads slowly for so long. */
const shortPauseMs = 20;
/** Of one channel; a byte of memory each. */
const mostSlots = 65_536;

export class Handoff implements ChannelEvents {
  readonly #options: HandoffOptions;
  readonly #channels = new Map<Target, WorkerChannel>();
  /** Connections that are handed over when the present turn has ended. */
  readonly #due = new Set<HandoffClient>();
  readonly #rulings: Rulings;
  #settings: Settings = initialSettings;
  /** Set once the router ends: how long that may take. */
  #graceMs: number | undefined;

  constructor(options: HandoffOptions) {
    this.#options = options;
    this.#rulings = new Rulings(options.transport, (pool) => {
      const lagging = [...this.#channels.values()].find((channel) => channel.pool === pool && channel.isLagging);
      return lagging?.target.key;
    });
  }

  // --- for client connections ---

  /** A request was answered in whole, and the connection goes on. */
  onAnswered(client: HandoffClient, request: AnsweredRequest): void {
    if (client.isTrusted || this.#graceMs !== undefined) return;
    const streak = (client.streak ??= new Streak(request));
    streak.count(request);
    if (!streak.isDue(this.#settings.handoffAfter)) return;
    // By then its answer is with the kernel, and all that came in the same turn was told.
    if (this.#due.size === 0) setImmediate(this.#handOverDue);
    this.#due.add(client);
  }

  /** Ends a connection at once, whatever its worker is doing with it. Its client is not told. */
  cut(away: AwayConnection): void {
    if (away.isCut) return;
    away.isCut = true;
    this.#end(away, away.channel.isBusy(away) ? 'reset' : 'regular');
  }

  // --- for the server ---

  configure(settings: Settings): void {
    this.#settings = settings;
    this.review();
  }

  /** Something changed by which it is decided who serves which connection: a table was published, say. */
  review(): void {
    for (const channel of this.#channels.values()) {
      if (this.#hangUpIfRetired(channel)) continue;
      channel.rule(this.#rulesFor(channel));
      for (const away of channel.connections) {
        if (this.#options.apps.findWhole(away.addressee.host) !== channel.pool) channel.recall(away);
      }
    }
    for (const pool of new Set([...this.#channels.values()].map((channel) => channel.pool))) this.#level(pool);
  }

  /**
   * Tells once that no worker of the app serves connections that it was told to give back but for what runs on them, or,
   * after so long, the key of one that may.
   */
  whenRuled(pool: Pool, timeoutMs: number, onRuled: (lagging: string | undefined) => void): void {
    this.#rulings.wait(pool, timeoutMs, onRuled);
  }

  /** Recalls what some of the app's workers have too many of; it goes to others when it is due again. */
  #level(pool: Pool): void {
    const takers = pool.liveTargets.filter(({ handoff }) => handoff !== null);
    if (takers.length < 2) return;
    surpluses(takers.map(({ away }) => away)).forEach((surplus, index) => {
      const target = takers[index];
      const channel = target === undefined ? undefined : this.#channels.get(target);
      for (const away of channel?.first(surplus) ?? []) channel?.recall(away);
    });
  }

  /** The router ends within `graceMs`: everything is to come back. */
  retire(graceMs: number): void {
    this.#graceMs = graceMs;
    this.review();
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  // --- from the workers ---

  onBack(away: AwayConnection, why: HandoffBack['why']): void {
    const { client, channel } = away;
    if (why === 'stray') client.streak?.break();
    this.#takeBack(away, why === 'idle');
    this.#settle(channel);
  }

  onGone(away: AwayConnection): void {
    const { client, channel } = away;
    const isWhole = !channel.isBusy(away);
    channel.release(away);
    this.#settle(channel);
    if (away.isCut) return;
    const stream = isWhole ? this.#adopt(away) : undefined;
    if (stream !== undefined) {
      client.onHandedBackToEnd(stream);
      return;
    }
    this.#end(away, isWhole ? 'regular' : 'reset');
    client.onClose(undefined);
  }

  onStray(channel: WorkerChannel, address: string, fd: number): void {
    const { addon, transport, events } = this.#options;
    // A worker runs an app's code: it may speak for the clients that it was given, and for nobody else.
    const isKnown = [...channel.connections].some(({ client }) => client.address === address);
    const stream = isKnown ? transport.adopt(fd, { remoteAddress: address, remotePort: 0, localPort: 0 }) : undefined;
    if (stream !== undefined) {
      events.onStray(channel, stream);
      return;
    }
    addon.closeDescriptor(fd);
    if (!isKnown) events.onNonsense(channel, 'stray: of a client that it does not have');
  }

  onReport(channel: WorkerChannel, report: HandoffReport): void {
    this.#options.events.onReport(channel, report);
    this.#settle(channel, report.inFlight);
  }

  onRuled(channel: WorkerChannel): void {
    this.#rulings.review(channel.pool);
  }

  onNonsense(channel: WorkerChannel, problem: string): void {
    this.#options.events.onNonsense(channel, problem);
  }

  /** The worker died: what idled goes on here, and who waits for an answer is told that there will be none. */
  onEnd(channel: WorkerChannel, code: string | undefined): void {
    const { target } = channel;
    const { transport, log } = this.#options;
    if (this.#channels.get(target) === channel) this.#channels.delete(target);
    target.handoffPausedUntilMs = transport.nowMs() + longPauseMs;
    const all = [...channel.connections];
    log.debug({ target: target.key, code, connections: all.length }, 'the hand-off channel to a worker ended');
    for (const away of all) {
      if (away.isCut) {
        channel.release(away);
      } else if (channel.isBusy(away)) {
        this.#lose(away);
      } else {
        this.#takeBack(away, false);
      }
    }
    this.#settle(channel);
    this.#rulings.review(channel.pool);
  }

  #lose(away: AwayConnection): void {
    const { client, channel } = away;
    const state = channel.stateOf(away);
    channel.release(away);
    // In the middle of an answer nothing can be said any more.
    const stream = state === slotStates.busy || state === slotStates.busyHead ? this.#adopt(away) : undefined;
    if (stream === undefined) {
      this.#end(away, 'reset');
      this.#options.events.onLost(away, undefined);
      client.onClose(undefined);
    } else {
      this.#options.events.onLost(away, { stream, isHead: state === slotStates.busyHead });
      client.onHandedBackToEnd(stream);
    }
  }

  // --- handing over ---

  readonly #handOverDue = (): void => {
    const due = [...this.#due];
    this.#due.clear();
    this.#options.transport.run(() => {
      for (const client of due) if (!this.#handOver(client)) client.streak?.defer();
    });
  };

  /** False where it has to stay for now, as it was. */
  #handOver(client: HandoffClient): boolean {
    const { streak } = client;
    if (streak === undefined || !client.isAtRest) return false;
    const channel = this.#channelFor(streak);
    const fd = channel?.hasRoom === true ? client.stream.detach() : undefined;
    if (channel === undefined || fd === undefined) return false;
    const away = channel.take(client, fd, streak);
    if (away !== undefined) {
      client.onHandedOver(away);
      return true;
    }
    const { transport } = this.#options;
    channel.target.handoffPausedUntilMs = transport.nowMs() + shortPauseMs;
    const stream = transport.adopt(fd, client.stream);
    if (stream !== undefined) client.onHandedBack(stream, false);
    else this.#abandon(client, fd);
    return false;
  }

  /** To the worker that takes the app's next connection; undefined where none does now. */
  #channelFor({ host }: Addressee): WorkerChannel | undefined {
    const pool = this.#options.apps.findWhole(host);
    if (this.#graceMs !== undefined || pool === undefined || !allowsHandoff(pool.route)) return undefined;
    const target = selectTaker(pool.liveTargets, this.#options.transport.nowMs());
    return target === undefined ? undefined : (this.#channels.get(target) ?? this.#open(target, pool));
  }

  #open(target: Target, pool: Pool): WorkerChannel | undefined {
    const path = target.handoff;
    if (path === null) return undefined;
    const { addon, transport, log, idPrefix } = this.#options;
    const slots = Math.min(this.#settings.maxConnections, mostSlots);
    try {
      const channel = new WorkerChannel({ addon, transport, target, pool, path, idPrefix, slots, events: this });
      this.#channels.set(target, channel);
      channel.rule(this.#rulesFor(channel));
      return channel;
    } catch (error) {
      target.handoffPausedUntilMs = transport.nowMs() + longPauseMs;
      log.debug({ target: target.key, problem: messageOf(error) }, 'a worker takes no connections over');
      return undefined;
    }
  }

  #rulesFor({ target, pool, path }: WorkerChannel): HandoffRules {
    return rulesFor({
      route: pool.route,
      instance: target.instance,
      isLive: target.isListed && target.handoff === path,
      graceMs: this.#graceMs,
      settings: this.#settings,
    });
  }

  // --- taking back ---

  /** The connection goes on here. */
  #takeBack(away: AwayConnection, hasIdled: boolean): void {
    const { client, channel } = away;
    channel.release(away);
    if (away.isCut) return;
    client.streak?.restart();
    const stream = this.#adopt(away);
    if (stream === undefined) this.#abandon(client, away.fd);
    else client.onHandedBack(stream, hasIdled);
  }

  #adopt({ client, fd }: AwayConnection): ByteStream | undefined {
    return this.#options.transport.adopt(fd, client.stream);
  }

  /** There is no way to go on with the connection. */
  #abandon(client: HandoffClient, fd: number): void {
    this.#options.addon.closeDescriptor(fd);
    client.onClose(undefined);
  }

  /** Ends the connection itself: closing our descriptor would leave it to the worker's. */
  #end({ fd }: AwayConnection, how: 'regular' | 'reset'): void {
    const { addon } = this.#options;
    if (how === 'reset') addon.abortSocket(fd);
    else addon.shutdownSocket(fd);
    addon.closeDescriptor(fd);
  }

  /** Counts on the worker what runs on its connections: of each one request at most, whatever it reported. */
  #settle(channel: WorkerChannel, reported = channel.inFlight): void {
    const inFlight = Math.min(reported, channel.size);
    channel.target.inFlight += inFlight - channel.inFlight;
    channel.inFlight = inFlight;
    this.#options.apps.settle(channel.target);
    this.#hangUpIfRetired(channel);
  }

  /** The worker left the table and holds nothing any more; should the table list it again, it is dialled again. */
  #hangUpIfRetired(channel: WorkerChannel): boolean {
    const { target } = channel;
    if (target.isListed || !target.isFree) return false;
    if (this.#channels.get(target) === channel) this.#channels.delete(target);
    channel.close();
    this.#rulings.review(channel.pool);
    return true;
  }
}
