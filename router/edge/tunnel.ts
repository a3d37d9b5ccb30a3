// An upgraded connection: bytes both ways, unread. A slow reader stops its writer, an end of one direction is passed
// on, and silence in both for too long ends it.
import type { Buffer } from 'node:buffer';
import type { ByteStream, Deadline, StreamHandler, Transport } from '../transports/transport.ts';

/** Who ended the tunnel. `router`: it was silent for too long, or the router is shutting down. */
export type TunnelEnder = 'client' | 'worker' | 'router';

export interface TunnelResult {
  readonly endedBy: TunnelEnder;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface TunnelOptions {
  readonly transport: Transport;
  readonly client: ByteStream;
  readonly worker: ByteStream;
  /** Longest silence; 0 = for ever. */
  readonly timeoutMs: number;
  /** Called once, when both streams are gone or ending. */
  onOver(result: TunnelResult): void;
}

/**
 * Once one side ended its direction the other may be silent for this long: a worker that died looks like one that
 * still listens.
 */
const halfClosedMs = 5000;
/** After the end, a reader has this long to take what still waits for it. */
const lastBytesMs = 5000;

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #deadline: Deadline;
  #movedMs: number;
  #bytesIn = 0;
  #bytesOut = 0;
  #endedDirections = 0;
  #firstEnder: TunnelEnder | undefined;
  #isOver = false;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { transport, client, worker } = options;
    this.#movedMs = transport.nowMs();
    this.#deadline = transport.createDeadline(() => {
      this.#onDeadline();
    });
    this.#watch();
    client.handler = this.#side('client', client, worker);
    worker.handler = this.#side('worker', worker, client);
    client.resume();
    worker.resume();
  }

  /** Ends both directions. */
  cut(): void {
    this.#over('router');
  }

  #side(from: 'client' | 'worker', source: ByteStream, sink: ByteStream): StreamHandler {
    return {
      onConnect: () => undefined,
      onData: (bytes: Buffer, start: number, end: number) => {
        this.#movedMs = this.#options.transport.nowMs();
        if (from === 'client') this.#bytesIn += end - start;
        else this.#bytesOut += end - start;
        if (!sink.write(bytes, start, end)) source.pause();
      },
      // Room in this stream: its counterpart may send again.
      onDrain: () => {
        this.#movedMs = this.#options.transport.nowMs();
        sink.resume();
      },
      onEnd: () => {
        this.#firstEnder ??= from;
        this.#endedDirections++;
        sink.end();
        if (this.#endedDirections === 2) this.#over(this.#firstEnder);
        else this.#watch();
      },
      onClose: () => {
        this.#over(this.#firstEnder ?? from);
      },
    };
  }

  #onDeadline(): void {
    if (this.#isOver) {
      this.#options.client.destroy();
      this.#options.worker.destroy();
      return;
    }
    if (this.#silenceLeftMs > 0) this.#watch();
    else this.#over(this.#firstEnder ?? 'router');
  }

  #watch(): void {
    const leftMs = this.#silenceLeftMs;
    if (leftMs === Infinity) this.#deadline.disarm();
    else this.#deadline.arm(Math.max(0, leftMs));
  }

  get #silenceLeftMs(): number {
    const { transport, timeoutMs } = this.#options;
    const openMs = timeoutMs === 0 ? Infinity : timeoutMs;
    const limitMs = this.#endedDirections === 0 ? openMs : Math.min(openMs, halfClosedMs);
    return this.#movedMs + limitMs - transport.nowMs();
  }

  #over(endedBy: TunnelEnder): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { client, worker } = this.#options;
    // What one side sent before it vanished still goes to the other, if that takes it soon.
    for (const stream of [client, worker]) {
      stream.end();
      if (stream.pendingBytes === 0) stream.destroy();
    }
    if (client.pendingBytes + worker.pendingBytes > 0) this.#deadline.arm(lastBytesMs);
    else this.#deadline.disarm();
    this.#options.onOver({ endedBy, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut });
  }
}
