// Reads the answers of one connection from its bytes, strictly and with nothing in between: what a client of the public
// port sees is exactly what came. It sends nothing and retries nothing.
import { Buffer } from 'node:buffer';

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case; of a repeated field the last. */
  readonly fields: ReadonlyMap<string, string>;
}

export interface AnswerEvents {
  onHead(head: AnswerHead): void;
  onBody(bytes: Buffer): void;
  /** The answer is whole. */
  onEnd(): void;
  /** Bytes after `101 Switching Protocols`. */
  onTunnel(bytes: Buffer): void;
  /** What came is no HTTP, or came although nothing was asked. */
  onGarbage(what: string): void;
}

type State =
  'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close' | 'tunnel' | 'broken';

export class AnswerReader {
  readonly #events: AnswerEvents;
  #state: State = 'head';
  #pending: Buffer = Buffer.alloc(0);
  #left = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** True between answers: nothing of one has come. */
  get isBetween(): boolean {
    return this.#state === 'head' && this.#pending.length === 0;
  }

  push(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length > 0 && this.#step());
  }

  /** The peer sent a FIN: an answer without a length is whole by that. Returns whether it was. */
  finish(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#state = 'broken';
    this.#events.onEnd();
    return true;
  }

  /** Takes what it can of the pending bytes; false where more must come first. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#head();
      case 'length':
        return this.#counted('head');
      case 'chunk':
        return this.#counted('chunk-end');
      case 'chunk-size':
        return this.#chunkSize();
      case 'chunk-end':
        return this.#line((line) => {
          if (line === '') this.#state = 'chunk-size';
          else this.#break('a chunk is longer than it said');
        });
      case 'trailers':
        return this.#line((line) => {
          if (line === '') this.#end();
        });
      case 'until-close':
        this.#events.onBody(this.#take(this.#pending.length));
        return false;
      case 'tunnel':
        this.#events.onTunnel(this.#take(this.#pending.length));
        return false;
      case 'broken':
        this.#pending = Buffer.alloc(0);
        return false;
    }
  }

  #head(): boolean {
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const [statusLine = '', ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${statusLine} `)?.[1]);
    if (Number.isNaN(status)) {
      this.#break(`no status line: ${JSON.stringify(statusLine)}`);
      return false;
    }
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    if (status >= 100 && status < 200 && status !== 101) return true;
    this.#begin({ status, fields });
    return true;
  }

  #begin(head: AnswerHead): void {
    const { status, fields } = head;
    this.#left = Number(fields.get('content-length') ?? 0);
    if (status === 101) this.#state = 'tunnel';
    else if (fields.get('transfer-encoding') === 'chunked') this.#state = 'chunk-size';
    else if (fields.has('content-length')) this.#state = 'length';
    else this.#state = status === 204 || status === 304 ? 'length' : 'until-close';
    this.#events.onHead(head);
    if (this.#state === 'length' && this.#left === 0) this.#end();
  }

  #counted(next: 'head' | 'chunk-end'): boolean {
    const part = this.#take(Math.min(this.#left, this.#pending.length));
    this.#left -= part.length;
    this.#events.onBody(part);
    if (this.#left > 0) return false;
    if (next === 'head') this.#end();
    else this.#state = next;
    return true;
  }

  #chunkSize(): boolean {
    return this.#line((line) => {
      if (!/^[0-9a-f]+$/i.test(line)) {
        this.#break(`no chunk size: ${JSON.stringify(line)}`);
        return;
      }
      this.#left = Number.parseInt(line, 16);
      this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    });
  }

  #line(take: (line: string) => void): boolean {
    const end = this.#pending.indexOf('\r\n');
    if (end === -1) return false;
    take(
      this.#take(end + 2)
        .toString('latin1')
        .slice(0, -2),
    );
    return true;
  }

  #end(): void {
    this.#state = 'head';
    this.#events.onEnd();
  }

  #break(what: string): void {
    this.#state = 'broken';
    this.#events.onGarbage(what);
  }

  #take(count: number): Buffer {
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }
}
