// An upgraded connection: bytes both ways, unread but for where the frames of a WebSocket end. A slow reader stops its
// writer, an end of one direction is passed on, and silence in both for too long ends it. Asked to end, it ends as its
// client understands it: a WebSocket by a Close frame between two others, anything else by an end of both directions.
import type { Buffer } from 'node:buffer';
import { closeToClient, closeToWorker, WebSocketFrames } from '../core/websocket-frames.ts';
import type { ByteStream, Deadline, StreamHandler } from '../transports/transport.ts';
import type { Edge } from './edge.ts';
import type { LastingStream, WorkerHolder } from './farewells.ts';

/** Who ended the tunnel. `router`: it was silent for too long, its worker is retired, or the router is shutting down. */
export type TunnelEnder = 'client' | 'worker' | 'router';

export interface TunnelResult {
  readonly endedBy: TunnelEnder;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface TunnelOptions {
  readonly edge: Pick<Edge, 'transport' | 'farewells' | 'settings'>;
  /** What got it its worker. */
  readonly holder: WorkerHolder | undefined;
  readonly client: ByteStream;
  readonly worker: ByteStream;
  readonly isWebSocket: boolean;
  /** Called once, when nothing more is passed on. */
  onOver(result: TunnelResult): void;
  /** Called once, after onOver, when both streams are closed. */
  onGone(): void;
}

/**
 * `boundary`: asked to end, within a frame to the client. `closing`: the client was sent a Close and has not answered.
 * `handshake`: asked to end while its two ends do just that. `ending`: both directions are ended, what still comes is
 * read and dropped, so that no reset destroys what was sent last.
 */
type Phase = 'open' | 'boundary' | 'closing' | 'handshake' | 'ending' | 'gone';

/** The longest wait for a frame's end, for the answer to a Close, and for a handshake that was under way. */
const stepMs = 1000;
/**
 * Once one side ended its direction the other may be silent for this long: a worker that died looks like one that
 * still listens.
 */
const halfClosedMs = 5000;
/** After the end both sides have so long to end theirs, and a reader this long to take what still waits for it. */
const lingerMs = 3000;
const lastBytesMs = 5000;

/** One end of the tunnel. */
interface Side {
  readonly name: 'client' | 'worker';
  readonly stream: ByteStream;
  /** What it sends; undefined where that is nothing we know. */
  readonly frames: WebSocketFrames | undefined;
  hasEnded: boolean;
  isClosed: boolean;
}

export class Tunnel implements LastingStream {
  readonly #options: TunnelOptions;
  readonly #transport: Edge['transport'];
  readonly #client: Side;
  readonly #worker: Side;
  readonly #deadline: Deadline;
  /** Longest silence; 0 = for ever. */
  readonly #timeoutMs: number;
  readonly #dropFarewell: () => void;
  #phase: Phase = 'open';
  #movedMs: number;
  /** When nothing more was passed on. */
  #overMs = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #firstEnder: TunnelEnder | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#transport = options.edge.transport;
    const { edge, client, worker, isWebSocket } = options;
    const frames = (sender: 'client' | 'server'): WebSocketFrames | undefined =>
      isWebSocket ? new WebSocketFrames(sender) : undefined;
    this.#client = { name: 'client', stream: client, frames: frames('client'), hasEnded: false, isClosed: false };
    this.#worker = { name: 'worker', stream: worker, frames: frames('server'), hasEnded: false, isClosed: false };
    this.#timeoutMs = edge.settings.tunnelTimeoutMs;
    this.#movedMs = this.#nowMs;
    this.#deadline = edge.transport.createDeadline(() => {
      this.#onDeadline();
    });
    this.#watch();
    client.handler = this.#handler(this.#client, this.#worker);
    worker.handler = this.#handler(this.#worker, this.#client);
    client.resume();
    worker.resume();
    this.#dropFarewell = edge.farewells.add(this, options.holder);
  }

  endGracefully(): void {
    if (this.#phase !== 'open') return;
    this.#firstEnder ??= 'router';
    const { frames } = this.#worker;
    if (frames === undefined) this.#over();
    else this.#endAtBoundary(frames);
  }

  /** Ends both directions at once. */
  cut(): void {
    this.#firstEnder ??= 'router';
    this.#over();
    this.#destroy();
  }

  #handler(from: Side, to: Side): StreamHandler {
    return {
      onConnect: () => undefined,
      onData: (bytes: Buffer, start: number, end: number) => {
        if (from.name === 'client') this.#onClientData(bytes, start, end);
        else this.#onWorkerData(bytes, start, end);
      },
      // Room in this stream: its counterpart may send again.
      onDrain: () => {
        this.#movedMs = this.#nowMs;
        to.stream.resume();
      },
      onEnd: () => {
        this.#onEnd(from, to);
      },
      onClose: () => {
        from.isClosed = true;
        this.#firstEnder ??= from.name;
        this.#over();
        if (!to.isClosed) return;
        this.#phase = 'gone';
        this.#deadline.disarm();
        this.#options.onGone();
      },
    };
  }

  #onClientData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'ending') return;
    const { frames } = this.#client;
    frames?.follow(bytes, start, end);
    this.#bytesIn += end - start;
    this.#movedMs = this.#nowMs;
    if (!this.#worker.stream.write(bytes, start, end)) this.#client.stream.pause();
    // Its answer to our Close is with the worker, who so learns that the client goes.
    if (this.#phase === 'closing' && frames?.hasClosed === true) this.#over();
  }

  #onWorkerData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'ending' || this.#phase === 'closing') return;
    const { frames } = this.#worker;
    if (this.#phase === 'boundary' && frames !== undefined) {
      const stop = frames.followToBoundary(bytes, start, end);
      this.#passToClient(bytes, start, stop);
      this.#endAtBoundary(frames);
      return;
    }
    frames?.follow(bytes, start, end);
    this.#passToClient(bytes, start, end);
  }

  #passToClient(bytes: Buffer, start: number, end: number): void {
    this.#bytesOut += end - start;
    this.#movedMs = this.#nowMs;
    if (!this.#client.stream.write(bytes, start, end)) this.#worker.stream.pause();
  }

  #endAtBoundary(frames: WebSocketFrames): void {
    if (frames.isLost) this.#over();
    else if (frames.hasClosed || this.#client.frames?.hasClosed === true) this.#enter('handshake');
    else if (frames.isAtBoundary) this.#sayClose();
    else if (this.#phase !== 'boundary') this.#enter('boundary');
  }

  #onEnd(from: Side, to: Side): void {
    from.hasEnded = true;
    if (this.#phase === 'ending') {
      this.#closeWhereDone();
      return;
    }
    this.#firstEnder ??= from.name;
    to.stream.end();
    // A client that was told to close and leaves without an answer has nothing more to say.
    if (to.hasEnded || (this.#phase === 'closing' && from.name === 'client')) this.#over();
    else if (this.#phase === 'open') this.#watch();
  }

  /** Between two frames: the client is told, and gets nothing more of the worker. */
  #sayClose(): void {
    this.#client.stream.write(closeToClient, 0, closeToClient.length);
    this.#enter('closing');
    // What it still sends is dropped, so it need not wait for the client's reading any more.
    this.#worker.stream.resume();
  }

  #enter(phase: 'boundary' | 'closing' | 'handshake'): void {
    this.#phase = phase;
    this.#deadline.arm(stepMs);
  }

  #onDeadline(): void {
    switch (this.#phase) {
      case 'open':
        if (this.#silenceLeftMs > 0) this.#watch();
        else this.#over();
        break;
      case 'closing':
        if (this.#client.frames?.isAtBoundary === true)
          this.#worker.stream.write(closeToWorker, 0, closeToWorker.length);
        this.#over();
        break;
      case 'boundary':
      case 'handshake':
        this.#over();
        break;
      case 'ending':
        this.#onLingered();
        break;
      case 'gone':
        break;
    }
  }

  #watch(): void {
    const leftMs = this.#silenceLeftMs;
    if (leftMs === Infinity) this.#deadline.disarm();
    else this.#deadline.arm(Math.max(0, leftMs));
  }

  get #silenceLeftMs(): number {
    const timeoutMs = this.#timeoutMs;
    const openMs = timeoutMs === 0 ? Infinity : timeoutMs;
    const isHalfClosed = this.#client.hasEnded || this.#worker.hasEnded;
    const limitMs = isHalfClosed ? Math.min(openMs, halfClosedMs) : openMs;
    return this.#movedMs + limitMs - this.#nowMs;
  }

  get #nowMs(): number {
    return this.#transport.nowMs();
  }

  get #pendingBytes(): number {
    return this.#client.stream.pendingBytes + this.#worker.stream.pendingBytes;
  }

  /** Nothing more is passed on; what one side sent before it vanished still goes to the other, if that takes it soon. */
  #over(): void {
    if (this.#phase === 'ending' || this.#phase === 'gone') return;
    this.#phase = 'ending';
    this.#overMs = this.#nowMs;
    this.#dropFarewell();
    for (const { stream } of [this.#client, this.#worker]) {
      stream.end();
      stream.resume();
    }
    this.#closeWhereDone();
    this.#deadline.arm(lingerMs);
    this.#options.onOver({
      endedBy: this.#firstEnder ?? 'router',
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }

  #onLingered(): void {
    if (this.#pendingBytes > 0 && this.#nowMs - this.#overMs < lastBytesMs) this.#deadline.arm(lingerMs);
    else this.#destroy();
  }

  /** A stream whose both directions ended is closed, by the transport itself where bytes of ours still wait. */
  #closeWhereDone(): void {
    for (const { stream, hasEnded } of [this.#client, this.#worker])
      if (hasEnded && stream.pendingBytes === 0) stream.destroy();
  }

  #destroy(): void {
    this.#client.stream.destroy();
    this.#worker.stream.destroy();
  }
}
