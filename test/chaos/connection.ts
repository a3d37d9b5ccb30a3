// One client connection on a plain socket: requests one after another, answers read byte by byte, and FIN and RST seen
// as they come, also while it idles. It retries nothing and keeps nothing from the record.
import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { AnswerReader, type AnswerHead } from './answer-reader.ts';
import type { ClientKind, ConnectionRecord, ExchangeRecord, Recorder } from './record.ts';

export interface RequestOptions {
  readonly kind: ClientKind;
  readonly method?: 'GET' | 'POST';
  /** The exchange's id is appended. */
  readonly path: string;
  readonly fields?: readonly string[];
  readonly body?: Buffer;
  /** Called with each part of the body as it comes. */
  readonly onBody?: (bytes: Buffer) => void;
  readonly onHead?: (head: AnswerHead) => void;
  readonly onTunnel?: (bytes: Buffer) => void;
}

export interface Exchange {
  readonly record: ExchangeRecord;
  /** Resolves when the answer is whole or will never be; never rejects. */
  readonly ended: Promise<ExchangeRecord>;
}

interface Running extends RequestOptions {
  readonly record: ExchangeRecord;
  readonly resolve: (record: ExchangeRecord) => void;
}

export class Connection {
  readonly record: ConnectionRecord;
  readonly #recorder: Recorder;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  #running: Running | undefined;
  #onClosed: () => void = () => undefined;
  /** Resolves when it is over, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(recorder: Recorder, port: number, app: string) {
    this.#recorder = recorder;
    this.record = recorder.connection(app);
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#reader = new AnswerReader({
      onHead: (head) => {
        this.#onHead(head);
      },
      onBody: (bytes) => {
        const running = this.#running;
        if (running === undefined) return;
        running.record.bodyBytes += bytes.length;
        running.onBody?.(bytes);
      },
      onEnd: () => {
        this.#settle('whole');
      },
      onTunnel: (bytes) => {
        this.#running?.onTunnel?.(bytes);
      },
      onGarbage: (what) => {
        if (this.#running !== undefined) this.#running.record.corruption = what;
        this.#settle('garbage');
        this.close();
      },
    });
    this.#socket = this.#open(port);
  }

  /** A request can be sent on it. */
  get isUsable(): boolean {
    return this.#running === undefined && this.record.end === undefined && this.record.closedAtMs === undefined;
  }

  request(options: RequestOptions): Exchange {
    const { kind, method = 'GET', path, fields = [], body } = options;
    if (this.#running !== undefined) throw new Error('a connection carries one request at a time');
    const { app } = this.record;
    const record = this.#recorder.exchange({ kind, app, method, connection: this.record });
    let resolve: (record: ExchangeRecord) => void = () => undefined;
    const ended = new Promise<ExchangeRecord>((settle) => {
      resolve = settle;
    });
    this.#running = { ...options, record, resolve };
    const separator = path.includes('?') ? '&' : '?';
    const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
    const lines = [`${method} ${path}${separator}id=${record.id} HTTP/1.1`, `Host: ${app}.localhost`];
    const head = [...lines, `X-Request-Id: ${record.id}`, ...fields, ...length, '', ''].join('\r\n');
    this.write(body === undefined ? head : Buffer.concat([Buffer.from(head), body]));
    if (!this.isOpen) this.#settle('cut');
    return { record, ended };
  }

  get isOpen(): boolean {
    return this.record.end === undefined && this.record.closedAtMs === undefined;
  }

  /** Bytes of a body, or of a tunnel. */
  write(bytes: Buffer | string): void {
    if (this.isOpen) this.#socket.write(bytes);
  }

  /** Stops and goes on reading: a client that is slow. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Ends it from our side. What was not answered yet is left. */
  close(): void {
    if (this.record.closedAtMs !== undefined) return;
    this.record.closedAtMs = performance.now();
    this.#settle('left');
    this.#socket.destroy();
    this.#onClosed();
  }

  #open(port: number): Socket {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    socket.on('connect', () => {
      this.record.localPort = socket.localPort;
    });
    socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes);
    });
    socket.on('end', () => {
      this.#onPeerEnd('FIN');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#onPeerEnd(error.code ?? error.message);
    });
    return socket;
  }

  #onHead({ status, fields }: AnswerHead): void {
    const running = this.#running;
    if (running === undefined) {
      // An answer to nothing: it is put down as one of its own.
      const { app } = this.record;
      const record = this.#recorder.exchange({ kind: 'idle', app, method: 'GET', connection: this.record });
      record.corruption = `an answer ${status} came although nothing was asked`;
      record.outcome = 'garbage';
      return;
    }
    const { record } = running;
    record.headAtMs = performance.now();
    record.status = status;
    record.generation = fields.get('x-emperor-generation');
    record.ownGeneration = numberOf(fields.get('x-chaos-generation'));
    record.pid = numberOf(fields.get('x-chaos-pid'));
    record.cause = fields.get('x-emperor-error');
    this.record.wasToldToClose = fields.get('connection')?.toLowerCase() === 'close';
    running.onHead?.({ status, fields });
  }

  #onPeerEnd(how: string): void {
    if (!this.isOpen) return;
    this.#reader.finish();
    this.record.wasIdle = this.#running === undefined;
    this.record.end = how;
    this.record.endedAtMs = performance.now();
    this.#settle('cut');
    this.#socket.destroy();
    this.#onClosed();
  }

  #settle(outcome: 'whole' | 'cut' | 'garbage' | 'left'): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.record.outcome = outcome;
    running.record.endedAtMs = performance.now();
    if (outcome === 'whole') this.record.idleSinceMs = performance.now();
    running.resolve(running.record);
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
