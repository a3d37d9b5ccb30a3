// A client connection that a router handed over: which requests run on it, and when it can be given back. It can only
// while nothing runs, the kernel has all that was answered, and no part of a further request was read.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { slotStates, type HandoffBack, type HandoffTake } from '../../../../lib/handoff.ts';
import { endEventStream } from '../event-streams.ts';
import { isBetweenMessages, type HttpRequest, type HttpResponse, type HttpSocket } from './http-internals.ts';
import { readTakenHead, type TakenHead } from './request-fields.ts';
import { RunningRequests } from './running-requests.ts';
import { writeAtOnce } from './single-write.ts';
import { relayConnection } from './stray.ts';
import { TakenRequest } from './taken-request.ts';
import type { TakingServer } from './taking-server.ts';

/** What a connection needs of the router's channel. */
export interface ConnectionOwner {
  readonly limitPost: number;
  readonly generation: string | null;
  readonly isLogged: boolean;
  /** Connections are to be given back as soon as they can be. */
  readonly wantsBack: boolean;
  /** The router is gone: nothing can be given back. */
  readonly hasEnded: boolean;
  nextRequestId(): string;
  mark(slot: number, state: number): void;
  /** False where that cannot be told now. */
  giveBack(slot: number, why: HandoffBack['why']): boolean;
  /** A connection to the router, for a stray; undefined where there can be none. */
  openTunnel(address: string): Socket | undefined;
  onRequestBegun(): void;
  onRequestOver(request: TakenRequest): void;
  /** The connection is closed, or the router's again. */
  onOver(connection: TakenConnection, how: 'back' | 'gone'): void;
}

export class TakenConnection {
  readonly slot: number;
  readonly host: string;
  /** The host alone, as the router routes by it and logs it. */
  readonly hostName: string;
  readonly address: string;
  readonly owner: ConnectionOwner;
  readonly server: TakingServer;
  readonly socket: HttpSocket;
  /** When its event streams are to end, on the monotonic clock. */
  streamsEndMs = Infinity;
  /** Since when nothing happened, on the monotonic clock; of no meaning while something runs. */
  idleSinceMs = performance.now();
  readonly #running = new RunningRequests();
  /** Its last request or all that runs on it as a relay, until that is over. */
  #isRelayed = false;
  /** The router asked for it, or must have it for a stray. */
  #why: HandoffBack['why'] | undefined;
  #prepared: { readonly id: string; readonly head: TakenHead | undefined } | undefined;
  #isLast = false;
  #isOver = false;

  constructor({ slot, host, address }: HandoffTake, fd: number, server: TakingServer, owner: ConnectionOwner) {
    this.slot = slot;
    this.host = host;
    this.hostName = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
    this.address = address;
    this.owner = owner;
    this.server = server;
    // Throws where the descriptor is none of a stream, and does not close it then.
    this.socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.socket.once('close', () => {
      this.#onClose();
    });
    writeAtOnce(this.socket);
    server.take(this.socket, this);
  }

  get isIdle(): boolean {
    return this.#running.isEmpty && !this.#isRelayed;
  }

  /** Between two requests: of a next one nothing was read. */
  get isAtRest(): boolean {
    return this.#isQuiet && this.#isBetweenMessages;
  }

  // --- from Node's HTTP server ---

  /** A head was read. What it is to become is decided here, before Node or the app look at it. */
  prepare(request: HttpRequest): void {
    const id = this.owner.nextRequestId();
    const head = readTakenHead(request, this, id);
    this.#prepared = { id, head };
    if (head === undefined) return;
    request._addHeaderLines(head.fields, head.fields.length);
    if (head.headers !== undefined && this.server.hasPlainHeaders) request.headers = head.headers;
  }

