// The commands of a turn on their way to the reactor, and the bytes that they send. Nothing is allocated for either: a
// write is a copy into memory that both sides share, or, where the bytes came from there, a note of their place.
import { Buffer } from 'node:buffer';
import { commandKinds, recordLength, type Reactor } from '../../native/reactor.ts';
import { ByteView } from '../http1/byte-view.ts';
import type { HeadSpace } from '../http1/head-space.ts';

/** Up to this many bytes a loop is faster than Buffer.copy, which makes a view of its source first (Node 20). */
const shortPieceBytes = 48;
/** Received bytes that are passed on are copied up to here: a command of their own would cost more. */
const shortSlabBytes = 1024;

/** What a stream can be told besides to send. */
export type Order = 'end' | 'finish' | 'close' | 'reset' | 'pause' | 'resume';

export class ReactorCommands implements HeadSpace {
  /** Of the bytes that are sent. A head that was written into it, from `at` on, is sent without a copy. */
  readonly view: ByteView;
  readonly #reactor: Reactor;
  readonly #records: Int32Array;
  readonly #outgoing: Buffer;
  readonly #pending: Uint32Array;
  readonly #slab: Buffer;
  /** Int32 values of the commands, and bytes of `outgoing`, that are in use. */
  #length = 0;
  #used = 0;
  #round = 0;
  /** Within a batch: what the slab holds stays until the commands are executed. */
  isSlabLent = false;

  /** `slab`: the reactor's, as handlers are shown it. */
  constructor(reactor: Reactor, slab: Buffer) {
    this.#reactor = reactor;
    this.#records = reactor.commands;
    this.#outgoing = Buffer.from(reactor.outgoing.buffer, reactor.outgoing.byteOffset, reactor.outgoing.byteLength);
    this.view = new ByteView(this.#outgoing);
    this.#pending = reactor.pending;
    this.#slab = slab;
  }

  get at(): number {
    return this.#used;
  }

  empty(): void {
    this.flush();
  }

  /** Another number once what was written so far is executed: with the kernel, or pending. */
  get round(): number {
    return this.#round;
  }

  /** Bytes that were executed and that the kernel has not taken yet. */
  pending(stream: number): number {
    return this.#pending[stream] as number;
  }

  order(order: Order, stream: number): void {
    this.#add(commandKinds[order], stream, 0, 0);
  }

  /** Sends bytes[start, end), at least one. */
  send(stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.isSlabLent && end - start > shortSlabBytes && bytes === this.#slab) {
      this.#append(commandKinds.sendSlab, stream, start, end - start);
      return;
    }
    if (bytes === this.#outgoing) {
      this.#append(commandKinds.send, stream, start, end - start);
      // Behind the command: see below. What was executed on its account is read no more.
      this.#used = end;
      return;
    }
    let from = start;
    while (from < end) {
      if (this.#used === this.#outgoing.length) this.flush();
      const length = Math.min(end - from, this.#outgoing.length - this.#used);
      const at = this.#used;
      this.#copy(bytes, from, length);
      this.#append(commandKinds.send, stream, at, length);
      // Behind the command: making room for it would have executed the others, and emptied `outgoing` below it.
      this.#used = at + length;
      from += length;
    }
  }

  /** Executes everything now. */
  flush(): void {
    const count = this.take();
    if (count > 0) this.#reactor.execute(count);
  }

  /** How many commands there are, which the caller is to have executed at once. */
  take(): number {
    const count = this.#length / recordLength;
    this.#length = 0;
    this.#used = 0;
    this.#round++;
    return count;
  }

  #copy(bytes: Buffer, start: number, length: number): void {
    const outgoing = this.#outgoing;
    const at = this.#used;
    if (length > shortPieceBytes) {
      bytes.copy(outgoing, at, start, start + length);
      return;
    }
    for (let i = 0; i < length; i++) outgoing[at + i] = bytes[start + i] as number;
  }

  /** As part of the last command where it goes on from there. */
  #append(kind: number, stream: number, at: number, length: number): void {
    const records = this.#records;
    const last = this.#length - recordLength;
    if (last >= 0 && records[last] === kind && records[last + 1] === stream) {
      const soFar = records[last + 3] as number;
      if ((records[last + 2] as number) + soFar === at) {
        records[last + 3] = soFar + length;
        return;
      }
    }
    this.#add(kind, stream, at, length);
  }

  #add(kind: number, stream: number, a: number, b: number): void {
    if (this.#length === this.#records.length) this.flush();
    const records = this.#records;
    const at = this.#length;
    records[at] = kind;
    records[at + 1] = stream;
    records[at + 2] = a;
    records[at + 3] = b;
    this.#length = at + recordLength;
  }
}
