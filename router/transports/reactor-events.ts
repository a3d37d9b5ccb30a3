// The events of one wake-up, told one by one to the streams and acceptors that they are about.
import type { Buffer } from 'node:buffer';
import { getSystemErrorName } from 'node:util';
import { eventKinds, portShift, recordLength, type Reactor } from '../../native/reactor.ts';
import { formatIpv6 } from './ip-text.ts';
import type { ReactorAcceptor } from './reactor-acceptor.ts';
import type { ReactorConnects } from './reactor-connects.ts';
import type { ReactorStream } from './reactor-stream.ts';

const listenerMask = (1 << portShift) - 1;

export interface EventsOptions {
  readonly reactor: Reactor;
  /** The reactor's, as handlers are shown it. */
  readonly slab: Buffer;
  readonly connects: ReactorConnects;
  /** A stream for an accepted connection; `address`: as ReactorStream takes it. */
  createStream(number: number, address: string | number): ReactorStream;
  /** Nobody wants the connection. */
  refuse(number: number): void;
}

export class ReactorEvents {
  /** Both by number. */
  readonly streams: (ReactorStream | undefined)[] = [];
  readonly acceptors: (ReactorAcceptor | undefined)[] = [];
  readonly #options: EventsOptions;
  readonly #connects: ReactorConnects;
  readonly #records: Int32Array;
  readonly #slab: Buffer;
  /** The record that is being told, and the end of those of the present batch; equal outside of one. */
  #at = 0;
  #end = 0;

  constructor(options: EventsOptions) {
    const { reactor, slab, connects } = options;
    this.#options = options;
    this.#connects = connects;
    this.#records = reactor.events;
    this.#slab = slab;
  }

  tell(count: number): void {
    const records = this.#records;
    this.#end = count * recordLength;
    for (this.#at = 0; this.#at < this.#end; this.#at += recordLength) {
      const at = this.#at;
      const kind = records[at] as number;
      const number = records[at + 1] as number;
      const stream = this.streams[number];
      if (kind === eventKinds.data) {
        if (stream === undefined) continue;
        const start = records[at + 2] as number;
        stream.handler.onData(this.#slab, start, start + (records[at + 3] as number));
      } else {
        this.#tellOther(kind, number, stream);
      }
    }
  }

  /** The rest of the batch is lost to a handler that threw. */
  forget(): void {
    this.#at = this.#end = 0;
  }

  /** Whether bytes of the stream, or its end, are still to be told in this batch. */
  hasUntold(number: number): boolean {
    for (let at = this.#at + recordLength; at < this.#end; at += recordLength) {
      const kind = this.#records[at];
      if (this.#records[at + 1] === number && kind !== eventKinds.drained && kind !== eventKinds.refused) return true;
    }
    return false;
  }

  #tellOther(kind: number, number: number, stream: ReactorStream | undefined): void {
    const a = this.#records[this.#at + 2] as number;
    const b = this.#records[this.#at + 3] as number;
    switch (kind) {
      case eventKinds.acceptedV4:
        this.#accept(number, a, b);
        break;
      case eventKinds.acceptedV6:
        this.#accept(number, a, formatIpv6(this.#slab, b));
        break;
      case eventKinds.acceptedUnix:
        this.#accept(number, a, '');
        break;
      case eventKinds.refused:
        this.acceptors[number]?.onRefused(acceptError(a));
        break;
      default:
        if (stream !== undefined) this.#tellStream(kind, number, stream);
    }
  }

  #tellStream(kind: number, number: number, stream: ReactorStream): void {
    const a = this.#records[this.#at + 2] as number;
    const b = this.#records[this.#at + 3] as number;
    switch (kind) {
      case eventKinds.ended:
        stream.onPeerEnd();
        break;
      case eventKinds.drained:
        stream.onDrained();
        break;
      case eventKinds.connected:
        this.#connects.onConnected(stream);
        stream.handler.onConnect();
        break;
      case eventKinds.relayed:
        stream.handler.onRelayed?.((a >>> 0) + (b >>> 0) * 2 ** 32);
        break;
      case eventKinds.closed:
        this.#close(number, stream, a === 0 ? undefined : getSystemErrorName(-a));
        break;
    }
  }

  /** `source`: the listener, and the client's port. */
  #accept(number: number, source: number, address: string | number): void {
    const acceptor = this.acceptors[source & listenerMask];
    if (acceptor === undefined) {
      this.#options.refuse(number);
      return;
    }
    const stream = this.#options.createStream(number, address);
    stream.ports = (source & ~listenerMask) | acceptor.port;
    this.streams[number] = stream;
    acceptor.onStream(stream);
  }

  #close(number: number, stream: ReactorStream, code: string | undefined): void {
    this.streams[number] = undefined;
    if (!this.#connects.onClosed(stream, code)) stream.onGone(code);
  }
}

function acceptError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`accept ${code}`), { errno: -errno, code, syscall: 'accept' });
}
