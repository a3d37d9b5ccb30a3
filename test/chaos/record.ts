// What clients saw: every request with its outcome, every connection with its end, on one clock. It judges nothing.

export type ClientKind = 'get' | 'get-new' | 'post' | 'upload' | 'download' | 'idle' | 'web-socket' | 'event-stream';

/** How the peer ended a connection: `FIN`, or the error's code (`ECONNRESET`: RST). */
export type ConnectionEnd = string;

export interface ConnectionRecord {
  readonly id: number;
  readonly app: string;
  /** Before connect() was called. */
  readonly openedAtMs: number;
  /** Undefined where it never was connected. */
  localPort: number | undefined;
  /** When the peer ended it, and how; undefined where it did not before we did. */
  endedAtMs: number | undefined;
  end: ConnectionEnd | undefined;
  /** When we closed it. */
  closedAtMs: number | undefined;
  /** When the last answer ended, or it was connected: since then it idles. */
  idleSinceMs: number;
  /** The last answer said `Connection: close`. */
  wasToldToClose: boolean;
  /** No request was being answered when the peer ended it. */
  wasIdle: boolean;
}

export interface ExchangeRecord {
  /** Unique; sent as X-Chaos-Id and in the path. */
  readonly id: string;
  readonly kind: ClientKind;
  readonly app: string;
  readonly method: 'GET' | 'POST';
  readonly connection: ConnectionRecord;
  /** When its first byte was written, or its connection was opened for it. */
  readonly sentAtMs: number;
  headAtMs: number | undefined;
  /** When the answer was whole, or ended without being so. */
  endedAtMs: number | undefined;
  status: number | undefined;
  /** `X-Emperor-Generation`, of an answer that has it. */
  generation: string | undefined;
  /** The app's own word on it. */
  ownGeneration: number | undefined;
  /** The worker that answered. */
  pid: number | undefined;
  /** `X-Emperor-Error`. */
  cause: string | undefined;
  bodyBytes: number;
  /**
   * `pending` until it ended; `whole`: the answer came to its end; `cut`: the connection ended before; `garbage`: what
   * came is no HTTP; `left`: we gave it up, with everything else at the end.
   */
  outcome: 'pending' | 'whole' | 'cut' | 'garbage' | 'left';
  /** What is wrong with the body, in words. */
  corruption: string | undefined;
}

/** One WebSocket from its 101 to its end. */
export interface SocketRecord {
  readonly exchange: ExchangeRecord;
  echoes: number;
  /** When the last message was sent, and when its echo came. */
  lastSentAtMs: number;
  lastEchoAtMs: number;
  /** From the close frame of the peer. */
  closeCode: number | undefined;
  closeAtMs: number | undefined;
  corruption: string | undefined;
}

export class Recorder {
  readonly connections: ConnectionRecord[] = [];
  readonly exchanges: ExchangeRecord[] = [];
  readonly sockets: SocketRecord[] = [];

  connection(app: string): ConnectionRecord {
    const nowMs = performance.now();
    const record: ConnectionRecord = {
      id: this.connections.length + 1,
      app,
      openedAtMs: nowMs,
      localPort: undefined,
      endedAtMs: undefined,
      end: undefined,
      closedAtMs: undefined,
      idleSinceMs: nowMs,
      wasToldToClose: false,
      wasIdle: true,
    };
    this.connections.push(record);
    return record;
  }

  exchange(about: Pick<ExchangeRecord, 'kind' | 'app' | 'method' | 'connection'>): ExchangeRecord {
    const record: ExchangeRecord = {
      ...about,
      id: `${about.kind}-${this.exchanges.length + 1}`,
      sentAtMs: performance.now(),
      headAtMs: undefined,
      endedAtMs: undefined,
      status: undefined,
      generation: undefined,
      ownGeneration: undefined,
      pid: undefined,
      cause: undefined,
      bodyBytes: 0,
      outcome: 'pending',
      corruption: undefined,
    };
    this.exchanges.push(record);
    return record;
  }

  socket(exchange: ExchangeRecord): SocketRecord {
    const nowMs = performance.now();
    const record: SocketRecord = {
      exchange,
      echoes: 0,
      lastSentAtMs: nowMs,
      lastEchoAtMs: nowMs,
      closeCode: undefined,
      closeAtMs: undefined,
      corruption: undefined,
    };
    this.sockets.push(record);
    return record;
  }
}