  /** The parser has worked off what was read. */
  onRead(): void {
    // A part of a head: who dies now has it, and the router could not go on.
    if (this.isIdle && !this.#isOver && !this.#isBetweenMessages) this.#mark(slotStates.busy);
  }

  onRequest(request: HttpRequest, response: HttpResponse): void {
    const prepared = this.#prepared;
    // What follows a last answer is not to be done: nobody would hear of it.
    if (prepared === undefined || this.#isLast || this.#isOver) return;
    this.#prepared = undefined;
    // Behind an answer that has begun, nobody could answer in our place.
    if (this.isIdle) this.#mark(request.method === 'HEAD' ? slotStates.busyHead : slotStates.busy);
    const taken = new TakenRequest(this, request, response, prepared);
    this.#running.add(taken);
    if (taken.isStray) this.#why = 'stray';
    else this.owner.onRequestBegun();
    taken.begin();
  }

  onUpgrade(request: HttpRequest, stream: Duplex, head: Buffer): void {
    // Behind a request that runs, or with a body, no client asks for another protocol.
    const tunnel = stream === this.socket && this.isIdle ? this.owner.openTunnel(this.address) : undefined;
    if (tunnel === undefined) {
      this.socket.destroy();
      return;
    }
    this.#isRelayed = true;
    this.#mark(slotStates.answering);
    relayConnection({ request, head, client: this.socket, tunnel }, () => {
      this.#isRelayed = false;
    });
  }

  // --- from its requests ---

  /** Bytes of a final answer are about to be sent. */
  onAnswering(): void {
    if (!this.#isOver) this.#mark(slotStates.answering);
  }

  /** The answer that just began is the last one. */
  expectEnd(): void {
    this.#isLast = true;
  }

  onRequestOver(taken: TakenRequest): void {
    if (!this.#running.delete(taken)) return;
    if (!taken.isStray) this.owner.onRequestOver(taken);
    if (this.#isOver || !this.isIdle) return;
    // An app may answer before it has the whole request; Node reads the rest.
    if (taken.request.complete) this.#onQuiet();
    else {
      taken.request.once('close', () => {
        if (this.isIdle && !this.#isOver) this.#onQuiet();
      });
    }
  }

  // --- from its owner ---

  recall(): void {
    this.#why ??= 'recalled';
    this.giveBack('recalled');
  }

  /** Gives it back if that can be. */
  giveBack(why: HandoffBack['why']): boolean {
    const { socket } = this;
    const handle = socket._handle;
    if (this.#isOver || handle === null || handle === undefined || !this.#isQuiet) return false;
    // From here on nothing is read, and what was read is a whole number of messages.
    handle.readStop();
    handle.reading = false;
    if (!this.#isBetweenMessages || !this.owner.giveBack(this.slot, this.#why === 'stray' ? 'stray' : why)) {
      handle.reading = true;
      handle.readStart();
      return false;
    }
    this.#isOver = true;
    // No end is sent to the client: the router's descriptor keeps the connection.
    socket.destroy();
    this.owner.onOver(this, 'back');
    return true;
  }

  /** Ends the answer that is a stream of events, if one runs. */
  endStreams(): void {
    endEventStream(this.socket);
  }

  endRelay(): void {
    if (this.#isRelayed) this.socket.destroy();
  }

  /** Nothing can be given back any more, or must not be waited for. */
  close(): void {
    this.socket.destroy();
  }

  // --- its state ---

  get #isBetweenMessages(): boolean {
    const { parser } = this.socket;
    return parser !== null && parser !== undefined && isBetweenMessages(parser);
  }

  get #isQuiet(): boolean {
    const { socket } = this;
    return (
      this.isIdle &&
      !this.#isLast &&
      socket.writable &&
      !socket.readableEnded &&
      socket._paused !== true &&
      socket.writableLength === 0 &&
      socket.readableLength === 0 &&
      socket._handle?.writeQueueSize === 0
    );
  }

  #onQuiet(): void {
    const { owner, socket } = this;
    if (socket.readableEnded) {
      // The client ended its direction, and has every answer. Node marks the last one to end the connection, and
      // forgets it where the field for that is left out.
      socket.end();
      return;
    }
    this.idleSinceMs = performance.now();
    this.#mark(this.#isBetweenMessages ? slotStates.idle : slotStates.busy);
    // An app's time limit for one answer is none for the pause after it.
    if (socket.timeout !== undefined && socket.timeout !== this.server.silenceMs) {
      socket.setTimeout(this.server.silenceMs);
    }
    if (this.#why !== undefined || owner.wantsBack) this.giveBack(this.#why ?? 'recalled');
  }

  #onClose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Where nothing runs the last answer is whole, and the router reads out what the client still sends.
    if (this.isIdle) this.#mark(slotStates.idle);
    for (const taken of this.#running.all) taken.cut();
    this.owner.onOver(this, 'gone');
  }

  #mark(state: number): void {
    this.owner.mark(this.slot, state);
  }
}
